"""The composition root: settings to adapters to the app that every function gets. Built once per process."""

import os
from collections.abc import Mapping
from functools import cache

from connector.pipeline.app import App
from connector.settings import Settings, load
from connector.storage.azure import AzureStorage


@cache
def app() -> App:
    """Raises ValueError that names each wrong setting."""
    settings = configured(os.environ)
    if settings.prepare_storage:
        from connector.storage.setup import prepare

        prepare(settings.storage, settings.cors_origins)
    return App(storage=AzureStorage(settings.storage), settings=settings)


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
    host = environ.get("WEBSITE_HOSTNAME", "")
    missing = [name for name in ("MASTER_KEYS", "SIGNING_KEYS") if not environ.get(name)]
    if host and not _is_here(host) and missing:
        raise ValueError(f"{' and '.join(missing)} must be configured in Azure, as references to Key Vault.")


def _is_here(host: str) -> bool:
    """Core Tools set WEBSITE_HOSTNAME too, to their own address; of all plans in Azure, each sets its public one."""
    return host.partition(":")[0] in {"localhost", "127.0.0.1", "0.0.0.0"}  # noqa: S104 - compared, not bound
