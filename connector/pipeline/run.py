"""Runs a media job for a video: its sources and where its blobs go."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from threading import Event, Thread
from typing import Any

from connector.domain import layout
from connector.domain.failures import refused
from connector.domain.task import EncodeOutput, TaskResult
from connector.domain.video import Video
from connector.errors import MediaError, NotFound, StorageError, TaskCrashed
from connector.media import sandbox
from connector.media.jobs import Area, ChunkJob, Job
from connector.pipeline.app import App, now
from connector.pipeline.grow import grow
from connector.pipeline.keys import upload_key
from connector.pipeline.protect import Decrypted, Protector, protector
from connector.pipeline.rows import Row

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5
NONSENSE = frozenset({"UnreadableMedia", "NoMedia", "UnsupportedCodec", "UndecodableVideo", "UndecodableAudio"})
"""What a file is taken for that was decrypted with another key."""


class TaskSink:
    """Writes a job's blobs to the video's containers, and to the row of its task, if it has one, that it is alive."""

    def __init__(self, app: App, video: Video, row: Row | None) -> None:
        self._app, self._video, self._row = app, video, row
        self._share = 0.0
        self._finished: TaskResult | None = None
        self._news = Event()
        self._stop: Callable[[], None] = lambda: None
        self.deleted = False
        """Whether the video was, while the job ran: then it was stopped."""

    def begun(self, stop: Callable[[], None]) -> None:
        self._stop = stop

    @cached_property
    def _protector(self) -> Protector:
        return protector(self._app, self._video)

    def put(self, area: Area, name: str, data: bytes) -> None:
        blobs = self._app.storage.blobs
        match area:
            case "output":
                blobs.put(layout.output_container(self._video.id), name, self._protector.segment(name, data))
            case "stills":
                blobs.put(layout.stills_of(self._video), name, data)
            case "work":
                blobs.put(layout.work_container(self._video.id), name, self._protector.intermediate(name, data))
            case "block" if self._video.key_id is None:
                blobs.stage(layout.output_container(self._video.id), layout.PROGRESSIVE, name, data)
            case "block":
                pass  # there is no one file of a protected video: it could not be encrypted so that a player opens it

    def progress(self, share: float, finished: Any) -> None:
        self._share = share
        if finished is not None:
            first = self._finished is None
            self._finished = TaskResult(encode=EncodeOutput.model_validate(finished))
            if first:
                self._news.set()

    def beat(self) -> None:
        if self._row is None:
            return
        finished, self._finished = self._finished, None
        facts = {"heartbeat": now(), "progress": self._share} | ({"result": finished} if finished else {})
        try:
            name = self._row.task.name
            if not self._row.change(**facts):
                self._end_if_deleted(name)
            elif finished:
                grow(self._app, self._video, name)
        except StorageError:
            log.exception("a heartbeat was not written", extra={"video_id": str(self._video.id)})

    def _end_if_deleted(self, task: str) -> None:
        """Rows go with their video; that of a task which a twin has finished stays."""
        if self._app.storage.tasks.get(self._video.id, task) is None:
            self.deleted = True
            self._stop()

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Beats every few seconds, whatever the job is at: long silence then means that this process is gone."""
        over = Event()

        def beat() -> None:
            while not over.is_set():
                self._news.wait(HEARTBEAT_SECONDS)
                self._news.clear()
                if not over.is_set():
                    self.beat()

        thread = Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            self._news.set()
            thread.join()


def upload(app: App, video: Video) -> Callable[[], sandbox.Source]:
    """Opens the video's upload, in the version that was there at completion; decrypted if its client encrypted it.

    Reading it raises MediaError once that version is gone.
    """

    def opened() -> sandbox.Source:
        assert video.source_etag  # noqa: S101 - a completed video has one
        source = _Upload(app.storage.blobs.open(layout.UPLOADS, video.blob_name, (video.size, video.source_etag)))
        if video.upload_key_id is None:
            return source
        key = upload_key(app, video.upload_key_id)
        return Decrypted(source, key.key, key.iv)

    return opened


class _Upload:
    """An upload that its owner may replace while it is read."""

    def __init__(self, source: sandbox.Source) -> None:
        self._source = source
        self.size = source.size

    def read_at(self, offset: int, length: int) -> bytes:
        try:
            return self._source.read_at(offset, length)
        except NotFound:
            raise refused("UploadChanged") from None

    def close(self) -> None:
        self._source.close()


def work_blob(app: App, video: Video, name: str) -> Callable[[], sandbox.Source]:
    def opened() -> sandbox.Source:
        source = app.storage.blobs.open(layout.work_container(video.id), name)
        return protector(app, video).opened(name, source)

    return opened


def held(data: bytes) -> Callable[[], sandbox.Source]:
    """What was read already."""
    return lambda: _Bytes(data)


@dataclass(frozen=True)
class _Bytes:
    """A source in memory."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]

    def close(self) -> None:
        """Nothing is open."""


def run_job(
    app: App, video: Video, job: Job, sources: Sequence[Callable[[], sandbox.Source]], row: Row | None = None
) -> Any:
    """The job's result; `row` tells how it goes.

    Raises as `sandbox.run` does, and NotFound when the video was deleted meanwhile.
    """
    sink = TaskSink(app, video, row)
    try:
        with sink.beating():
            # A video's chunks are many, and take much memory.
            owner = video.id if isinstance(job, ChunkJob) else None
            return sandbox.run(job, sources, sink, sink.begun, owner)
    except TaskCrashed:
        if sink.deleted:
            raise NotFound("the video was deleted meanwhile") from None
        raise
    except MediaError as error:
        raise _explained(video, error) from error


def _explained(video: Video, error: MediaError) -> MediaError:
    """Of an upload that its client should have encrypted, the key is the first to suspect."""
    if video.upload_key_id is None or error.code not in NONSENSE:
        return error
    return refused("UndecryptableUpload", reason=error.message)
