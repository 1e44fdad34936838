"""The composition root: from settings to adapters to the app that every function gets."""

import logging
import os
from collections.abc import Mapping
from datetime import timedelta
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from connector.api.app import ApiOptions, App
from connector.clock import SystemClock
from connector.domain.estimate import EstimateParameters, Machine
from connector.domain.limits import JobLimits, SourceLimits
from connector.domain.planner import Limits as PlanLimits
from connector.domain.ports import Clock, Confinement, MediaRunner, Storage
from connector.domain.usage import Prices
from connector.pipeline.admission import Admission
from connector.pipeline.context import JobOptions, Options, Pace, PlaybackOptions, StillTurns
from connector.security.issuers import TrustedIssuer, trusted_issuer
from connector.security.key_sets import KeySet
from connector.security.master import KeyRing, fingerprint
from connector.security.tokens import TokenPolicy
from connector.settings import Settings, load, load_startup, variable
from connector.storage.azure import AzureStorage
from connector.storage.identity import Identity, developer_identity, managed_identity
from connector.telemetry import Telemetry

if TYPE_CHECKING:
    from connector.sandbox.runner import Sandbox

log = logging.getLogger(__name__)

WORKER = "connector.media.worker"
"""Module whose `main` the media processes run."""
PROBE_SECONDS = 120


class LateSandbox:
    """A `Sandbox` that is loaded by its first job: most cold starts answer a request that runs none."""

    def __init__(self, *, required: bool) -> None:
        self._required = required

    @cached_property
    def _sandbox(self) -> "Sandbox":
        from connector.sandbox.runner import Sandbox

        return Sandbox(WORKER, required=self._required)

    def run(self, *job: Any, **options: Any) -> Any:
        """Runs a job as `MediaRunner.run` says."""
        return self._sandbox.run(*job, **options)

    def confinement(self) -> Confinement:
        """Returns how media processes are confined, as `MediaRunner.confinement` says."""
        return self._sandbox.confinement()


@cache
def shared_app() -> App:
    """Returns the app of this process, built at the first call. Raises ValueError that names each wrong setting."""
    settings = configured(os.environ)
    access = storage_access(settings)
    if settings.prepare_storage:
        from connector.storage.setup import prepare

        prepare(access, storage_origins(settings))
    media = LateSandbox(required=settings.confinement == "required")
    app = build_app(settings, AzureStorage(access), media, telemetry=telemetry(settings))
    log_start(app)
    return app


def log_start(app: App) -> None:
    """Logs what tells an instance from one that was started with other keys."""
    if app.master_keys.keys:
        name, key = app.master_keys.current
        log.info("The master key is %s with the fingerprint %s.", name, fingerprint(key))


def build_app(
    settings: Settings,
    storage: Storage,
    media: MediaRunner,
    *,
    clock: Clock | None = None,
    telemetry: Telemetry | None = None,
    pace: Pace | None = None,
) -> App:
    """Builds the app on these adapters. Raises ValueError for malformed keys."""
    s = settings
    pace = pace or Pace()
    options = Options(
        plan=PlanLimits(s.segment_seconds, s.chunk_seconds, s.max_resolution),
        source=SourceLimits(
            minutes=s.max_duration_minutes, pixels=s.max_source_pixels, frame_rate=s.max_frame_rate, tracks=s.max_tracks
        ),
        jobs=_job_options(s),
        playback=PlaybackOptions(
            public_url=s.public_url.rstrip("/"),
            signed=s.playback_access == "signed",
            url_lifetime=timedelta(hours=s.url_hours),
        ),
        max_output_minutes=s.max_output_minutes,
        max_upload_bytes=s.max_upload_bytes,
        max_pictures=s.max_pictures,
        upload_lifetime=timedelta(hours=s.upload_hours),
        stall=timedelta(minutes=s.stall_minutes),
        pace=pace,
    )
    return App(
        storage=storage,
        media=media,
        clock=clock or SystemClock(),
        options=options,
        master_keys=KeyRing.parse(s.master_keys),
        admission=Admission(s.max_pending_videos),
        still_turns=StillTurns(pace),
        telemetry=telemetry or Telemetry(),
        api=ApiOptions(s.auth_mode, s.cors_origins, s.embed_origins),
        estimate_parameters=_estimate_parameters(s),
        tokens=_token_policy(s),
        callers=TrustedIssuer(KeySet(s.entra_jwks), s.entra_issuer, s.entra_audience),
    )


def _job_options(settings: Settings) -> JobOptions:
    task = JobLimits(
        seconds=settings.task_timeout_seconds, memory=settings.task_memory_mb << 20, threads=settings.encoder_threads
    )
    return JobOptions(
        probe=task.model_copy(update={"seconds": min(PROBE_SECONDS, task.seconds)}),
        task=task,
        stream=task.model_copy(update={"seconds": settings.stream_timeout_seconds}),
        # 2160p needs half of this memory, and about 20 ms for each frame up to the wanted one.
        still=JobLimits(seconds=20, memory=640 << 20, threads=1),
        preset=settings.encoder_preset,
    )


def _estimate_parameters(settings: Settings) -> EstimateParameters:
    prices = Prices(
        gb_second=settings.price_gb_second,
        million_executions=settings.price_million_executions,
        ten_thousand_writes=settings.price_10k_writes,
        gb_month=settings.price_gb_month,
        memory=settings.instance_memory_mb,
        currency=settings.currency,
    )
    return EstimateParameters(Machine(settings.encode_seconds_per_gigapixel, settings.encoder_threads), prices)


def _token_policy(settings: Settings) -> TokenPolicy:
    audience = settings.trusted_audience or settings.token_audience
    return TokenPolicy(
        signing_keys=KeyRing.parse(settings.signing_keys),
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        lifetime=timedelta(minutes=settings.token_minutes),
        trusted=trusted_issuer(settings.trusted_jwks, settings.trusted_issuer, audience),
    )


def storage_origins(settings: Settings) -> tuple[str, ...]:
    """Returns the origins of pages that read media from storage, for its CORS rule; `*` stands for all.

    The app's own address is always one of them, because the portal and the embedded player read from there. On this
    machine it has two names.
    """
    if "*" in settings.cors_origins:
        return ("*",)
    url = urlsplit(settings.public_url)
    own, here = url.netloc.lower(), ("localhost", "127.0.0.1")
    hosts = [own.replace(url.hostname or "", name) for name in here] if url.hostname in here else [own]
    addresses = [f"{url.scheme}://{host}" for host in hosts if host]
    return tuple(dict.fromkeys((*addresses, *settings.cors_origins)))


def telemetry(settings: Settings) -> Telemetry:
    """Returns the telemetry. Raises ValueError for a malformed connection string."""
    if not settings.telemetry:
        return Telemetry()
    from connector import otel

    return otel.printed() if settings.telemetry == "console" else otel.application_insights(settings.insights)


def storage_access(settings: Settings) -> str | Identity:
    """Returns the connection string, which goes first as in the Functions host; without one, the identity."""
    if settings.storage:
        return settings.storage
    make = managed_identity if settings.storage_credential else developer_identity
    return Identity(settings.storage_blob_uri, settings.storage_table_uri, partial(make, settings.storage_client_id))


def configured(environ: Mapping[str, str]) -> Settings:
    """Returns the settings, with what the host knows. Raises ValueError that names each wrong one."""
    settings = load(environ)
    host = environ.get("WEBSITE_HOSTNAME", "")
    if host and not settings.public_url:
        scheme = "http" if _is_here(host) else "https"
        settings = settings.model_copy(update={"public_url": f"{scheme}://{host}/api"})
    if not settings.confinement:
        settings = settings.model_copy(update={"confinement": "required" if _in_azure(environ) else "best"})
    return settings


def require_keys(environ: Mapping[str, str]) -> None:
    """Raises ValueError in Azure without configured keys: an instance would lose keys that it made itself."""
    missing = _missing(environ, "master_keys", "signing_keys")
    if _in_azure(environ) and missing:
        raise ValueError(f"{missing} must be configured in Azure, as references to Key Vault.")


def require_callers(environ: Mapping[str, str]) -> None:
    """Raises ValueError when anybody could call the API in Azure, or when nobody could: Entra without its settings."""
    mode = load_startup(environ).auth_mode
    if mode == "anonymous" and _in_azure(environ):
        raise ValueError("AUTH_MODE must be keys or entra in Azure: anonymous lets everybody in.")
    missing = _missing(environ, "entra_issuer", "entra_audience", "entra_jwks")
    if mode == "entra" and missing:
        raise ValueError(f"{missing} must be configured for AUTH_MODE=entra.")


def _missing(environ: Mapping[str, str], *fields: str) -> str:
    return " and ".join(name for name in map(variable, fields) if not environ.get(name))


def _in_azure(environ: Mapping[str, str]) -> bool:
    host = environ.get("WEBSITE_HOSTNAME", "")
    return bool(host) and not _is_here(host)


def _is_here(host: str) -> bool:
    """Whether the host is this machine. Core Tools set WEBSITE_HOSTNAME to their own address; Azure sets the public
    one.
    """
    return host.partition(":")[0] in {"localhost", "127.0.0.1", "0.0.0.0"}  # noqa: S104 - compared, not bound
