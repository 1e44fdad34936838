"""The API's calls as methods: `Client("http://127.0.0.1:7071/api").create("a.mp4")`."""

import base64
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from client.upload import upload

ENDPOINTS = ("HLS", "DASH", "Streaming", "Progressive")
_TIMEOUT = httpx.Timeout(60, connect=10)


class ApiError(Exception):
    """The API said no; the message is its own, made for people. `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Video:
    id: str
    upload_uri: str | None
    """Where to upload to; None once the upload is complete."""
    file_name: str
    duration: int
    """Seconds; 0 until known."""
    width: int
    height: int
    key_id: str | None
    """Of the content key of a protected video."""
    upload_key: bytes | None
    """AES-256-CTR key to encrypt the upload with; known only right after `create`."""
    upload_iv: bytes | None


@dataclass(frozen=True, slots=True)
class Status:
    status: str
    """AwaitingUpload, Processing, Completed or Failed."""
    message: str
    """For people; the reason after a failure."""
    progress: int
    """Percent."""

    @property
    def final(self) -> bool:
        return self.status in {"Completed", "Failed"}


class Client:
    """`base` is the API's URL, such as http://127.0.0.1:7071/api; `key` a Functions key where one is needed.

    Every method raises ApiError when the API refuses, httpx.HTTPError when it cannot be reached.
    """

    def __init__(self, base: str, key: str | None = None) -> None:
        self._http = httpx.Client(
            base_url=base.rstrip("/") + "/", headers={"x-functions-key": key} if key else {}, timeout=_TIMEOUT
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def create(self, file_name: str, *, protect: bool = False, encrypt_upload: bool = False) -> Video:
        """`protect`: what is published is encrypted. `encrypt_upload`: the caller encrypts what it uploads."""
        wanted = {
            "OriginalFileName": file_name,
            "ContentProtectionMode": "AES128" if protect else "None",
            "InputStorageEncryptionMode": "AES256" if encrypt_upload else None,
        }
        return _video(self._call("POST", "Videos", wanted))

    def get(self, video_id: str) -> Video:
        return _video(self._call("GET", f"Videos/{video_id}"))

    def upload(self, video: Video, path: Path, progress: Callable[[int], None] = lambda _: None) -> None:
        """Sends the file straight to storage; `progress` hears the bytes sent so far."""
        if video.upload_uri is None:
            raise ApiError(409, "The upload of this video is complete already.")
        upload(self._http, video.upload_uri, path, progress)

    def mark_complete(self, video_id: str) -> None:
        self._call("POST", f"Videos/{video_id}/MarkComplete")

    def status(self, video_id: str) -> Status:
        found = self._call("GET", f"Videos/{video_id}/Status")
        return Status(found["Status"], found["Message"], found["Progress"])

    def watch(self, video_id: str, every: float = 0.5) -> Iterator[Status]:
        """The status every so many seconds, until it is final."""
        while True:
            status = self.status(video_id)
            yield status
            if status.final:
                return
            time.sleep(every)

    def playback_urls(
        self, video_id: str, kinds: Sequence[str] = ENDPOINTS, token: str | None = None
    ) -> dict[str, str]:
        """By endpoint type. With a token, playlists carry it: for native players. Protected: not Progressive."""
        query = f"&token={token}" if token else ""
        return {
            kind: self._call("GET", f"Videos/{video_id}/PlaybackEndpoint?endpointType={kind}{query}")["PlaybackUrl"]
            for kind in kinds
        }

    def authorization_token(self, video_id: str) -> str:
        """The bare JWT that opens a protected video's content key."""
        token: str = self._call("GET", f"Videos/{video_id}/AuthorizationToken")["Token"]
        return token

    def thumbnails(self, video_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._call("GET", f"Videos/{video_id}/Thumbnails")
        return found

    def formats(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self._call("GET", "Formats")
        return found

    def delete(self, video_id: str) -> None:
        self._call("DELETE", f"Videos/{video_id}")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        response = self._http.request(method, path, json=body)
        if response.is_success:
            return response.json() if response.content else None
        try:
            message = response.json()["message"]
        except (ValueError, KeyError):
            message = f"The API answered {response.status_code} {response.reason_phrase}."
        raise ApiError(response.status_code, message)


def _video(found: dict[str, Any]) -> Video:
    return Video(
        id=found["Id"],
        upload_uri=found["UploadUri"],
        file_name=found["FileName"],
        duration=found["Duration"],
        width=found["Width"],
        height=found["Height"],
        key_id=found["ContentProtectionKeyId"],
        upload_key=_bytes(found["InputStorageEncryptionSymmetricKey"]),
        upload_iv=_bytes(found["InputStorageEncryptionIv"]),
    )


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
