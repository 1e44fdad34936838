"""The API's answers as typed objects. Their texts come from users and from the API: show them as plain text only."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypedDict

_SECRET = ("UploadUri", "InputStorageEncryptionSymmetricKey", "InputStorageEncryptionIv")


@dataclass(frozen=True, slots=True)
class UploadKey:
    """The key of an upload that its sender encrypts with AES-256-CTR: no padding, a 128-bit big-endian counter."""

    key: bytes = field(repr=False)
    """The key, of 32 bytes."""
    iv: bytes = field(repr=False)
    """The counter of the first block, of 16 bytes."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The resources that processing and storing a video take, without API calls and viewers."""

    seconds: float
    """Seconds of instances at work, as they are billed."""
    output_minutes: float
    """Minutes of output, summed over all renditions."""
    storage_bytes: int
    """Bytes kept in storage: the upload and everything made from it."""
    cost: float
    """Cost of processing, paid once, at the configured prices of the service."""
    monthly_cost: float
    """Monthly cost of the bytes that are kept in storage."""
    currency: str
    """Currency of both costs, such as `EUR`."""

    @classmethod
    def read(cls, found: Mapping[str, Any] | None) -> Self | None:
        """Converts the JSON of the API. Returns None when the API does not know the usage yet."""
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
    """A video as the API describes it."""

    id: str
    upload_uri: str | None = field(repr=False)
    """URL for the upload, which needs no other credentials; None once the upload is complete or has expired."""
    file_name: str
    duration: int
    """Duration in seconds; 0 until it is known."""
    width: int
    """Width in px; 0 until it is known, and for audio."""
    height: int
    """Height in px; 0 until it is known, and for audio."""
    size: int
    """Bytes of the upload; 0 until it is complete."""
    status: str
    """State: AwaitingUpload, Processing, Completed or Failed."""
    title: str
    description: str
    tags: tuple[str, ...]
    metadata: Mapping[str, str]
    key_id: str | None
    """Id of the content key of a protected video; None for other videos."""
    encrypted_upload: bool
    """Whether the stored original is encrypted with its sender's key."""
    encryption: UploadKey | None
    """Key to encrypt the upload with; only `create` returns it."""
    estimate: Usage | None
    """Estimated usage; None until the service has read the file."""
    actual: Usage | None
    """Actual usage; None until the video is ready."""
    etag: str | None
    """Version of the video, for `update`; None in listings."""
    public: Mapping[str, Any] = field(repr=False)
    """JSON of the API, without the secret fields."""

    @classmethod
    def read(cls, found: Mapping[str, Any], etag: str | None = None) -> Self:
        """Converts the JSON of the API."""
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
        """The key to encrypt the upload with; only `create` returns it."""
        return self.encryption.key if self.encryption else None

    @property
    def upload_iv(self) -> bytes | None:
        """The initial counter to encrypt the upload with; only `create` returns it."""
        return self.encryption.iv if self.encryption else None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing, newest videos first. `token` requests the next page; it is None on the last one."""

    videos: Sequence[Video]
    token: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """The progress of a video."""

    status: str
    """State: AwaitingUpload, Processing, Completed or Failed."""
    message: str
    """Message for people: the reason of a failure."""
    progress: int
    """Progress in percent."""
    code: str | None = None
    """Code of a failure, for programs."""
    playable: bool = False
    """Whether the video can be played. While it is Processing, only `early` playback URLs work."""
    estimate: Usage | None = None
    """Estimated usage; None until the service has read the file."""
    actual: Usage | None = None
    """Actual usage; None until the video is ready."""

    @classmethod
    def read(cls, found: Mapping[str, Any]) -> Self:
        """Converts the JSON of the API."""
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
        """Whether the status will not change any more."""
        return self.status in {"Completed", "Failed"}


class Thumbnail(TypedDict):
    """A thumbnail of a video."""

    Kind: str
    """Kind of the thumbnail: Poster, Indexed or Timed."""
    ID: str
    VideoId: str
    Height: int
    Width: int
    Index: int
    Time: int
    """Position in the video, in seconds."""
    Url: str
    """URL of the picture, which is valid for a limited time."""


class Format(TypedDict):
    """A file format that can be uploaded."""

    Extension: str
    MimeType: str
