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
    if settings.prepare_storage:
        from connector.storage.setup import prepare

        prepare(settings.storage, settings.cors_origins)
    return App(storage=AzureStorage(settings.storage), settings=settings)
