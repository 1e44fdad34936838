"""Opens all of storage, and is the one place where its clients are made: by connection string or by identity."""

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

from connector.domain.layout import KEYS_TABLE, TASKS_TABLE, VIDEOS_TABLE
from connector.domain.ports import Blobs
from connector.domain.tables import Keys, Tasks, Videos
from connector.storage.identity import Identity

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.data.tables import TableServiceClient
    from azure.storage.blob import BlobServiceClient

    from connector.storage.transport import Transport

# The SDKs take most of a cold start, so each is imported by the first call that needs it.

_ONE_SHOT = 256 * 1024 * 1024
"""Bytes up to which a blob is written by one request, which makes it appear whole or not at all."""


class AzureStorage:
    """Implements `Storage` on an Azure storage account or Azurite. Safe for several threads; `close` it when done.

    `access` is a connection string or an identity.
    """

    def __init__(self, access: str | Identity) -> None:
        self._access = access
        # At INFO this logger writes every request's URL and headers.
        logging.getLogger("azure.core.pipeline.policies.http_logging_policy").setLevel(logging.WARNING)

    @cached_property
    def videos(self) -> Videos:
        from connector.storage.videos import AzureVideos

        return AzureVideos(self.table_service.get_table_client(VIDEOS_TABLE))

    @cached_property
    def tasks(self) -> Tasks:
        from connector.storage.tasks import AzureTasks

        return AzureTasks(self.table_service.get_table_client(TASKS_TABLE))

    @cached_property
    def keys(self) -> Keys:
        from connector.storage.keys import AzureKeys

        return AzureKeys(self.table_service.get_table_client(KEYS_TABLE))

    @cached_property
    def blobs(self) -> Blobs:
        from connector.storage.blobs import AzureBlobs

        return AzureBlobs(self.blob_service)

    @cached_property
    def table_service(self) -> "TableServiceClient":
        from azure.data.tables import TableServiceClient

        options: dict[str, Any] = {
            "transport": self._transport,
            "retry_total": 3,
            "retry_backoff_factor": 0.5,
        }
        if isinstance(self._access, str):
            return TableServiceClient.from_connection_string(self._access, **options)
        return TableServiceClient(self._access.table_uri, credential=self._credential, **options)

    @cached_property
    def blob_service(self) -> "BlobServiceClient":
        from azure.storage.blob import BlobServiceClient, ExponentialRetry

        options: dict[str, Any] = {
            "transport": self._transport,
            "retry_policy": ExponentialRetry(initial_backoff=0, increment_base=2, retry_total=3, random_jitter_range=1),
            "max_single_put_size": _ONE_SHOT,
        }
        if isinstance(self._access, str):
            return BlobServiceClient.from_connection_string(self._access, **options)
        return BlobServiceClient(self._access.blob_uri, credential=self._credential, **options)

    @cached_property
    def _credential(self) -> "TokenCredential | None":
        """The one credential of both services, so that they share its tokens; None with a connection string."""
        return None if isinstance(self._access, str) else self._access.credential(self._transport)

    @cached_property
    def _transport(self) -> "Transport":
        """The one pool of connections of both services, and of their tokens."""
        from connector.storage.transport import Transport

        return Transport()

    def close(self) -> None:
        """Closes the connections. The storage cannot be used afterwards."""
        self._transport.close()
