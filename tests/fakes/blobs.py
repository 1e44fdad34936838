"""`Blobs` in memory. Its URLs lead nowhere, but say what they would allow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from threading import Lock
from urllib.parse import quote
from uuid import UUID

from connector.domain.layout import UPLOADS
from connector.domain.types import BlobVersion
from connector.errors import BrokenOutput, NotFound, StorageError, StorageRefused, StorageUnavailable
from tests.fakes.checked import checks_names

_versions = count(1)


@dataclass(frozen=True)
class MemoryBlob:
    data: bytes
    blocks: dict[str, bytes] = field(default_factory=dict)
    """The blocks it was committed from."""
    version: int | None = None
    """Of one that was put early."""
    etag: str = field(default_factory=lambda: f'"0x{next(_versions):016X}"')


@dataclass
class MemoryContainer:
    public: bool
    blobs: dict[str, MemoryBlob] = field(default_factory=dict)
    staged: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Blocks by blob name and block name."""
    snapshots: dict[tuple[str, str | None], MemoryBlob] = field(default_factory=dict)
    """Snapshots by blob name and id."""


class MemoryReader:
    """Reads one version of one blob, without read-ahead."""

    def __init__(self, blobs: "MemoryBlobs", container: str, name: str, version: BlobVersion) -> None:
        self.size = version.size
        self.bytes_read = 0
        self.requests = 0
        self._blobs, self._container, self._name, self._version = blobs, container, name, version
        self._closed = False

    def read_at(self, offset: int, length: int) -> bytes:
        if self._closed:
            raise ValueError("The reader is closed.")
        blob = self._blobs.blob(self._container, self._name, self._version.snapshot)
        if blob.etag != self._version.etag:
            raise NotFound("The blob was replaced since it was opened.")
        data = blob.data[offset : offset + length]
        self.requests += 1
        self.bytes_read += len(data)
        return data

    def close(self) -> None:
        self._closed = True


@checks_names
class MemoryBlobs:
    def __init__(self) -> None:
        self.containers = {UPLOADS: MemoryContainer(public=False)}
        self.public_access_permitted = True
        """Whether the account allows public containers."""
        self._lock = Lock()

    def upload_uri(self, name: str, lifetime: timedelta) -> str:
        return f"{self.public_uri(UPLOADS, name)}?allows=cw&seconds={lifetime.total_seconds():.0f}"

    def read_uri(
        self, container: str, name: str, lifetime: timedelta, *, snapshot: str | None = None, disposition: str = ""
    ) -> str:
        more = f"&snapshot={quote(snapshot)}" if snapshot else ""
        more += f"&rscd={quote(disposition)}" if disposition else ""
        return f"{self.public_uri(container, name)}?allows=r&seconds={lifetime.total_seconds():.0f}{more}"

    def container_uri(self, container: str) -> str:
        return f"memory://account/{container}/"

    def container_query(self, container: str, lifetime: timedelta) -> str:
        return f"allows=r&container={container}&seconds={lifetime.total_seconds():.0f}"

    def public_uri(self, container: str, name: str) -> str:
        return f"memory://account/{container}/{quote(name, safe='~/')}"

    def properties(self, container: str, name: str) -> BlobVersion:
        blob = self.blob(container, name)
        return BlobVersion(len(blob.data), blob.etag)

    def take_snapshot(self, container: str, name: str) -> BlobVersion:
        with self._lock:
            blob, snapshot = self.blob(container, name), f"snapshot-{next(_versions)}"
            self._container(container).snapshots[name, snapshot] = blob
            return BlobVersion(len(blob.data), blob.etag, snapshot)

    def open(self, container: str, name: str, version: BlobVersion | None = None) -> MemoryReader:
        return MemoryReader(self, container, name, version or self.properties(container, name))

    def create_container(self, container: str, *, public: bool) -> None:
        if public and not self.public_access_permitted:
            raise StorageRefused("Storage answered 409 PublicAccessNotPermitted.", "PublicAccessNotPermitted")
        with self._lock:
            self.containers.setdefault(container, MemoryContainer(public))

    def delete_container(self, container: str) -> None:
        with self._lock:
            self.containers.pop(container, None)

    def put(self, container: str, name: str, data: bytes) -> None:
        with self._lock:
            place = self._container(container)
            place.staged.pop(name, None)
            place.blobs[name] = MemoryBlob(data)

    def put_early(self, container: str, name: str, data: bytes, version: int) -> bool:
        with self._lock:
            place = self._container(container)
            found = place.blobs.get(name)
            if found is not None and (found.version is None or found.version >= version):
                return False
            place.blobs[name] = MemoryBlob(data, version=version)
            return True

    def early_version(self, container: str, name: str) -> int | None:
        place = self.containers.get(container)
        return place.blobs[name].version if place and name in place.blobs else None

    def get(self, container: str, name: str) -> bytes:
        return self.blob(container, name).data

    def exists(self, container: str, name: str) -> bool:
        return container in self.containers and name in self.containers[container].blobs

    def stage(self, container: str, name: str, block: str, data: bytes) -> None:
        with self._lock:
            staged = self._container(container).staged.setdefault(name, {})
            if any(len(other) != len(block) for other in staged):
                raise StorageError("Block names of one blob have one length.")
            staged[block] = data

    def commit(self, container: str, name: str, blocks: Sequence[str]) -> None:
        with self._lock:
            place = self._container(container)
            committed = place.blobs[name].blocks if name in place.blobs else {}
            known = committed | place.staged.get(name, {})
            if any(block not in known for block in blocks):
                raise BrokenOutput("A block is missing.")
            place.staged.pop(name, None)
            data = b"".join(known[block] for block in blocks)
            place.blobs[name] = MemoryBlob(data, {block: known[block] for block in blocks})

    def delete_upload(self, video_id: UUID) -> None:
        with self._lock:
            uploads = self._container(UPLOADS)
            for name in [name for name in uploads.blobs if name.startswith(f"{video_id}/")]:
                del uploads.blobs[name]
            uploads.snapshots = {key: blob for key, blob in uploads.snapshots.items() if key[0] in uploads.blobs}

    def container_names(self, prefix: str) -> Iterator[str]:
        return iter([name for name in list(self.containers) if name.startswith(prefix)])

    def upload_folders(self, prefix: str) -> Iterator[str]:
        with self._lock:
            folders = {name.partition("/")[0] for name in self._container(UPLOADS).blobs if "/" in name}
        return iter(sorted(folder for folder in folders if folder.startswith(prefix)))

    def blob(self, container: str, name: str, snapshot: str | None = None) -> MemoryBlob:
        """Raises NotFound."""
        place = self._container(container)
        try:
            return place.snapshots[name, snapshot] if snapshot else place.blobs[name]
        except KeyError:
            raise NotFound("No such blob.") from None

    def _container(self, container: str) -> MemoryContainer:
        try:
            return self.containers[container]
        except KeyError:
            missing = StorageUnavailable if container == UPLOADS else NotFound
            raise missing("No such container.") from None
