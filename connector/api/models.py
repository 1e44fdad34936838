"""The resources as they go over the wire (PascalCase, in the order of the contract's tables)."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_pascal
from pydantic_core import PydanticCustomError

from connector.domain.formats import EXTENSIONS, extension


class Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, populate_by_name=True, extra="ignore")


class NewVideo(Wire):
    """Body of POST /Videos."""

    original_file_name: str = Field("", max_length=1024, validate_default=True)
    content_protection_mode: Literal["None", "AES128"] = "None"
    input_storage_encryption_mode: Literal["AES256"] | None = None

    @field_validator("original_file_name", mode="before")
    @classmethod
    def _supported(cls, value: Any) -> Any:
        if not isinstance(value, str) or extension(value) not in EXTENSIONS:
            raise PydanticCustomError("file_name", "is required and its extension must be supported, see GET /Formats")
        return value

    @field_validator("content_protection_mode", mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        return "None" if value is None or value == "" else value

    @field_validator("input_storage_encryption_mode", mode="before")
    @classmethod
    def _empty(cls, value: Any) -> Any:
        return None if value == "" else value


class VideoModel(Wire):
    id: str
    upload_uri: str | None
    content_protection_mode: str
    content_protection_key_id: str | None
    duration: int
    """Whole seconds; 0 until known."""
    original_file_name: str
    input_storage_encryption_mode: str | None
    input_storage_encryption_symmetric_key: str | None
    input_storage_encryption_iv: str | None
    file_name: str
    created: str
    modified: str
    status: str
    width: int
    height: int
    frame_rate: float
    has_audio: bool
    size: int
    """Bytes of the upload."""


class ErrorDetail(Wire):
    code: str
    message: str


class StepModel(Wire):
    name: str
    started: str
    finished: str | None
    seconds: float
    worker: str


class StatusModel(Wire):
    status_code: int
    status: str
    message: str
    progress: int
    """Percent."""
    error: ErrorDetail | None
    steps: list[StepModel]


class TokenModel(Wire):
    value: str = Field(alias="value")
    """As the old service wrote it: `Bearer=` and the token."""
    token: str
    expires_on: int
    """Epoch seconds."""


class PlaybackModel(Wire):
    type: str
    playback_url: str


class ThumbnailModel(Wire):
    kind: str
    """Poster, Indexed or Timed."""
    id: str = Field(alias="ID")
    video_id: str
    height: int
    width: int
    index: int
    """0 unless Indexed."""
    time: int
    """Whole seconds; 0 unless Timed."""
    url: str


class FormatModel(Wire):
    extension: str
    mime_type: str
