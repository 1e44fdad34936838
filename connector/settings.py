"""All settings, read once from the environment. A test holds these fields and the README's table together."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

_KEYS = r"^(\s*[^\s:,]+:[A-Za-z0-9+/]{43}=\s*(,|$))*$"
"""Pattern of named keys of 32 bytes each."""
_JWKS = r"^(https://[^\s/@?#]+(/\S*)?|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?(/\S*)?)?$"
"""Pattern of a key set's address. It must be https, or on this machine: whoever can change the answer makes the keys.
"""
_ORIGIN = r"^(\*|[a-z][a-z0-9+.-]*://[a-z0-9.:\[\]_-]+)$"
"""Pattern of an origin as browsers send it: lower case, no path, no slash at the end. Another form matches no page."""

DELEGATED_HOURS = 7 * 24 - 1
"""Longest validity, in hours, of a URL that is signed by identity. Its key lives for seven days, and one hour is left
to fetch it: https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key
"""


class Settings(BaseModel):
    """The settings. A variable is named as its field, in capitals; the connection's variables follow the convention of
    the Functions host, which reads them too:
    https://learn.microsoft.com/azure/azure-functions/functions-reference#common-properties-for-identity-based-connections
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, defer_build=True)

    storage: str = Field(
        "",
        alias="MEDIA_STORAGE",
        repr=False,
        description="Connection string of the storage account. Without one, the app uses the account's "
        "endpoints and an identity.",
    )
    storage_blob_uri: str = Field(
        "",
        alias="MEDIA_STORAGE__blobServiceUri",
        pattern="^(|https://[^?#]+)$",
        validate_default=True,
        description="Blob endpoint of the storage account, `https://….blob.core.windows.net`.",
    )
    storage_table_uri: str = Field(
        "",
        alias="MEDIA_STORAGE__tableServiceUri",
        pattern="^(|https://[^?#]+)$",
        validate_default=True,
        description="Table endpoint of the storage account.",
    )
    storage_credential: str = Field(
        "",
        alias="MEDIA_STORAGE__credential",
        pattern="^(|managedidentity)$",
        description="Credential for the endpoints: `managedidentity` in Azure. Empty: the user of `az login`.",
    )
    storage_client_id: str = Field(
        "",
        alias="MEDIA_STORAGE__clientId",
        description="Client id of the user-assigned identity. Empty: the system-assigned identity.",
    )
    cors_origins: tuple[Annotated[str, Field(pattern=_ORIGIN)], ...] = Field(
        (),
        description="Origins of other pages that may call the API and play the media, separated by commas, for "
        "example `https://www.example.com`. `*`: all. Empty: none. The app's own origin needs no entry.",
    )
    embed_origins: tuple[Annotated[str, Field(pattern=r"^(\*|https?://[A-Za-z0-9.*:\[\]-]+)$")], ...] = Field(
        ("*",), description="Origins whose pages may show the embedded player in a frame, separated by commas."
    )
    segment_seconds: float = Field(
        4,
        ge=1,
        le=20,
        description="Length of a media segment. The first one is half as long. Each segment is a billed write.",
    )
    chunk_seconds: float = Field(30, ge=1, le=600, description="Longest part of a video that one task encodes.")
    max_resolution: int = Field(
        2160, ge=144, le=4320, description="Highest rendition, as the short side of 16:9 (1080 means 1920x1080)."
    )
    encoder_preset: str = Field(
        "veryfast", pattern="^[a-z]+$", description="Preset of x264. A slower preset takes more time and saves bytes."
    )
    encoder_threads: int = Field(
        1, ge=1, le=16, description="Threads of each encoding task. The bytes of the output depend on it."
    )
    task_timeout_seconds: int = Field(540, ge=10, description="Time after which a task is stopped and tried again.")
    stream_timeout_seconds: int = Field(
        1740,
        ge=10,
        description="Time limit for a task that reads the whole file: audio, and sources without an index.",
    )
    task_memory_mb: int = Field(3072, ge=512, description="Address space of a task's process in MiB.")
    max_upload_gb: float = Field(256, gt=0, description="Largest accepted upload in GB (10^9 bytes).")
    max_duration_minutes: float = Field(720, gt=0, le=2880, description="Longest accepted video or audio.")
    max_source_pixels: int = Field(
        35_651_584,
        ge=4096,
        description="Largest accepted frame, width × height. The default is 8192×4352, the maximum of H.264.",
    )
    max_frame_rate: float = Field(
        1000, gt=0, description="Highest accepted frame rate. The output has at most 60 frames per second."
    )
    max_tracks: int = Field(16, ge=1, le=64, description="Highest accepted number of audio tracks.")
    max_output_minutes: float = Field(
        0, ge=0, description="Most minutes of output for one video, all renditions added up. 0: no limit."
    )
    max_pending_videos: int = Field(
        0, ge=0, description="Most unfinished videos. At the limit, `POST /Videos` answers 503. 0: no limit."
    )
    max_pictures: int = Field(1000, ge=0, description="Most pictures on demand that are made of a video. 0: no limit.")
    upload_hours: float = Field(24, gt=0, description="Validity of an upload URL.")
    url_hours: float = Field(
        12, gt=0, description="Validity of URLs of thumbnails, of the original and of signed playback."
    )
    auth_mode: str = Field(
        "keys",
        pattern="^(keys|entra|anonymous)$",
        description="Authorization of callers: a Functions key (`keys`), a token of Microsoft Entra (`entra`), or none "
        "(`anonymous`, not in Azure).",
    )
    entra_issuer: str = Field(
        "",
        description="`iss` of callers' tokens, for example `https://login.microsoftonline.com/{tenant}/v2.0`.",
    )
    entra_audience: str = Field(
        "", description="`aud` of callers' tokens: the client id of the API's app registration."
    )
    entra_jwks: str = Field(
        "",
        pattern=_JWKS,
        description="URL of the keys that sign callers' tokens, for example "
        "`https://login.microsoftonline.com/{tenant}/discovery/v2.0/keys`.",
    )
    master_keys: str = Field(
        "",
        pattern=_KEYS,
        repr=False,
        description="Keys that wrap stored keys: `id:base64,id:base64` of 32 bytes each, the current one first.",
    )
    signing_keys: str = Field(
        "",
        pattern=_KEYS,
        repr=False,
        description="Keys that sign tokens, in the format of `MASTER_KEYS`. Older ones are accepted until removed.",
    )
    token_minutes: float = Field(60, gt=0, description="Validity of an authorization token.")
    token_issuer: str = Field("video-connector", description="`iss` of authorization tokens.")
    token_audience: str = Field("urn:video-connector:keys", description="`aud` of authorization tokens.")
    trusted_issuer: str = Field("", description="`iss` of another issuer whose tokens give access to content keys.")
    trusted_jwks: str = Field(
        "", pattern=_JWKS, description="URL of the JSON Web Key Set of the issuer in `TRUSTED_ISSUER`."
    )
    trusted_audience: str = Field(
        "", description="`aud` of tokens of the issuer in `TRUSTED_ISSUER`. Empty: the value of `TOKEN_AUDIENCE`."
    )
    public_url: str = Field(
        "", description="Base URL of the API for players. In Azure the default follows from the host name."
    )
    playback_access: str = Field(
        "public",
        pattern="^(public|signed)$",
        description="`public`: anybody can read media by its URL. `signed`: private containers and expiring URLs.",
    )
    encode_seconds_per_gigapixel: float = Field(
        11,
        gt=0,
        description="Seconds that one core needs for 10^9 pixels, used for estimates. The pixels are those of all "
        "renditions and 0.3 of the source's. `python -m bench.tasks` measures this value. Slower presets take longer.",
    )
    instance_memory_mb: int = Field(
        2048, gt=0, description="Memory of an instance, which determines its price per second."
    )
    price_gb_second: float = Field(
        0.000026,
        ge=0,
        description="Price of one GB of instance memory for one second. The default prices are list prices in USD.",
    )
    price_million_executions: float = Field(0.40, ge=0, description="Price of a million executions.")
    price_10k_writes: float = Field(0.05, ge=0, description="Price of 10,000 write requests to blob storage.")
    price_gb_month: float = Field(
        0.0184, ge=0, description="Price of one GB (10^9 bytes) in blob storage for one month."
    )
    currency: str = Field("USD", pattern="^[A-Z]{3}$", description="Currency of all prices (ISO 4217).")
    stall_minutes: float = Field(
        5, gt=0, description="Time without progress after which the timer starts a step again."
    )
    insights: str = Field(
        "",
        alias="APPLICATIONINSIGHTS_CONNECTION_STRING",
        repr=False,
        description="Connection string of Application Insights. The Functions host reads it too, in Azure "
        "together with `APPLICATIONINSIGHTS_AUTHENTICATION_STRING`.",
    )
    telemetry: str = Field(
        "",
        pattern="^(|console|azure)$",
        description="Destination of traces, measures and log lines with their fields: `console` prints them, `azure` "
        "sends them to Application Insights. Empty: off.",
    )
    sweep_schedule: str = Field(
        "0 */5 * * * *",
        pattern=r"^\S+( \S+){5}$",
        description="Schedule of the timer that finds stalled steps (NCRONTAB, six fields). Each run is billed as a "
        "second.",
    )
    confinement: str = Field(
        "",
        pattern="^(|required|best)$",
        description="What happens where the kernel cannot confine media processes by seccomp: no media is decoded "
        "(`required`), or it is decoded with resource limits only (`best`). Empty: `required` in Azure, `best` "
        "elsewhere.",
    )
    prepare_storage: bool = Field(
        False,
        description="Whether the app creates tables, containers and CORS rules at start. It is for local use: "
        "in Azure, Bicep creates them.",
    )
    blob_trigger_source: str = Field(
        "EventGrid",
        pattern="^(EventGrid|LogsAndContainerScan)$",
        description="Source of the blob trigger: `EventGrid`, or `LogsAndContainerScan` for `func start` with Azurite.",
    )

    @property
    def max_upload_bytes(self) -> int:
        return int(self.max_upload_gb * 1_000_000_000)

    @field_validator("storage_blob_uri", "storage_table_uri")
    @classmethod
    def _storage_is_named(cls, uri: str, info: ValidationInfo) -> str:
        if not uri and not info.data.get("storage"):
            raise ValueError("must be given when MEDIA_STORAGE is not a connection string")
        return uri

    @field_validator("upload_hours", "url_hours")
    @classmethod
    def _can_be_signed(cls, hours: float, info: ValidationInfo) -> float:
        if hours > DELEGATED_HOURS and not info.data.get("storage"):
            raise ValueError(f"at most {DELEGATED_HOURS} when storage is opened by identity")
        return hours

    @field_validator("telemetry")
    @classmethod
    def _can_be_sent(cls, telemetry: str, info: ValidationInfo) -> str:
        if telemetry == "azure" and not info.data.get("insights"):
            raise ValueError("azure needs APPLICATIONINSIGHTS_CONNECTION_STRING")
        return telemetry

    @field_validator("cors_origins", "embed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(v.strip() for v in value.split(",") if v.strip()) if isinstance(value, str) else value


def variable(field: str) -> str:
    """Returns the environment variable that holds a field."""
    return Settings.model_fields[field].alias or field.upper()


@dataclass(frozen=True)
class StartupSettings:
    """The settings that the functions are declared with, before any of them runs."""

    auth_mode: str
    sweep_schedule: str
    blob_trigger_source: str


def load_startup(environ: Mapping[str, str]) -> StartupSettings:
    """Returns the same values as `load`, without building the model of all settings: callers wait for a cold start.

    Raises ValueError that names each wrong setting.
    """
    names = [field.name for field in fields(StartupSettings)]
    values = {name: environ.get(variable(name)) or Settings.model_fields[name].default for name in names}
    wrong = [variable(name) for name in names if not re.search(_pattern(name), values[name])]
    if wrong:
        raise ValueError("Wrong settings: " + "; ".join(f"{name} has a value that is not allowed" for name in wrong))
    return StartupSettings(**values)


def _pattern(field: str) -> str:
    """Returns the regular expression that the field's values match."""
    metadata = Settings.model_fields[field].metadata
    return str(next(item.pattern for item in metadata if getattr(item, "pattern", None)))


def load(environ: Mapping[str, str]) -> Settings:
    """Returns the settings. Raises ValueError that names each wrong one, and never its value, which may be a secret."""
    names = {variable(field): field for field in Settings.model_fields}
    found = {field: environ[name] for name, field in names.items() if environ.get(name)}
    try:
        return Settings.model_validate(found)
    except ValidationError as error:
        # pydantic reports a missing setting by its alias, a wrong one by its field.
        where = [(str(e["loc"][0]), e["msg"].removeprefix("Value error, ")) for e in error.errors(include_input=False)]
        wrong = [f"{place if place in names else variable(place)}: {text}" for place, text in where]
        raise ValueError("Wrong settings: " + "; ".join(wrong)) from None
