"""What callers send in bodies and queries. The models check it; their descriptions are in the OpenAPI document."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from connector.api.models import Wire
from connector.domain.formats import EXTENSIONS, FORMATS, extension
from connector.domain.video import About

_ANY_CASE = ("".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in f.extension) for f in FORMATS)
_FILE_NAME = rf"\.({'|'.join(_ANY_CASE)})$"
"""Pattern of file names with a supported extension. JSON Schema has no flag for ignoring case."""


class Query(BaseModel):
    """Base of all queries. The case of a parameter's name does not matter."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", defer_build=True)


Tag = Annotated[str, Field(min_length=1, max_length=64)]


MOST_METADATA = 32


def _few(value: Any) -> Any:
    """Checks the number of names first. pydantic would look at each of them, and describe each that is wrong."""
    if isinstance(value, dict) and len(value) > MOST_METADATA:
        raise PydanticCustomError("too_long", f"must have at most {MOST_METADATA} names")
    return value


class AboutModel(Wire):
    """Title, description, tags and metadata of a video. PUT replaces all four: a field that is left out is emptied."""

    model_config = ConfigDict(strict=True, populate_by_name=False)

    title: Annotated[
        Annotated[str, Field(max_length=256)] | None, Field(description="Title of the video, at most 256 characters.")
    ] = None
    description: Annotated[
        Annotated[str, Field(max_length=4096)] | None,
        Field(description="Description of the video, at most 4096 characters."),
    ] = None
    tags: Annotated[
        Annotated[list[Tag], Field(max_length=32)] | None,
        Field(description="Tags of the video, at most 32; repeated ones count once."),
    ] = None
    metadata: Annotated[
        Annotated[
            dict[Tag, Annotated[str, Field(max_length=256)]], Field(max_length=MOST_METADATA), BeforeValidator(_few)
        ]
        | None,
        Field(description="Names and values that belong to the video, at most 32."),
    ] = None

    def about(self) -> About:
        tags = tuple(dict.fromkeys(self.tags or ()))
        return About(self.title or "", self.description or "", tags, self.metadata or {})


class NewVideo(AboutModel):
    """A video to be uploaded."""

    # The default is never valid, so a missing name gets the same error as a wrong one.
    model_config = ConfigDict(json_schema_extra={"required": ["OriginalFileName"]})

    original_file_name: Annotated[
        str,
        Field(
            max_length=1024,
            validate_default=True,
            json_schema_extra={"pattern": _FILE_NAME},
            description="Name of the file; its extension must be one that GET /Formats lists.",
        ),
    ] = ""
    content_protection_mode: Annotated[
        Literal["None", "AES128"],
        WithJsonSchema({"enum": ["None", "AES128", "", None], "default": "None"}),
        Field(description="Protection of the published media: with AES128 players need a token to get the key."),
    ] = "None"
    input_storage_encryption_mode: Annotated[
        Literal["AES256"] | None,
        WithJsonSchema({"enum": ["AES256", "", None], "default": None}),
        Field(description="Encryption of the upload: with AES256 by the key and IV that the answer holds."),
    ] = None
    size: Annotated[
        Annotated[int, Field(ge=0)] | None,
        Field(description="Size of the file in bytes, if known; a file over the limit is refused before the upload."),
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
        """Accepts a whole number that is written as 1.0: JSON has one kind of numbers."""
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
    """Which videos to list. All conditions must hold."""

    top: Annotated[
        int, Field(ge=1, le=200, description="Highest number of videos per page; any page may hold fewer.")
    ] = 50
    status: Annotated[
        Literal["AwaitingUpload", "Processing", "Completed", "Failed"] | None,
        Field(description="Status that the videos must have."),
    ] = None
    tag: Annotated[str, Field(max_length=64, description="Tag that the videos must have.")] = ""
    name_prefix: Annotated[str, Field(max_length=256, description="Beginning of the file name, in any case.")] = ""
    continuation_token: Annotated[
        str, Field(pattern=r"^([0-9a-f]{32})?$", description="Token from the previous page; empty for the first page.")
    ] = ""


class RedirectQuery(Query):
    """How to get the URL of a file in storage."""

    redirect: Annotated[
        bool,
        Field(description="Whether to redirect to the URL; with false the body holds the URL."),
    ] = True


class PlaybackQuery(Query):
    """Which playback URL is wanted."""

    endpoint_type: Annotated[
        Literal["Streaming", "HLS", "DASH", "Progressive"],
        Field(description="Kind of the endpoint; Streaming means Smooth Streaming, Progressive one MP4 file."),
    ]
    token: Annotated[
        str, Field(description="Authorization token of a protected video, for native players, which send no headers.")
    ] = ""
    early: Annotated[
        bool,
        Field(description="Whether to play what is encoded so far (HLS, DASH), once Status says Playable."),
    ] = False

    @field_validator("endpoint_type", mode="before")
    @classmethod
    def _any_case(cls, value: str) -> str:
        known = {name.lower(): name for name in ("Streaming", "HLS", "DASH", "Progressive")}
        return known.get(value.lower(), value)


class TokenQuery(Query):
    """Which authorization token is wanted."""

    key_id: Annotated[
        str, Field(description="Identifier of the content key; a video has one, so it may be left out.")
    ] = ""
    not_before: Annotated[
        Annotated[int, Field(ge=0, le=99_999_999_999)] | None,
        Field(
            description="Time in epoch seconds from which the token is valid, at most a day from now; now by default."
        ),
    ] = None
