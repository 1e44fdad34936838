"""The one place that makes shared access signatures: signed URLs that open one blob for a while."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

from azure.storage.blob import (
    BlobSasPermissions,
    BlobServiceClient,
    ContainerSasPermissions,
    generate_blob_sas,
    generate_container_sas,
)

from connector.errors import StorageError

_CLOCK_SKEW = timedelta(minutes=5)
"""How far the service's clock may lag behind ours."""


class Signer:
    """Makes URLs of blobs, plain and signed with the account key."""

    def __init__(self, service: BlobServiceClient) -> None:
        endpoint = urlsplit(service.url)
        self._root = f"{endpoint.scheme}://{endpoint.netloc}{endpoint.path.rstrip('/')}"
        self._protocol = "https" if endpoint.scheme == "https" else "https,http"
        self._account = service.account_name
        self._key = getattr(service.credential, "account_key", None)

    def plain(self, container: str, name: str) -> str:
        return f"{self._root}/{container}/{quote(name, safe='~/')}"

    def container(self, container: str) -> str:
        return f"{self._root}/{container}/"

    def container_query(self, container: str, lifetime: timedelta) -> str:
        """May read the container's blobs. Raises StorageError when there is no key to sign with."""
        account, key = self._credential()
        now = datetime.now(UTC)
        return generate_container_sas(
            account,
            container,
            account_key=key,
            permission=ContainerSasPermissions(read=True),
            start=now - _CLOCK_SKEW,
            expiry=now + lifetime,
            protocol=self._protocol,
        )

    def _credential(self) -> tuple[str, str]:
        if self._account is None or self._key is None:
            raise StorageError("The storage connection string has no account key to sign with.")
        return self._account, self._key

    def signed(self, container: str, name: str, lifetime: timedelta, *, read: bool = False, write: bool = False) -> str:
        """`write` may create and replace the blob. Raises StorageError when there is no key to sign with."""
        account, key = self._credential()
        now = datetime.now(UTC)
        signature = generate_blob_sas(
            account,
            container,
            name,
            account_key=key,
            permission=BlobSasPermissions(read=read, create=write, write=write),
            start=now - _CLOCK_SKEW,
            expiry=now + lifetime,
            protocol=self._protocol,
        )
        return f"{self.plain(container, name)}?{signature}"
