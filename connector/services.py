"""The composition root: settings to adapters to the app that every function gets. Built once per process."""

import os
from collections.abc import Mapping
from functools import cache, partial
from urllib.parse import urlsplit

from connector.pipeline.app import App
from connector.settings import Settings, load
from connector.storage.azure import AzureStorage
from connector.storage.identity import Identity, developer_identity, managed_identity
from connector.telemetry import Telemetry


@cache
def app() -> App:
    """Raises ValueError that names each wrong setting."""
    settings = configured(os.environ)
    access = storage_access(settings)
    if settings.prepare_storage:
        from connector.storage.setup import prepare

        prepare(access, storage_origins(settings))
    return App(storage=AzureStorage(access), settings=settings, telemetry=telemetry(settings))


def storage_origins(settings: Settings) -> tuple[str, ...]:
    """Origins of the pages that read media from storage, for its CORS rule.

    The app's own address is always one of them, because the portal and the embedded player read from there. On this
    machine it has two names. `*` stands for all.
    """
    if "*" in settings.cors_origins:
        return ("*",)
    url = urlsplit(settings.public_url)
    own, here = url.netloc.lower(), ("localhost", "127.0.0.1")
    hosts = [own.replace(url.hostname or "", name) for name in here] if url.hostname in here else [own]
    addresses = [f"{url.scheme}://{host}" for host in hosts if host]
    return tuple(dict.fromkeys((*addresses, *settings.cors_origins)))


def telemetry(settings: Settings) -> Telemetry:
    """Raises ValueError when the connection string is none."""
    if not settings.telemetry:
        return Telemetry()
    from connector import otel

    return otel.printed() if settings.telemetry == "console" else otel.application_insights(settings.insights)


def storage_access(settings: Settings) -> str | Identity:
    """The connection string, which goes first as it does in the Functions host; without one, the identity."""
    if settings.storage:
        return settings.storage
    make = managed_identity if settings.storage_credential else developer_identity
    return Identity(settings.storage_blob_uri, settings.storage_table_uri, partial(make, settings.storage_client_id))


def configured(environ: Mapping[str, str]) -> Settings:
    """The settings, with what the host knows by itself. Raises ValueError that names each wrong one."""
    settings = load(environ)
    host = environ.get("WEBSITE_HOSTNAME", "")
    if host and not settings.public_url:
        scheme = "http" if _is_here(host) else "https"
        settings = settings.model_copy(update={"public_url": f"{scheme}://{host}/api"})
    return settings


def require_keys(environ: Mapping[str, str]) -> None:
    """Raises ValueError in Azure without configured keys: ones made up by an instance would be lost with it."""
    missing = _missing(environ, "MASTER_KEYS", "SIGNING_KEYS")
    if _in_azure(environ) and missing:
        raise ValueError(f"{missing} must be configured in Azure, as references to Key Vault.")


def require_callers(environ: Mapping[str, str]) -> None:
    """Raises ValueError when anybody could call the API in Azure, or nobody could: Entra without its settings."""
    mode = environ.get("AUTH_MODE", "")
    if mode == "anonymous" and _in_azure(environ):
        raise ValueError("AUTH_MODE must be keys or entra in Azure: anonymous lets everybody in.")
    missing = _missing(environ, "ENTRA_ISSUER", "ENTRA_AUDIENCE", "ENTRA_JWKS")
    if mode == "entra" and missing:
        raise ValueError(f"{missing} must be configured for AUTH_MODE=entra.")


def _missing(environ: Mapping[str, str], *names: str) -> str:
    return " and ".join(name for name in names if not environ.get(name))


def _in_azure(environ: Mapping[str, str]) -> bool:
    host = environ.get("WEBSITE_HOSTNAME", "")
    return bool(host) and not _is_here(host)


def _is_here(host: str) -> bool:
    """Core Tools set WEBSITE_HOSTNAME too, to their own address; of all plans in Azure, each sets its public one."""
    return host.partition(":")[0] in {"localhost", "127.0.0.1", "0.0.0.0"}  # noqa: S104 - compared, not bound
