"""The resources as they go over the wire (PascalCase, in the order of the contract's tables)."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal


class Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, populate_by_name=True, extra="ignore", defer_build=True)


class UsageModel(Wire):
    """What processing and keeping a video takes. Calls, viewers, log and free grants are not in it."""

    seconds: Annotated[float, Field(description="Of instances at work, as they are billed.")]
    output_minutes: Annotated[float, Field(description="Of all renditions, added up.")]
    storage_bytes: Annotated[int, Field(description="That stay: the upload, and what is made of it.")]
    cost: Annotated[float, Field(description="Paid once, at the configured prices.")]
    monthly_cost: Annotated[float, Field(description="Paid for what is kept, at the configured price.")]
    currency: str


class VideoModel(Wire):
    id: str
    upload_uri: str | None
    content_protection_mode: str
    content_protection_key_id: str | None
    duration: Annotated[int, Field(description="Whole seconds; 0 until known.")]
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
    size: Annotated[int, Field(description="Bytes of the upload.")]
    title: str
    description: str
    tags: list[str]
    metadata: dict[str, str]
    estimate: Annotated[UsageModel | None, Field(description="Null until the source was examined.")]
    actual: Annotated[UsageModel | None, Field(description="Null until the video is ready.")]


class VideoList(Wire):
    items: Annotated[list[VideoModel], Field(description="Newest first.")]
    continuation_token: Annotated[str | None, Field(description="For the next page; null at the end.")]


class ErrorDetail(Wire):
    code: str
    message: str


class StepModel(Wire):
    name: str
    started: str
    finished: str | None
    seconds: float
    progress: int
    """Percent."""
    worker: str


class StatusModel(Wire):
    status_code: int
    status: str
    message: str
    progress: Annotated[int, Field(description="Percent.")]
    playable: Annotated[bool, Field(description="It can be played; before it is Completed, with `early=true`.")]
    error: ErrorDetail | None
    chunks: int
    """Tasks that the picture is encoded in, each a step `chunk-…` once it began; 0 until known."""
    audio_tracks: int
    """Likewise `audio-…`."""
    steps: list[StepModel]
    estimate: Annotated[UsageModel | None, Field(description="Null until the source was examined.")]
    actual: Annotated[UsageModel | None, Field(description="Null until the video is ready.")]


class TokenModel(Wire):
    value: str = Field(alias="value", description="As the old service wrote it: `Bearer=` and the token.")
    token: str
    expires_on: Annotated[int, Field(description="Epoch seconds.")]


class PlaybackModel(Wire):
    type: str
    playback_url: str


class ThumbnailModel(Wire):
    kind: Annotated[str, Field(description="Poster, Indexed or Timed.")]
    id: str = Field(alias="ID")
    video_id: str
    height: int
    width: int
    index: Annotated[int, Field(description="0 unless Indexed.")]
    time: Annotated[int, Field(description="Whole seconds; 0 unless Timed.")]
    url: str


class AddressModel(Wire):
    url: str


class FormatModel(Wire):
    extension: str
    mime_type: str


class HealthModel(Wire):
    status: str


class FieldError(BaseModel):
    field: str
    message: str


class Error(BaseModel):
    """Every failure. `status`, `source` and `message` are as the old service wrote them."""

    model_config = ConfigDict(defer_build=True)

    status: int
    source: Annotated[str, Field(description="The request's address without its query.")]
    message: Annotated[str, Field(description="For people.")]
    code: Annotated[str, Field(description="For programs.")]
    request_id: str = Field(alias="requestId")
    errors: Annotated[list[FieldError], Field(description="What is wrong with which field, after InvalidRequest.")] = []
