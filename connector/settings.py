"""Every setting, read once from the environment. A test holds these fields and the README's table together."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

_KEYS = r"^(\s*[^\s:,]+:[A-Za-z0-9+/]{43}=\s*(,|$))*$"
"""Named keys of 32 bytes."""


class Settings(BaseModel):
    """Names in the environment are the field names in capitals, except the one that Azure Functions itself fixes."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    storage: str = Field(
        alias="AzureWebJobsStorage", repr=False, description="Connection string of the storage account"
    )
    cors_origins: tuple[str, ...] = Field(
        ("*",), description="Origins that may call the API and play the media, separated by commas"
    )
    segment_seconds: float = Field(4, ge=1, le=20, description="Length of a media segment; each one is a paid write")
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
    task_memory_mb: int = Field(3072, ge=512, description="Address space of a task's process, MiB")
    upload_hours: float = Field(24, gt=0, description="How long an upload URL is valid")
    url_hours: float = Field(
        12, gt=0, description="How long the URLs of thumbnails, of the original, and of signed playback are valid"
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
    trusted_jwks: str = Field("", description="URL of that issuer's JSON Web Key Set")
    trusted_audience: str = Field("", description="`aud` that its tokens must carry; empty: as `TOKEN_AUDIENCE`")
    public_url: str = Field(
        "", description="Base URL of the API as players reach it; in Azure known from the host's name"
    )
    playback_access: str = Field(
        "public",
        pattern="^(public|signed)$",
        description="`public`: media may be read by its URL. `signed`: private containers, expiring URLs",
    )
    stall_minutes: float = Field(
        5, gt=0, description="A step that has not moved for so long is started again by the timer"
    )
    prepare_storage: bool = Field(
        False, description="Create tables, containers and CORS rules at start: locally; in Azure the Bicep does it"
    )
    blob_trigger_source: str = Field(
        "EventGrid",
        pattern="^(EventGrid|LogsAndContainerScan)$",
        description="How uploads are noticed: EventGrid, or LogsAndContainerScan for `func start` with Azurite",
    )

    @field_validator("cors_origins", mode="before")
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
        where = [(str(e["loc"][0]), e["msg"]) for e in error.errors(include_input=False)]
        wrong = [f"{place if place in names else variable(place)}: {text}" for place, text in where]
        raise ValueError("Wrong settings: " + "; ".join(wrong)) from None
