"""The API's calls as methods: `Client("http://127.0.0.1:7071/api").create("a.mp4")`."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from client.download import download
from client.errors import ApiError
from client.models import Format, Page, Status, Thumbnail, UploadKey, Video
from client.transport import CALL, TIMEOUT, TRANSFER, Patience, persistently
from client.upload import Source, upload

ENDPOINTS = ("HLS", "DASH", "Streaming", "Progressive")
EARLY_ENDPOINTS = ("HLS", "DASH")
"""That play a video while it is encoded."""
PAGE = 200
"""Most videos that one call lists."""


class Client:
    """Every method raises ApiError when the API refuses and Unreachable when nobody answers: see `client.errors`."""

    def __init__(self, base: str, key: str | None = None, token: str | None = None) -> None:
        """`base` is the API's URL, such as http://127.0.0.1:7071/api. `key`: a Functions key, `token`: one of Microsoft
        Entra ID, where they are needed; both go to the API only, never to storage.
        """
        self.base = base.rstrip("/")
        credentials = {
            **({"x-functions-key": key} if key else {}),
            **({"Authorization": f"Bearer {token}"} if token else {}),
        }
        self._api = httpx.Client(base_url=f"{self.base}/", headers=credentials, timeout=TIMEOUT)
        self._storage = httpx.Client(timeout=TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._api.close()
        self._storage.close()

    # Videos

    def create(
        self,
        file_name: str,
        *,
        protect: bool = False,
        encrypt_upload: bool = False,
        title: str = "",
        description: str = "",
        tags: Sequence[str] = (),
        metadata: Mapping[str, str] | None = None,
        size: int | None = None,
    ) -> Video:
        """`protect`: what is published is encrypted. `encrypt_upload`: the caller encrypts what it uploads.

        `size` is that of the file in bytes: one that is too large is refused now and not after the upload.
        """
        wanted = {
            "OriginalFileName": file_name,
            "ContentProtectionMode": "AES128" if protect else "None",
            "InputStorageEncryptionMode": "AES256" if encrypt_upload else None,
            **_given(Title=title, Description=description, Tags=list(tags), Metadata=metadata, Size=size),
        }
        return _video(self._send("POST", "Videos", wanted, repeatable=False))

    def get(self, video_id: str) -> Video:
        return _video(self._send("GET", _at(video_id)))

    def page(
        self, *, top: int = 50, status: str = "", tag: str = "", name_prefix: str = "", token: str | None = None
    ) -> Page:
        """Newest first. `top` is 1 to 200; `token` that of the page before."""
        query = _given(top=top, status=status, tag=tag, namePrefix=name_prefix, continuationToken=token)
        found = self._call("GET", "Videos", query=query)
        return Page([Video.read(item) for item in found["Items"]], found["ContinuationToken"])

    def videos(self, *, status: str = "", tag: str = "", name_prefix: str = "", top: int = PAGE) -> Iterator[Video]:
        """All of them, newest first; asks for `top` at a time as they are needed."""
        token = None
        while True:
            page = self.page(top=top, status=status, tag=tag, name_prefix=name_prefix, token=token)
            yield from page.videos
            token = page.token
            if token is None:
                return

    def update(
        self,
        video: Video,
        *,
        title: str | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
        metadata: Mapping[str, str] | None = None,
        overwrite: bool = False,
    ) -> str:
        """What is None stays as it is in `video`. Answers the new ETag.

        ApiError 412 if somebody changed the video since it was got, unless `overwrite`.
        """
        body = {
            "Title": video.title if title is None else title,
            "Description": video.description if description is None else description,
            "Tags": list(video.tags if tags is None else tags),
            "Metadata": dict(video.metadata if metadata is None else metadata),
        }
        version = None if overwrite else video.etag
        headers = {"If-Match": version} if version else {}
        answer = self._send("PUT", _at(video.id), body, headers=headers, repeatable=not headers)
        return str(answer.headers["ETag"])

    def delete(self, video_id: str) -> None:
        self._send("DELETE", _at(video_id), repeatable=False)

    # Upload and download

    def upload(
        self,
        video: Video,
        path: Path,
        progress: Callable[[int], None] = lambda _: None,
        *,
        encryption: UploadKey | None = None,
        sent: Collection[int] = (),
        confirmed: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Sends the file straight to storage; `progress` hears the bytes sent so far.

        With `encryption` (see `Video.encryption`) it is encrypted on its way; without, it is sent as it is.
        An upload that broke off is continued by giving back, as `sent`, the numbers that `confirmed` was told.
        Raises UploadError and FileError, too.
        """
        if video.upload_uri is None:
            raise ApiError(409, "This video awaits no upload: it is complete, or its time is over.")
        upload(
            self._storage,
            video.upload_uri,
            Source.of(path),
            key=encryption,
            sent=sent,
            confirmed=confirmed,
            progress=progress,
        )

    def mark_complete(self, video_id: str) -> None:
        self._send("POST", _at(video_id, "MarkComplete"))

    def download(self, video_id: str, path: Path, progress: Callable[[int, int], None] = lambda *_: None) -> None:
        """The original, as it was uploaded; `progress` hears bytes so far and in all. Raises FileError, too."""
        answer = self._send("GET", _at(video_id, "Source"))
        if answer.status_code != 307:
            raise ApiError(answer.status_code, "The API did not say where the original is.")
        download(self._storage, answer.headers["Location"], path, progress)

    # What becomes of it

    def status(self, video_id: str, *, patience: Patience = CALL) -> Status:
        return Status.read(self._call("GET", _at(video_id, "Status"), patience=patience))

    def watch(self, video_id: str, every: float = 0.5) -> Iterator[Status]:
        """The status every so many seconds, until it is final."""
        while True:
            status = self.status(video_id, patience=TRANSFER)
            yield status
            if status.final:
                return
            time.sleep(every)

    def playback_urls(
        self, video_id: str, kinds: Sequence[str] = ENDPOINTS, token: str | None = None, *, early: bool = False
    ) -> dict[str, str]:
        """By endpoint type. With a token, playlists carry it: for native players. Protected: not Progressive.

        `early`: as soon as the status says `playable`, of EARLY_ENDPOINTS only.
        """
        address, query = _at(video_id, "PlaybackEndpoint"), _given(token=token, early="true" if early else None)
        return {
            kind: self._call("GET", address, query={"endpointType": kind, **query})["PlaybackUrl"] for kind in kinds
        }

    def authorization_token(self, video_id: str) -> str:
        """The bare JWT that opens a protected video's content key."""
        token: str = self._call("GET", _at(video_id, "AuthorizationToken"))["Token"]
        return token

    def thumbnails(self, video_id: str) -> list[Thumbnail]:
        found: list[Thumbnail] = self._call("GET", _at(video_id, "Thumbnails"))
        return found

    def formats(self) -> list[Format]:
        found: list[Format] = self._call("GET", "Formats")
        return found

    # How it is asked

    def _call(self, method: str, path: str, query: dict[str, Any] | None = None, patience: Patience = CALL) -> Any:
        return _json(self._send(method, path, query=query, patience=patience))

    def _send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        repeatable: bool = True,
        patience: Patience = CALL,
    ) -> httpx.Response:
        response = persistently(
            lambda: self._api.request(method, path, json=body, params=query, headers=headers),
            repeatable=repeatable,
            patience=patience,
        )
        if response.status_code < 400:
            return response
        try:
            message = str(response.json()["message"])
        except (ValueError, KeyError, TypeError):
            message = f"The API answered {response.status_code} {response.reason_phrase}."
        raise ApiError(response.status_code, message)


def _at(video_id: str, *rest: str) -> str:
    return "/".join(("Videos", quote(video_id, safe=""), *rest))


def _given(**fields: Any) -> dict[str, Any]:
    """Without those that say nothing."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        raise ApiError(404, f"What answers at {response.url.host} is not this API.") from None


def _video(response: httpx.Response) -> Video:
    return Video.read(_json(response), response.headers.get("ETag"))
