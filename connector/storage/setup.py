"""Prepares a fresh storage account for the local stack and for tests. In Azure, infra/ declares the same."""

from contextlib import closing

from azure.storage.blob import CorsRule

from connector.domain.layout import KEYS_TABLE, TASKS_TABLE, UPLOADS, VIDEOS_TABLE
from connector.storage.azure import AzureStorage
from connector.storage.errors import translated
from connector.storage.identity import Identity


def prepare(access: str | Identity, cors_origins: tuple[str, ...]) -> None:
    """Creates the tables and the uploads container, and allows browsers of these origins (CORS).

    Repeating it is harmless. Queues are left to the host. Raises StorageError.
    """
    with closing(AzureStorage(access)) as storage, translated():
        for table in (VIDEOS_TABLE, TASKS_TABLE, KEYS_TABLE):
            storage.table_service.create_table_if_not_exists(table)
        storage.blobs.create_container(UPLOADS, public=False)
        storage.blob_service.set_service_properties(cors=[_rule(cors_origins)] if cors_origins else [])


def _rule(origins: tuple[str, ...]) -> CorsRule:
    return CorsRule(
        list(origins),
        ["GET", "HEAD", "OPTIONS", "PUT", "POST"],
        allowed_headers=["*"],
        exposed_headers=["*"],
        max_age_in_seconds=3600,
    )
