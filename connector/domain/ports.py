"""What the pipeline and the API need of storage. `storage/` implements it on Azure, `tests/fakes/` in memory.

All methods are synchronous and safe to call from several threads. Each may also raise StorageTimeout and
StorageUnavailable (worth trying again) and StorageRefused (final). That a table or the container of the uploads is
missing is StorageUnavailable, never NotFound.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from connector.domain.keys import StoredKey
from connector.domain.listing import VideoFilter, VideoPage
from connector.domain.task import Task
from connector.domain.video import State, Video


class Videos(Protocol):
    def create(self, video: Video) -> Video:
        """Insert; answers the video with its etag. Raises RowChanged when the id exists."""
        ...

    def get(self, video_id: UUID) -> Video:
        """Raises NotFound."""
        ...

    def save(self, video: Video) -> Video:
        """Replace the row if it still is at `video.etag`; answers the video with its new etag.

        Raises RowChanged when the row changed since, NotFound when it is gone.
        """
        ...

    def delete(self, video_id: UUID) -> None:
        """Harmless when there is none."""
        ...

    def page(self, wanted: VideoFilter, after: UUID | None, top: int) -> VideoPage:
        """Up to `top` videos behind `after` (None: from the newest), in a bounded number of requests.

        Pages neither skip nor repeat a video that exists throughout, whatever is created or deleted meanwhile.
        """
        ...

    def in_states(self, states: Sequence[State], modified_before: datetime) -> Iterator[Video]:
        """Every video in one of the states that was last modified before the given time, in no order."""
        ...


class Tasks(Protocol):
    def get(self, video_id: UUID, name: str) -> Task | None: ...

    def put(self, task: Task) -> Task:
        """Insert; or replace the row if it still is at `task.etag`. Answers the row as it is then.

        Raises RowChanged when the row exists or changed since, NotFound when it is gone, TooLarge when the result does
        not fit into a row.
        """
        ...

    def of(self, video_id: UUID) -> list[Task]:
        """All of a video's tasks, sorted by name, with their results."""
        ...

    def overview(self, video_id: UUID) -> list[Task]:
        """All of a video's tasks, sorted by name, without results and etags: cheap."""
        ...

    def videos(self, prefix: str) -> Iterator[UUID]:
        """Every video that has a row and whose id begins so (lower-case hexadecimal), once each."""
        ...

    def delete(self, video_id: UUID) -> None:
        """All of a video's tasks; harmless when there are none."""
        ...


class Keys(Protocol):
    def get(self, key_id: UUID) -> StoredKey:
        """Raises NotFound."""
        ...

    def put(self, key: StoredKey) -> None:
        """Insert; or replace the row if it still is at `key.etag`. Raises RowChanged otherwise."""
        ...

    def all(self) -> Iterator[StoredKey]:
        """Every key, in no order."""
        ...

    def delete(self, key_id: UUID) -> None:
        """Harmless when there is none."""
        ...


class SourceReader(Protocol):
    """Random access to one immutable blob."""

    size: int
    """Bytes."""

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes from `offset`; fewer than `length` only at the end. Raises NotFound when it changed or is gone."""
        ...

    def close(self) -> None: ...


class Blobs(Protocol):
    def upload_uri(self, name: str, lifetime: timedelta) -> str:
        """SAS URL that may create and write this one blob in the uploads container, and nothing else."""
        ...

    def read_uri(self, container: str, name: str, lifetime: timedelta) -> str:
        """SAS URL that may read this one blob."""
        ...

    def container_uri(self, container: str) -> str:
        """Plain URL of a container, ending in a slash."""
        ...

    def container_query(self, container: str, lifetime: timedelta) -> str:
        """SAS, without its question mark, that may read every blob of this container, and not list them."""
        ...

    def public_uri(self, container: str, name: str) -> str:
        """Plain URL of a blob in a public container."""
        ...

    def properties(self, container: str, name: str) -> tuple[int, str]:
        """(size in bytes, etag). Raises NotFound."""
        ...

    def open(self, container: str, name: str, version: tuple[int, str] | None = None) -> SourceReader:
        """Ranged reads of one version, with read-ahead. Raises NotFound, here or when it reads, once that is gone.

        `version`: as `properties` told of it; then nothing is asked. None: the version that is there.
        """
        ...

    def create_container(self, container: str, *, public: bool) -> None:
        """Harmless when it exists. `public` lets anybody read blobs, but not list them.

        Raises StorageRefused when the account does not allow public containers.
        """
        ...

    def delete_container(self, container: str) -> None:
        """Harmless when there is none."""
        ...

    def put(self, container: str, name: str, data: bytes) -> None:
        """Write a whole blob, replacing it; type and caching follow from its name (domain/layout.py)."""
        ...

    def grow(self, container: str, name: str, data: bytes, version: int) -> bool:
        """Write a blob that will be replaced by greater versions, and at last by `put`, which no version replaces.

        It is not to be cached. False, and nothing is written, when as great a version is there or it was `put`.
        """
        ...

    def grown(self, container: str, name: str) -> int | None:
        """The version of a blob that grows; None when there is none."""
        ...

    def get(self, container: str, name: str) -> bytes:
        """A small blob, whole. Raises NotFound."""
        ...

    def exists(self, container: str, name: str) -> bool: ...

    def stage(self, container: str, name: str, block: str, data: bytes) -> None:
        """Stage one block of a blob that is committed later. Block names of one blob have one length."""
        ...

    def commit(self, container: str, name: str, blocks: Sequence[str]) -> None:
        """Make the blob of these blocks, in this order. Raises BrokenOutput when a block is missing."""
        ...

    def delete_upload(self, video_id: UUID) -> None:
        """Everything under `{video_id}/` in the uploads container; harmless when there is nothing."""
        ...

    def container_names(self, prefix: str) -> Iterator[str]:
        """The name of every container that begins so."""
        ...

    def upload_folders(self, prefix: str) -> Iterator[str]:
        """The name of every folder of the uploads container that begins so, once each."""
        ...


class Storage(Protocol):
    """The whole of it, as the composition root builds it."""

    @property
    def videos(self) -> Videos: ...

    @property
    def tasks(self) -> Tasks: ...

    @property
    def keys(self) -> Keys: ...

    @property
    def blobs(self) -> Blobs: ...
