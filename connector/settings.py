"""Every setting, read once from the environment. A test holds these fields and the README's table together."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

_KEYS = r"^(\s*[^\s:,]+:[A-Za-z0-9+/]{43}=\s*(,|$))*$"
"""Named keys of 32 bytes."""
_JWKS = r"^(https://[^\s/@?#]+(/\S*)?|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?(/\S*)?)?$"
"""An address that nobody on the way can answer for: who can, makes the keys."""
_ORIGIN = r"^(\*|[a-z][a-z0-9+.-]*://[a-z0-9.:\[\]_-]+)$"
"""As browsers send it: in lower case, without a path or a slash at the end. Anything else would match no page."""

DELEGATED_HOURS = 7 * 24 - 1
"""Longest life of a URL that is signed by identity. The keys for it live for seven days, and an hour is left to fetch
them in: https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key
"""


class Settings(BaseModel):
    """Names in the environment are the field names in capitals, except those of the connection that
    the Functions host reads as well, in its own convention:
    https://learn.microsoft.com/azure/azure-functions/functions-reference#common-properties-for-identity-based-connections
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, defer_build=True)

    storage: str = Field(
        "", alias="MEDIA_STORAGE", repr=False, description="Connection string of the storage account; or, by identity:"
    )
    storage_blob_uri: str = Field(
        "",
        alias="MEDIA_STORAGE__blobServiceUri",
        pattern="^(|https://[^?#]+)$",
        validate_default=True,
        description="The account's blob endpoint, `https://….blob.core.windows.net`",
    )
    storage_table_uri: str = Field(
        "",
        alias="MEDIA_STORAGE__tableServiceUri",
        pattern="^(|https://[^?#]+)$",
        validate_default=True,
        description="Its table endpoint",
    )
    storage_credential: str = Field(
        "",
        alias="MEDIA_STORAGE__credential",
        pattern="^(|managedidentity)$",
        description="`managedidentity` in Azure; empty: whoever is signed in (`az login`)",
    )
    storage_client_id: str = Field(
        "",
        alias="MEDIA_STORAGE__clientId",
        description="Client id of a user-assigned identity; empty: the system-assigned one",
    )
    cors_origins: tuple[Annotated[str, Field(pattern=_ORIGIN)], ...] = Field(
        (),
        description="Origins of other pages that may call the API and play the media, separated by commas, for "
        "example `https://www.example.com`; `*`: all; empty: none. The app's own address needs no entry",
    )
    embed_origins: tuple[Annotated[str, Field(pattern=r"^(\*|https?://[A-Za-z0-9.*:\[\]-]+)$")], ...] = Field(
        ("*",), description="Origins whose pages may show the embedded player in a frame, separated by commas"
    )
    segment_seconds: float = Field(
        4, ge=1, le=20, description="Length of a media segment, the first is half as long; each one is a paid write"
    )
    chunk_seconds: float = Field(30, ge=1, le=600, description="Longest piece of video that one task encodes")
    max_resolution: int = Field(
        2160, ge=144, le=4320, description="Highest rendition, as the short side of 16:9 (1080 means 1920x1080)"
    )
    encoder_preset: str = Field(
        "veryfast", pattern="^[a-z]+$", description="x264 preset: slower ones cost more time and save bytes"
    )
    encoder_threads: int = Field(
        1, ge=1, le=16, description="Threads of each encoding task; the output's bytes depend on it"
    )
    task_timeout_seconds: int = Field(
        540, ge=10, description="Longest time a task may take before it is stopped and tried again"
    )
    stream_timeout_seconds: int = Field(
        1740,
        ge=10,
        description="The same for a task that goes through the whole file: sound, and sources without an index",
    )
    task_memory_mb: int = Field(3072, ge=512, description="Address space of a task's process, MiB")
    max_upload_gb: float = Field(256, gt=0, description="Largest upload, GB (10^9 bytes)")
    max_duration_minutes: float = Field(720, gt=0, le=2880, description="Longest video or sound that is accepted")
    max_source_pixels: int = Field(
        35_651_584,
        ge=4096,
        description="Largest picture that is accepted, width × height; by default 8192×4352, the largest of H.264",
    )
    max_frame_rate: float = Field(
        1000, gt=0, description="Highest frame rate that is accepted; the output has 60 at most"
    )
    max_tracks: int = Field(16, ge=1, le=64, description="Most audio tracks that are accepted")
    max_output_minutes: float = Field(
        0, ge=0, description="Most minutes that one video may be encoded to, all its renditions added up; 0: no limit"
    )
    max_pending_videos: int = Field(
        0, ge=0, description="Most unfinished videos; while there are more, no new one is created (503); 0: no limit"
    )
    upload_hours: float = Field(24, gt=0, description="How long an upload URL is valid")
    url_hours: float = Field(
        12, gt=0, description="How long the URLs of thumbnails, of the original, and of signed playback are valid"
    )
    auth_mode: str = Field(
        "keys",
        pattern="^(keys|entra|anonymous)$",
        description="Who may call the API: with a Functions key (`keys`), with a token of Microsoft Entra (`entra`), "
        "or everybody (`anonymous`, not in Azure)",
    )
    entra_issuer: str = Field(
        "",
        description="`iss` of callers' tokens, for example `https://login.microsoftonline.com/{tenant}/v2.0`",
    )
    entra_audience: str = Field("", description="`aud` of callers' tokens: the client id of the API's app registration")
    entra_jwks: str = Field(
        "",
        pattern=_JWKS,
        description="URL of the keys that sign callers' tokens, for example "
        "`https://login.microsoftonline.com/{tenant}/discovery/v2.0/keys`",
    )
    master_keys: str = Field(
        "",
        pattern=_KEYS,
        repr=False,
        description="Keys that wrap stored keys: `id:base64,id:base64` of 32 bytes each, the current one first",
    )
    signing_keys: str = Field(
        "",
        pattern=_KEYS,
        repr=False,
        description="Keys that sign tokens, written alike; older ones are accepted until removed",
    )
    token_minutes: float = Field(60, gt=0, description="How long an authorization token is valid")
    token_issuer: str = Field("video-connector", description="`iss` of authorization tokens")
    token_audience: str = Field("urn:video-connector:keys", description="`aud` of authorization tokens")
    trusted_issuer: str = Field("", description="`iss` of another issuer whose tokens open content keys")
    trusted_jwks: str = Field("", pattern=_JWKS, description="URL of that issuer's JSON Web Key Set")
    trusted_audience: str = Field("", description="`aud` that its tokens must carry; empty: as `TOKEN_AUDIENCE`")
    public_url: str = Field(
        "", description="Base URL of the API as players reach it; in Azure known from the host's name"
    )
    playback_access: str = Field(
        "public",
        pattern="^(public|signed)$",
        description="`public`: media may be read by its URL. `signed`: private containers, expiring URLs",
    )
    encode_seconds_per_gigapixel: float = Field(
        11,
        gt=0,
        description="What estimates count with: seconds that one core takes for 10^9 pixels, those of all renditions "
        "and 0.3 of the source's. `python -m bench.tasks` measures it; slower presets take more",
    )
    instance_memory_mb: int = Field(2048, gt=0, description="Memory of an instance, which is what its seconds cost")
    price_gb_second: float = Field(
        0.000026, ge=0, description="Price of a GB of an instance for a second. This and the next: list prices in USD"
    )
    price_million_executions: float = Field(0.40, ge=0, description="Price of a million executions")
    price_10k_writes: float = Field(0.05, ge=0, description="Price of 10,000 requests that write to blobs")
    price_gb_month: float = Field(0.0184, ge=0, description="Price of a GB (10^9 bytes) in blobs for a month")
    currency: str = Field("USD", pattern="^[A-Z]{3}$", description="Of these prices (ISO 4217)")
    stall_minutes: float = Field(
        5, gt=0, description="A step that has not moved for so long is started again by the timer"
    )
    insights: str = Field(
        "",
        alias="APPLICATIONINSIGHTS_CONNECTION_STRING",
        repr=False,
        description="Where Application Insights is; the Functions host reads it too, and in Azure "
        "`APPLICATIONINSIGHTS_AUTHENTICATION_STRING` with it",
    )
    telemetry: str = Field(
        "",
        pattern="^(|console|azure)$",
        description="Traces, measures and log lines with their facts: `console` prints them, `azure` sends them to "
        "Application Insights; empty: off",
    )
    sweep_schedule: str = Field(
        "0 */5 * * * *",
        pattern=r"^\S+( \S+){5}$",
        description="When the timer looks for what stands still (NCRONTAB, six fields); each run is billed as a second",
    )
    prepare_storage: bool = Field(
        False, description="Create tables, containers and CORS rules at start: locally; in Azure the Bicep does it"
    )
    blob_trigger_source: str = Field(
        "EventGrid",
        pattern="^(EventGrid|LogsAndContainerScan)$",
        description="How uploads are noticed: EventGrid, or LogsAndContainerScan for `func start` with Azurite",
    )

    @property
    def max_upload_bytes(self) -> int:
        return int(self.max_upload_gb * 1_000_000_000)

    @field_validator("storage_blob_uri", "storage_table_uri")
    @classmethod
    def _storage_is_named(cls, uri: str, info: ValidationInfo) -> str:
        if not uri and not info.data.get("storage"):
            raise ValueError("must be given when MEDIA_STORAGE is no connection string")
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
    """The environment variable that holds a field."""
    return Settings.model_fields[field].alias or field.upper()


def load(environ: Mapping[str, str]) -> Settings:
    """Raises ValueError that names each wrong setting, and never its value (it may be a secret)."""
    names = {variable(field): field for field in Settings.model_fields}
    found = {field: environ[name] for name, field in names.items() if environ.get(name)}
    try:
        return Settings.model_validate(found)
    except ValidationError as error:
        # pydantic reports a missing setting by its alias, a wrong one by its field.
        where = [(str(e["loc"][0]), e["msg"].removeprefix("Value error, ")) for e in error.errors(include_input=False)]
        wrong = [f"{place if place in names else variable(place)}: {text}" for place, text in where]
        raise ValueError("Wrong settings: " + "; ".join(wrong)) from None
