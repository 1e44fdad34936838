"""The composition root: settings to adapters to the app that every function gets. Built once per process."""

import os
from functools import cache

from connector.pipeline.app import App
from connector.settings import load
from connector.storage.azure import AzureStorage


@cache
def app() -> App:
    """Raises ValueError that names each wrong setting."""
    settings = load(os.environ)
    azure_host = os.environ.get("WEBSITE_HOSTNAME")
    if azure_host and not settings.public_url:
        settings = settings.model_copy(update={"public_url": f"https://{azure_host}/api"})
    if os.environ.get("WEBSITE_INSTANCE_ID") and not (settings.master_keys and settings.signing_keys):
        raise ValueError("MASTER_KEYS and SIGNING_KEYS must be configured (references to Key Vault).")
    if settings.prepare_storage:
        from connector.storage.setup import prepare

        prepare(settings.storage, settings.cors_origins)
    return App(storage=AzureStorage(settings.storage), settings=settings)
