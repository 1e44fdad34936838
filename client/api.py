"""Each call of the API is a method: `Client("http://127.0.0.1:7071/api").create("a.mp4")`."""

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
from client.transport import CALL_RETRIES, TIMEOUT, TRANSFER_RETRIES, RetryPolicy, send_with_retries
from client.upload import Source, upload

ENDPOINTS = ("HLS", "DASH", "Streaming", "Progressive")
EARLY_ENDPOINTS = ("HLS", "DASH")
"""The endpoint types that can play a video while it is encoded."""
PAGE = 200
"""The most videos that one call lists."""


class Client:
    """A client of one API.

    Every method raises ApiError when the API refuses the request, and Unreachable when nobody answers (see
    `client.errors`).
    """

    def __init__(self, base: str, key: str | None = None, token: str | None = None) -> None:
        """`base` is the URL of the API, such as http://127.0.0.1:7071/api.

        `key` is a Functions key and `token` a token of Microsoft Entra ID, if the API requires them. Both are sent to
        the API only, never to storage.
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
        """Creates a video that awaits its upload.

        With `protect` the published video is encrypted. With `encrypt_upload` the caller encrypts the upload.
        `size` is the size of the file in bytes: with it, a file that is too large is refused before its upload.
        """
        body = {
            "OriginalFileName": file_name,
            "ContentProtectionMode": "AES128" if protect else "None",
            "InputStorageEncryptionMode": "AES256" if encrypt_upload else None,
            **_non_empty(Title=title, Description=description, Tags=list(tags), Metadata=metadata, Size=size),
        }
        return _video(self._send("POST", "Videos", body, repeatable=False))

    def get(self, video_id: str) -> Video:
        """Returns a video."""
        return _video(self._send("GET", _path(video_id)))

    def page(
        self, *, top: int = 50, status: str = "", tag: str = "", name_prefix: str = "", token: str | None = None
    ) -> Page:
        """Returns one page of videos, newest first.

        `top` is the number of videos, 1 to 200. `token` is that of the previous page.
        """
        query = _non_empty(top=top, status=status, tag=tag, namePrefix=name_prefix, continuationToken=token)
        found = self._call("GET", "Videos", query=query)
        return Page([Video.read(item) for item in found["Items"]], found["ContinuationToken"])

    def videos(self, *, status: str = "", tag: str = "", name_prefix: str = "", top: int = PAGE) -> Iterator[Video]:
        """Yields all videos, newest first. It requests pages of `top` videos as they are needed."""
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
        """Changes the metadata of a video and returns its new ETag. Arguments that are None keep the values of `video`.

        Raises ApiError 412 if somebody has changed the video since it was read, unless `overwrite` is set.
        """
        body = {
            "Title": video.title if title is None else title,
            "Description": video.description if description is None else description,
            "Tags": list(video.tags if tags is None else tags),
            "Metadata": dict(video.metadata if metadata is None else metadata),
        }
        version = None if overwrite else video.etag
        headers = {"If-Match": version} if version else {}
        answer = self._send("PUT", _path(video.id), body, headers=headers, repeatable=not headers)
        return str(answer.headers["ETag"])

    def delete(self, video_id: str) -> None:
        """Deletes a video with everything that is stored for it."""
        self._send("DELETE", _path(video_id), repeatable=False)

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
        """Sends the file directly to storage. `progress` is called with the bytes sent so far.

        With `encryption` (see `Video.encryption`) the file is encrypted on the way, otherwise it is sent as it is.
        `confirmed` is called with the index of each block that storage has. To continue an interrupted upload, pass
        these indices as `sent`. It also raises UploadError and FileError.
        """
        if video.upload_uri is None:
            raise ApiError(409, "This video does not await an upload: it is complete, or its upload has expired.")
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
        """Tells the API that the upload is complete, so that processing begins."""
        self._send("POST", _path(video_id, "MarkComplete"))

    def download(self, video_id: str, path: Path, progress: Callable[[int, int], None] = lambda *_: None) -> None:
        """Downloads the original file, as it was uploaded.

        `progress` is called with the bytes received so far and in total. It also raises FileError.
        """
        answer = self._send("GET", _path(video_id, "Source"))
        if answer.status_code != 307:
            raise ApiError(answer.status_code, "The API did not return the address of the original file.")
        download(self._storage, answer.headers["Location"], path, progress)

    # Processing and playback

    def status(self, video_id: str, *, retries: RetryPolicy = CALL_RETRIES) -> Status:
        """Returns the progress of a video."""
        return Status.read(self._call("GET", _path(video_id, "Status"), retries=retries))

    def watch(self, video_id: str, every: float = 0.5) -> Iterator[Status]:
        """Yields the status until it is final, with a pause of `every` seconds."""
        while True:
            status = self.status(video_id, retries=TRANSFER_RETRIES)
            yield status
            if status.final:
                return
            time.sleep(every)

    def playback_urls(
        self, video_id: str, kinds: Sequence[str] = ENDPOINTS, token: str | None = None, *, early: bool = False
    ) -> dict[str, str]:
        """Returns playback URLs by endpoint type. A protected video has no Progressive endpoint.

        With `token`, the URLs lead to playlists that carry the token, which native players need. With `early`, the
        URLs of EARLY_ENDPOINTS are available as soon as the status is `playable`.
        """
        path, query = _path(video_id, "PlaybackEndpoint"), _non_empty(token=token, early="true" if early else None)
        return {kind: self._call("GET", path, query={"endpointType": kind, **query})["PlaybackUrl"] for kind in kinds}

    def authorization_token(self, video_id: str) -> str:
        """Returns a JWT, without a prefix, that gives access to the content key of a protected video."""
        token: str = self._call("GET", _path(video_id, "AuthorizationToken"))["Token"]
        return token

    def thumbnails(self, video_id: str) -> list[Thumbnail]:
        """Returns the thumbnails of a video."""
        found: list[Thumbnail] = self._call("GET", _path(video_id, "Thumbnails"))
        return found

    def formats(self) -> list[Format]:
        """Returns the file formats that can be uploaded."""
        found: list[Format] = self._call("GET", "Formats")
        return found

    # Requests

    def _call(
        self, method: str, path: str, query: dict[str, Any] | None = None, retries: RetryPolicy = CALL_RETRIES
    ) -> Any:
        return _json(self._send(method, path, query=query, retries=retries))

    def _send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        repeatable: bool = True,
        retries: RetryPolicy = CALL_RETRIES,
    ) -> httpx.Response:
        response = send_with_retries(
            lambda: self._api.request(method, path, json=body, params=query, headers=headers),
            repeatable=repeatable,
            retries=retries,
        )
        if response.status_code < 400:
            return response
        try:
            message = str(response.json()["message"])
        except (ValueError, KeyError, TypeError):
            message = f"The API answered {response.status_code} {response.reason_phrase}."
        raise ApiError(response.status_code, message)


def _path(video_id: str, *rest: str) -> str:
    return "/".join(("Videos", quote(video_id, safe=""), *rest))


def _non_empty(**fields: Any) -> dict[str, Any]:
    """Returns the fields that are not empty."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        raise ApiError(404, f"The server at {response.url.host} is not this API.") from None


def _video(response: httpx.Response) -> Video:
    return Video.read(_json(response), response.headers.get("ETag"))
