"""What the API answers, typed. Text in it is what users and the API wrote: show it as text only."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypedDict

_SECRET = ("UploadUri", "InputStorageEncryptionSymmetricKey", "InputStorageEncryptionIv")


@dataclass(frozen=True, slots=True)
class UploadKey:
    """Of an upload that its sender encrypts with AES-256-CTR: no padding, counter of 128 bits, big-endian."""

    key: bytes = field(repr=False)
    """32 bytes."""
    iv: bytes = field(repr=False)
    """16 bytes: the counter of the first block."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What processing and keeping a video takes; calls and viewers are not in it."""

    seconds: float
    """Of instances at work, as they are billed."""
    output_minutes: float
    """Of all renditions, added up."""
    storage_bytes: int
    """That stay: the upload, and what is made of it."""
    cost: float
    """Paid once, at the prices that the service is configured with."""
    monthly_cost: float
    """Paid for what is kept."""
    currency: str

    @classmethod
    def read(cls, found: Mapping[str, Any] | None) -> Self | None:
        if found is None:
            return None
        return cls(
            seconds=found["Seconds"],
            output_minutes=found["OutputMinutes"],
            storage_bytes=found["StorageBytes"],
            cost=found["Cost"],
            monthly_cost=found["MonthlyCost"],
            currency=found["Currency"],
        )


@dataclass(frozen=True, slots=True)
class Video:
    id: str
    upload_uri: str | None = field(repr=False)
    """Where to upload to, for whoever has it; None once the upload is complete or given up."""
    file_name: str
    duration: int
    """Seconds; 0 until known."""
    width: int
    """px; 0 until known, and for sound."""
    height: int
    size: int
    """Bytes of the upload; 0 until it is complete."""
    status: str
    """AwaitingUpload, Processing, Completed or Failed."""
    title: str
    description: str
    tags: tuple[str, ...]
    metadata: Mapping[str, str]
    key_id: str | None
    """Of the content key of a protected video."""
    encrypted_upload: bool
    """The stored original is what its sender encrypted."""
    encryption: UploadKey | None
    """To encrypt the upload with; known only right after `create`."""
    estimate: Usage | None
    """None until the source was examined."""
    actual: Usage | None
    """None until the video is ready."""
    etag: str | None
    """Version, for `update`; None in listings."""
    public: Mapping[str, Any] = field(repr=False)
    """The API's JSON without what must stay secret."""

    @classmethod
    def read(cls, found: Mapping[str, Any], etag: str | None = None) -> Self:
        key, iv = found["InputStorageEncryptionSymmetricKey"], found["InputStorageEncryptionIv"]
        return cls(
            id=found["Id"],
            upload_uri=found["UploadUri"],
            file_name=found["FileName"],
            duration=found["Duration"],
            width=found["Width"],
            height=found["Height"],
            size=found["Size"],
            status=found["Status"],
            title=found.get("Title") or "",
            description=found.get("Description") or "",
            tags=tuple(found.get("Tags") or ()),
            metadata=found.get("Metadata") or {},
            key_id=found["ContentProtectionKeyId"],
            encrypted_upload=found["InputStorageEncryptionMode"] is not None,
            encryption=UploadKey(base64.b64decode(key), base64.b64decode(iv)) if key and iv else None,
            estimate=Usage.read(found.get("Estimate")),
            actual=Usage.read(found.get("Actual")),
            etag=etag,
            public={name: value for name, value in found.items() if name not in _SECRET},
        )

    @property
    def upload_key(self) -> bytes | None:
        return self.encryption.key if self.encryption else None

    @property
    def upload_iv(self) -> bytes | None:
        return self.encryption.iv if self.encryption else None


@dataclass(frozen=True, slots=True)
class Page:
    """Some videos, newest first; `token` leads to the next page, None ends the list."""

    videos: Sequence[Video]
    token: str | None


@dataclass(frozen=True, slots=True)
class Status:
    status: str
    """AwaitingUpload, Processing, Completed or Failed."""
    message: str
    """For people; the reason after a failure."""
    progress: int
    """Percent."""
    code: str | None = None
    """For programs, after a failure."""
    playable: bool = False
    """It can be played; while it is Processing, early."""
    estimate: Usage | None = None
    """None until the source was examined."""
    actual: Usage | None = None
    """None until the video is ready."""

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Self:
        return cls(
            status=found["Status"],
            message=found["Message"],
            progress=found["Progress"],
            code=(found.get("Error") or {}).get("Code"),
            playable=found["Playable"],
            estimate=Usage.read(found.get("Estimate")),
            actual=Usage.read(found.get("Actual")),
        )

    @property
    def final(self) -> bool:
        return self.status in {"Completed", "Failed"}


class Thumbnail(TypedDict):
    Kind: str
    """Poster, Indexed or Timed."""
    ID: str
    VideoId: str
    Height: int
    Width: int
    Index: int
    Time: int
    """Seconds."""
    Url: str
    """Limited in time."""


class Format(TypedDict):
    Extension: str
    MimeType: str
