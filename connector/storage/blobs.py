"""Stores containers and blobs on Azure Blob Storage."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import (
    BlobBlock,
    BlobClient,
    BlobLeaseClient,
    BlobPrefix,
    BlobServiceClient,
    ContentSettings,
    PublicAccess,
)

from connector.domain.layout import UPLOADS, cache_control, content_type
from connector.domain.ports import SourceReader
from connector.domain.types import BlobVersion
from connector.errors import BrokenOutput
from connector.storage.errors import error_code, translated
from connector.storage.names import CheckedService
from connector.storage.reader import BlobReader
from connector.storage.sas import Signer

_VERSION = "version"
"""Metadata of a manifest that `put_early` wrote: its version."""
_BREAKS = 3
"""How often a lease is broken to delete a blob, whose uploader may take it again in between."""


class AzureBlobs:
    """Implements `Blobs` on Azure Blob Storage."""

    def __init__(self, service: BlobServiceClient) -> None:
        self._service = CheckedService(service)
        self._signer = Signer(service)

    def upload_uri(self, name: str, lifetime: timedelta) -> str:
        return self._signer.signed(UPLOADS, name, lifetime, write=True)

    def read_uri(
        self, container: str, name: str, lifetime: timedelta, *, snapshot: str | None = None, disposition: str = ""
    ) -> str:
        return self._signer.signed(container, name, lifetime, read=True, snapshot=snapshot, disposition=disposition)

    def container_uri(self, container: str) -> str:
        return self._signer.container(container)

    def container_query(self, container: str, lifetime: timedelta) -> str:
        return self._signer.container_query(container, lifetime)

    def public_uri(self, container: str, name: str) -> str:
        return self._signer.plain(container, name)

    def properties(self, container: str, name: str) -> BlobVersion:
        with translated(shared_container=container == UPLOADS):
            found = self._service.get_blob_client(container, name).get_blob_properties()
            return BlobVersion(found.size, found.etag)

    def take_snapshot(self, container: str, name: str) -> BlobVersion:
        with translated(shared_container=container == UPLOADS):
            snapshot = str(self._service.get_blob_client(container, name).create_snapshot()["snapshot"])
            # Not the blob: it may have been overwritten since.
            found = self._service.get_blob_client(container, name, snapshot=snapshot).get_blob_properties()
            return BlobVersion(found.size, found.etag, snapshot)

    def open(self, container: str, name: str, version: BlobVersion | None = None) -> SourceReader:
        size, etag, snapshot = version or self.properties(container, name)
        return BlobReader(self._service.get_blob_client(container, name, snapshot=snapshot), size, etag)

    @translated()
    def create_container(self, container: str, *, public: bool) -> None:
        """Creates a container. Raises StorageUnavailable while an old container of that name is being deleted."""
        try:
            self._service.create_container(container, public_access=PublicAccess.BLOB if public else None)
        except ResourceExistsError as error:
            if error_code(error) != "ContainerAlreadyExists":
                raise

    @translated()
    def delete_container(self, container: str) -> None:
        try:
            with suppress(ResourceNotFoundError):
                self._service.delete_container(container)
        except ResourceExistsError as error:  # the SDK raises this for any 409
            if error_code(error) != "ContainerBeingDeleted":
                raise

    @translated()
    def put(self, container: str, name: str, data: bytes) -> None:
        self._service.get_blob_client(container, name).upload_blob(
            data, length=len(data), overwrite=True, content_settings=_content_settings(name)
        )

    @translated()
    def put_early(self, container: str, name: str, data: bytes, version: int) -> bool:
        blob = self._service.get_blob_client(container, name)
        while True:
            # Only the version that was looked at is replaced, so that of two writers the later version stays.
            try:
                found = blob.get_blob_properties()
            except ResourceNotFoundError:
                unchanged: dict[str, Any] = {"match_condition": MatchConditions.IfMissing}
            else:
                there = _version(found.metadata)
                if there is None or there >= version:
                    return False
                unchanged = {"match_condition": MatchConditions.IfNotModified, "etag": found.etag}
            try:
                blob.upload_blob(
                    data,
                    length=len(data),
                    overwrite=True,
                    content_settings=ContentSettings(content_type=content_type(name), cache_control="no-cache"),
                    metadata={_VERSION: str(version)},
                    **unchanged,
                )
            except (ResourceModifiedError, ResourceExistsError):
                continue
            return True

    @translated()
    def early_version(self, container: str, name: str) -> int | None:
        with suppress(ResourceNotFoundError):
            return _version(self._service.get_blob_client(container, name).get_blob_properties().metadata)
        return None

    @translated()
    def get(self, container: str, name: str) -> bytes:
        return self._service.get_blob_client(container, name).download_blob().readall()

    @translated()
    def exists(self, container: str, name: str) -> bool:
        return self._service.get_blob_client(container, name).exists()

    @translated()
    def stage(self, container: str, name: str, block: str, data: bytes) -> None:
        self._service.get_blob_client(container, name).stage_block(block, data, len(data))

    @translated()
    def commit(self, container: str, name: str, blocks: Sequence[str]) -> None:
        # The service looks for a block among the staged ones, then in the blob: committing again is harmless.
        try:
            self._service.get_blob_client(container, name).commit_block_list(
                [BlobBlock(block) for block in blocks], content_settings=_content_settings(name)
            )
        except HttpResponseError as error:
            if error_code(error) != "InvalidBlockList":
                raise
            raise BrokenOutput(f"A block of {name} is missing.") from None

    @translated(shared_container=True)
    def delete_upload(self, video_id: UUID) -> None:
        uploads = self._service.get_container_client(UPLOADS)
        for name in uploads.list_blob_names(name_starts_with=f"{video_id}/"):
            with suppress(ResourceNotFoundError):  # somebody else deleted it since it was listed
                _delete_leased(uploads.get_blob_client(name))

    def container_names(self, prefix: str) -> Iterator[str]:
        with translated():
            for found in self._service.list_containers(name_starts_with=prefix):
                yield found.name

    def upload_folders(self, prefix: str) -> Iterator[str]:
        with translated(shared_container=True):
            for found in self._service.get_container_client(UPLOADS).walk_blobs(name_starts_with=prefix):
                if isinstance(found, BlobPrefix):
                    yield found.name.rstrip("/")


def _delete_leased(blob: BlobClient) -> None:
    """Deletes a blob with its snapshots, although somebody may hold a lease on it."""
    for _ in range(_BREAKS):
        try:
            return blob.delete_blob(delete_snapshots="include")
        except HttpResponseError as error:
            if error_code(error) != "LeaseIdMissing":
                raise
        with suppress(ResourceExistsError):  # a 409: the lease has just ended
            BlobLeaseClient(blob).break_lease(lease_break_period=0)
    return blob.delete_blob(delete_snapshots="include")


def _version(metadata: Mapping[str, str]) -> int | None:
    return int(metadata[_VERSION]) if _VERSION in metadata else None


def _content_settings(name: str) -> ContentSettings:
    return ContentSettings(content_type=content_type(name), cache_control=cache_control(name))
