"""What callers send, in bodies and queries: the models check it, and the OpenAPI document tells of them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from connector.api.models import Wire
from connector.domain.formats import EXTENSIONS, FORMATS, extension
from connector.domain.video import About

_ANY_CASE = ("".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in f.extension) for f in FORMATS)
_FILE_NAME = rf"\.({'|'.join(_ANY_CASE)})$"
"""JSON Schema's regular expressions know no flag for any case."""


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
        str, Field(pattern=r"^([0-9a-f]{32})?$", description="Of the page before; empty: the first page.")
    ] = ""


class RedirectQuery(Query):
    """Of what lies in storage, behind a URL of its own."""

    redirect: Annotated[
        bool, Field(description="False: the URL is the answer, for pages, which cannot see where a redirect leads.")
    ] = True


class PlaybackQuery(Query):
    endpoint_type: Annotated[
        Literal["Streaming", "HLS", "DASH", "Progressive"],
        Field(description="Streaming is Microsoft Smooth Streaming, Progressive one MP4 file."),
    ]
    token: Annotated[
        str, Field(description="Of a protected video, for native players: the playlists carry it to the key.")
    ] = ""
    early: Annotated[
        bool,
        Field(description="HLS and DASH as soon as Status says Playable: manifests that grow until all is encoded."),
    ] = False

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
