"""The resources as they go over the wire (PascalCase, in the order of the contract's tables)."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, field_validator
from pydantic.alias_generators import to_camel, to_pascal
from pydantic_core import PydanticCustomError

from connector.domain.formats import EXTENSIONS, FORMATS, extension
from connector.domain.video import About

_ANY_CASE = ("".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in f.extension) for f in FORMATS)
_FILE_NAME = rf"\.({'|'.join(_ANY_CASE)})$"
"""JSON Schema's regular expressions know no flag for any case."""


class Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, populate_by_name=True, extra="ignore", defer_build=True)


class Query(BaseModel):
    """Parameters of a query; their names' case does not matter."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", defer_build=True)


Tag = Annotated[str, Field(min_length=1, max_length=64)]


class AboutModel(Wire):
    """What the video's user says about it. PUT replaces all of it: what is left out, or null, is emptied."""

    model_config = ConfigDict(strict=True, populate_by_name=False)

    title: Annotated[str, Field(max_length=256)] | None = None
    description: Annotated[str, Field(max_length=4096)] | None = None
    tags: Annotated[
        Annotated[list[Tag], Field(max_length=32)] | None, Field(description="Repeated ones count once.")
    ] = None
    metadata: Annotated[
        Annotated[dict[Tag, Annotated[str, Field(max_length=256)]], Field(max_length=32)] | None,
        Field(description="Whatever else belongs to the video, by name."),
    ] = None

    def about(self) -> About:
        tags = tuple(dict.fromkeys(self.tags or ()))
        return About(self.title or "", self.description or "", tags, self.metadata or {})


class NewVideo(AboutModel):
    """A video to be uploaded."""

    # The default is never good: its own error tells what is asked for.
    model_config = ConfigDict(json_schema_extra={"required": ["OriginalFileName"]})

    original_file_name: Annotated[
        str,
        Field(
            max_length=1024,
            validate_default=True,
            json_schema_extra={"pattern": _FILE_NAME},
            description="What the file is called; its extension tells its format and must be one of GET /Formats.",
        ),
    ] = ""
    content_protection_mode: Annotated[
        Literal["None", "AES128"],
        WithJsonSchema({"enum": ["None", "AES128", "", None], "default": "None"}),
        Field(description="AES128: what is published is encrypted, and players need a token to get the key."),
    ] = "None"
    input_storage_encryption_mode: Annotated[
        Literal["AES256"] | None,
        WithJsonSchema({"enum": ["AES256", "", None], "default": None}),
        Field(description="AES256: the upload is encrypted with the key and IV that the answer holds."),
    ] = None
    size: Annotated[
        Annotated[int, Field(ge=0)] | None,
        Field(description="Bytes that will be uploaded, if known: a file over the limit is refused before it is sent."),
    ] = None

    @field_validator("original_file_name", mode="before")
    @classmethod
    def _supported(cls, value: Any) -> Any:
        if not isinstance(value, str) or extension(value) not in EXTENSIONS:
            raise PydanticCustomError("file_name", "is required and its extension must be supported, see GET /Formats")
        return value

    @field_validator("size", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        """JSON knows one kind of numbers: 1.0 is as whole as 1."""
        return int(value) if isinstance(value, float) and value.is_integer() else value

    @field_validator("content_protection_mode", mode="before")
    @classmethod
    def _none(cls, value: Any) -> Any:
        return "None" if value is None or value == "" else value

    @field_validator("input_storage_encryption_mode", mode="before")
    @classmethod
    def _no_mode(cls, value: Any) -> Any:
        return None if value == "" else value


class VideosQuery(Query):
    """Which videos to list. Conditions combine."""

    top: Annotated[
        int, Field(ge=1, le=200, description="Videos per page, at most; a page may hold fewer before the last.")
    ] = 50
    status: Literal["AwaitingUpload", "Processing", "Completed", "Failed"] | None = None
    tag: Annotated[str, Field(max_length=64, description="One of the video's tags.")] = ""
    name_prefix: Annotated[
        str, Field(max_length=256, description="How the file's name begins, regardless of case.")
    ] = ""
    continuation_token: Annotated[
        Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None, Field(description="Of the page before.")
    ] = None


class RedirectQuery(Query):
    """Of what lies in storage, behind a URL of its own."""

    redirect: bool = True
    """False: the URL is the answer, for pages, which cannot see where a redirect leads."""


class PlaybackQuery(Query):
    endpoint_type: Annotated[
        Literal["Streaming", "HLS", "DASH", "Progressive"],
        Field(description="Streaming is Microsoft Smooth Streaming, Progressive one MP4 file."),
    ]
    token: Annotated[
        str, Field(description="Of a protected video, for native players: the playlists carry it to the key.")
    ] = ""

    @field_validator("endpoint_type", mode="before")
    @classmethod
    def _any_case(cls, value: str) -> str:
        known = {name.lower(): name for name in ("Streaming", "HLS", "DASH", "Progressive")}
        return known.get(value.lower(), value)


class TokenQuery(Query):
    key_id: Annotated[str, Field(description="The content key's id; may be left out, for a video has one key.")] = ""
    not_before: Annotated[
        Annotated[int, Field(ge=0, le=99_999_999_999)] | None,
        Field(
            description="Epoch seconds from which on the token is valid, at most a year from now; left out: at once."
        ),
    ] = None


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
    error: ErrorDetail | None
    chunks: int
    """Tasks that the picture is encoded in, each a step `chunk-…` once it began; 0 until known."""
    audio_tracks: int
    """Likewise `audio-…`."""
    steps: list[StepModel]


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
