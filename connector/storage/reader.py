"""Gives random access to one version of one blob."""

from threading import Lock

from azure.core import MatchConditions
from azure.storage.blob import BlobClient

from connector.domain.layout import UPLOADS
from connector.errors import NotFound, StorageRefused
from connector.storage.errors import translated
from connector.storage.read_ahead import ReadAhead

_GONE = "The blob was replaced or deleted since it was opened."


class BlobReader:
    """Implements `SourceReader` on Azure Blob Storage. Every request demands the etag, so that versions never mix."""

    def __init__(self, blob: BlobClient, size: int, etag: str) -> None:
        self.size = size
        self.bytes_read = 0
        """Bytes fetched so far, read-ahead included."""
        self.requests = 0
        self._blob = blob
        self._etag = etag
        self._counters = Lock()  # the thread that reads ahead counts too
        self._cache = ReadAhead(self._fetch, size)

    def read_at(self, offset: int, length: int) -> bytes:
        """Returns bytes as `SourceReader` says, to one thread at a time. Raises ValueError when closed."""
        return self._cache.read_at(offset, length)

    def close(self) -> None:
        """Stops reading ahead, and waits for a request that is under way."""
        self._cache.close()

    def _fetch(self, offset: int, length: int) -> bytes:
        with self._counters:
            self.requests += 1
        try:
            with translated(shared_container=self._blob.container_name == UPLOADS):
                data = self._blob.download_blob(
                    offset, length, etag=self._etag, match_condition=MatchConditions.IfNotModified
                ).readall()
        except NotFound:
            raise NotFound(_GONE) from None
        except StorageRefused as error:
            if error.code != "ConditionNotMet":
                raise
            raise NotFound(_GONE) from None
        with self._counters:
            self.bytes_read += len(data)
        return data
