"""Makes all shared access signatures, which are signed URLs that open one blob or container for a while."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from azure.storage.blob import (
    BlobSasPermissions,
    BlobServiceClient,
    ContainerSasPermissions,
    generate_blob_sas,
    generate_container_sas,
)

from connector.errors import StorageError
from connector.storage.delegation import CLOCK_SKEW, DelegationKeys
from connector.storage.names import checked, checked_container

DOWNLOAD_TYPE = "application/octet-stream"
"""Content-Type of a download. What the uploader declared could be a web page."""


class Signer:
    """Makes URLs of blobs, plain and signed.

    It signs with the account key, or with a user delegation key when the service is opened by identity.
    """

    def __init__(self, service: BlobServiceClient) -> None:
        endpoint = urlsplit(service.url)
        self._root = f"{endpoint.scheme}://{endpoint.netloc}{endpoint.path.rstrip('/')}"
        self._protocol = "https" if endpoint.scheme == "https" else "https,http"
        self._account = service.account_name or ""
        self._key = getattr(service.credential, "account_key", None)
        by_identity = hasattr(service.credential, "get_token")
        self._delegated = DelegationKeys(service.get_user_delegation_key) if by_identity else None

    def plain(self, container: str, name: str) -> str:
        return f"{self.container(container)}{quote(checked(name), safe='~/')}"

    def container(self, container: str) -> str:
        return f"{self._root}/{checked_container(container)}/"

    def container_query(self, container: str, lifetime: timedelta) -> str:
        """Returns a SAS that may read the container's blobs. Raises StorageError when there is no key to sign with."""
        name = checked_container(container)
        return generate_container_sas(
            self._account, name, permission=ContainerSasPermissions(read=True), **self._limits(lifetime)
        )

    def signed(
        self,
        container: str,
        name: str,
        lifetime: timedelta,
        *,
        read: bool = False,
        write: bool = False,
        snapshot: str | None = None,
        disposition: str = "",
    ) -> str:
        """Returns a signed URL of a blob, or of one snapshot. `write` may create and replace the blob.

        A `disposition` makes the answer a download, whose type is the one that no browser shows. Raises StorageError
        without a key to sign with.
        """
        address = self.plain(container, name)
        permission = BlobSasPermissions(read=read, create=write, write=write)
        signature = generate_blob_sas(
            self._account,
            container,
            name,
            snapshot=snapshot,
            permission=permission,
            content_disposition=disposition or None,
            content_type=DOWNLOAD_TYPE if disposition else None,
            **self._limits(lifetime),
        )
        version = f"snapshot={quote(snapshot, safe='')}&" if snapshot else ""
        return f"{address}?{version}{signature}"

    def _limits(self, lifetime: timedelta) -> dict[str, Any]:
        """Returns when and how a signature may be used, and the key that makes it."""
        now = datetime.now(UTC)
        limits = {"start": now - CLOCK_SKEW, "expiry": now + lifetime, "protocol": self._protocol}
        if self._delegated is not None:
            return limits | {"user_delegation_key": self._delegated.until(now + lifetime)}
        if self._key is None:
            raise StorageError("The storage connection string has no account key to sign with.")
        return limits | {"account_key": self._key}
