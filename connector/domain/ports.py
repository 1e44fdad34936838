"""Declares what the pipeline and the API need of the world outside: storage, media processes and a clock.

The ports of the tables are in `tables.py`.

On Azure, `storage/` implements the storage, `sandbox/` the media processes and `clock.py` the clock. `tests/fakes/` has
all of them in memory.

All methods of storage are synchronous and safe to call from several threads. Each may also raise StorageTimeout and
StorageUnavailable (worth trying again) and StorageRefused (final). When a table or the uploads container is missing,
they raise StorageUnavailable, never NotFound.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar
from uuid import UUID

from connector.domain.tables import Keys, Tasks, Videos
from connector.domain.task import EncodeOutput
from connector.domain.types import BlobVersion, Model

if TYPE_CHECKING:
    from connector.domain.jobs import Area, Job  # costly to load, and no cold start runs a job

R = TypeVar("R", bound=Model)


class SourceReader(Protocol):
    """Gives random access to one immutable blob."""

    @property
    def size(self) -> int:
        """The size of the blob in bytes."""
        ...

    def read_at(self, offset: int, length: int) -> bytes:
        """Returns the bytes from `offset`; fewer than `length` only at the end.

        Raises NotFound when the blob has changed or is gone.
        """
        ...

    def close(self) -> None: ...


class Blobs(Protocol):
    def upload_uri(self, name: str, lifetime: timedelta) -> str:
        """Returns a SAS URL that may create and write this one blob in the uploads container, and nothing else."""
        ...

    def read_uri(
        self, container: str, name: str, lifetime: timedelta, *, snapshot: str | None = None, disposition: str = ""
    ) -> str:
        """Returns a SAS URL that may read this one blob, or one snapshot of it.

        With a `disposition` the answer has this Content-Disposition and the type application/octet-stream.
        """
        ...

    def container_uri(self, container: str) -> str:
        """Returns the plain URL of a container, ending in a slash."""
        ...

    def container_query(self, container: str, lifetime: timedelta) -> str:
        """Returns a SAS, without its question mark, that may read every blob of this container, and not list them."""
        ...

    def public_uri(self, container: str, name: str) -> str:
        """Returns the plain URL of a blob in a public container."""
        ...

    def properties(self, container: str, name: str) -> BlobVersion:
        """Returns the present version of a blob. Raises NotFound when there is no such blob."""
        ...

    def take_snapshot(self, container: str, name: str) -> BlobVersion:
        """Keeps the present content of a blob as a snapshot, which nothing changes, and returns this version.

        Raises NotFound when there is no such blob.
        """
        ...

    def open(self, container: str, name: str, version: BlobVersion | None = None) -> SourceReader:
        """Opens one version of a blob for ranged reads with read-ahead. None stands for the present version.

        With a `version` no request is made here. Raises NotFound, here or when it reads, once that version is gone.
        """
        ...

    def create_container(self, container: str, *, public: bool) -> None:
        """Creates a container, or does nothing when it exists. `public` lets anybody read blobs, but not list them.

        Raises StorageRefused when the account does not allow public containers.
        """
        ...

    def delete_container(self, container: str) -> None:
        """Deletes a container, or does nothing when there is none."""
        ...

    def put(self, container: str, name: str, data: bytes) -> None:
        """Writes a whole blob, replacing an old one. Type and caching follow from its name (domain/layout.py)."""
        ...

    def put_early(self, container: str, name: str, data: bytes, version: int) -> bool:
        """Writes a manifest of a video that is still being encoded. Greater versions replace it, and finally `put`.

        Its headers forbid caching. Returns False, and writes nothing, when the blob has as great a version or was
        written by `put`.
        """
        ...

    def early_version(self, container: str, name: str) -> int | None:
        """Returns the version that `put_early` wrote last, or None when there is none or `put` has replaced it."""
        ...

    def get(self, container: str, name: str) -> bytes:
        """Returns the whole content of a small blob. Raises NotFound when there is none."""
        ...

    def exists(self, container: str, name: str) -> bool: ...

    def stage(self, container: str, name: str, block: str, data: bytes) -> None:
        """Stages one block of a blob that is committed later. Block names of one blob have the same length."""
        ...

    def commit(self, container: str, name: str, blocks: Sequence[str]) -> None:
        """Makes the blob of these blocks, in this order. Raises BrokenOutput when a block is missing."""
        ...

    def delete_upload(self, video_id: UUID) -> None:
        """Deletes everything under `{video_id}/` in the uploads container, with snapshots, and in spite of leases.

        Raises StorageUnavailable when a blob is leased again each time.
        """
        ...

    def container_names(self, prefix: str) -> Iterator[str]:
        """Yields the name of every container that begins with `prefix`."""
        ...

    def upload_folders(self, prefix: str) -> Iterator[str]:
        """Yields the name of every folder of the uploads container that begins with `prefix`, once each."""
        ...


class JobSink(Protocol):
    """Receives the blobs of a media job. `put` is called from several threads."""

    def put(self, area: "Area", name: str, data: bytes) -> None: ...

    def progress(self, share: float, finished: EncodeOutput | None) -> None:
        """Receives the share of the job that is done, 0 to 1, and what is finished, with all its blobs written."""
        ...


class Confinement(NamedTuple):
    """How media processes are confined."""

    level: str
    """What confines them, in words."""
    problem: str = ""
    """Why it is no more than that; empty if nothing failed."""


class MediaRunner(Protocol):
    """Runs media jobs apart from this process. `sandbox/` does so in confined child processes."""

    def run(
        self,
        job: "Job[R]",
        sources: Sequence[Callable[[], SourceReader]],
        sink: JobSink,
        *,
        on_start: Callable[[Callable[[], None]], None] = lambda _: None,
        affinity_key: Hashable = None,
    ) -> R:
        """Returns the job's result, once all its blobs are written.

        `sources` open the job's files on first use; the files are closed when the job is over. `on_start` receives a
        function that stops the job, from any thread. With an `affinity_key` the process is kept for a while, for the
        next job with the same key; all these jobs have the same limits.

        Raises MediaError when the media is at fault (final). Raises TaskCrashed when the process died by itself, ran
        over a limit (worth another try) or was stopped, and TaskLost when somebody else ended it or there can be none.
        Raises whatever `sources` and `sink` raise.
        """
        ...

    def confinement(self) -> Confinement:
        """Returns how media processes are confined. Raises TaskLost when there can be none."""
        ...


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Returns the present time in UTC."""
        ...


class Storage(Protocol):
    """Groups the ports of storage, as the composition root builds them."""

    @property
    def videos(self) -> Videos: ...

    @property
    def tasks(self) -> Tasks: ...

    @property
    def keys(self) -> Keys: ...

    @property
    def blobs(self) -> Blobs: ...
