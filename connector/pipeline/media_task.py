"""Runs a media job for a video: where its blobs go, and what the row of its task reports meanwhile."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from threading import Event, Thread
from typing import TypeVar

from connector.domain import layout
from connector.domain.failures import media_error
from connector.domain.jobs import Area, ChunkJob, Job
from connector.domain.ports import SourceReader
from connector.domain.step import TaskId
from connector.domain.task import EncodeOutput, TaskResult
from connector.domain.types import Model
from connector.domain.video import Video
from connector.errors import MediaError, NotFound, StorageError, TaskCrashed, TaskLost
from connector.pipeline.context import Pipeline
from connector.pipeline.early import publish_early
from connector.pipeline.protect import Protector, protector
from connector.pipeline.rows import Row

log = logging.getLogger(__name__)

R = TypeVar("R", bound=Model)

WRONG_KEY_CODES = frozenset({"UnreadableMedia", "NoMedia", "UnsupportedCodec", "UndecodableVideo", "UndecodableAudio"})
"""Failures that a good file ends in when it is decrypted with a wrong key."""


class BlobWriter:
    """Writes a job's blobs to the containers of its video, encrypted where the video is protected."""

    def __init__(self, app: Pipeline, video: Video) -> None:
        self._app, self._video = app, video

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
                pass  # a protected video has no progressive file: no player could open an encrypted one

    def progress(self, share: float, finished: EncodeOutput | None) -> None:
        """Ignores the progress: nobody waits for it."""


class TaskReporter(BlobWriter):
    """Writes blobs, and reports in the row of the task that it is alive, how far it is, and what is finished."""

    def __init__(self, app: Pipeline, video: Video, row: Row) -> None:
        super().__init__(app, video)
        self._row = row
        self._share = 0.0
        self._finished: TaskResult | None = None
        self._news = Event()
        self._stop: Callable[[], None] = lambda: None
        self.deleted = False
        """Whether the video was deleted while the job ran. The job was stopped then."""

    def on_start(self, stop: Callable[[], None]) -> None:
        self._stop = stop

    def progress(self, share: float, finished: EncodeOutput | None) -> None:
        self._share = share
        if finished is not None:
            first = self._finished is None
            self._finished = TaskResult(encode=finished)
            if first:
                self._news.set()

    def beat(self) -> None:
        """Writes the row. Never raises for trouble with storage: the next beat comes soon."""
        finished, self._finished = self._finished, None
        try:
            task = self._row.task.id
            if not self._row.report(self._share, finished):
                self._stop_if_deleted(task)
            elif finished:
                publish_early(self._app, self._video, task)
        except StorageError:
            log.exception("a heartbeat was not written", extra={"video_id": str(self._video.id)})

    def _stop_if_deleted(self, task: TaskId) -> None:
        """Stops the job when the row is gone, which means that the video was deleted. A row that another delivery
        finished stays.
        """
        if self._app.storage.tasks.get(self._video.id, task) is None:
            self.deleted = True
            self._stop()

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Beats every few seconds, whatever the job is doing: a long silence then means that this process is gone."""
        over = Event()
        pause = self._app.options.pace.heartbeat_seconds

        def beat() -> None:
            while not over.is_set():
                self._news.wait(pause)
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


def run_job(app: Pipeline, video: Video, job: Job[R], sources: Sequence[Callable[[], SourceReader]]) -> R:
    """Returns the result of a job that has no row of its own. Raises as `MediaRunner.run` does."""
    with _explained(video):
        return app.media.run(job, sources, BlobWriter(app, video))


def run_task(app: Pipeline, video: Video, job: Job[R], sources: Sequence[Callable[[], SourceReader]], row: Row) -> R:
    """Returns the job's result. `row` reports how it goes.

    Raises as `MediaRunner.run` does, and NotFound when the video was deleted meanwhile.
    """
    reporter = TaskReporter(app, video, row)
    # A video has many chunks, which need much memory. In one process its pages need not be cleared again.
    key = video.id if isinstance(job, ChunkJob) else None
    try:
        with _explained(video), reporter.beating():
            return app.media.run(job, sources, reporter, on_start=reporter.on_start, affinity_key=key)
    except (TaskCrashed, TaskLost):
        if reporter.deleted:
            raise NotFound("the video was deleted meanwhile") from None
        raise


@contextmanager
def _explained(video: Video) -> Iterator[None]:
    """Blames the key first when an upload, which its client should have encrypted, cannot be read."""
    try:
        yield
    except MediaError as error:
        if video.upload_key_id is None or error.code not in WRONG_KEY_CODES:
            raise
        raise media_error("UndecryptableUpload", reason=error.message) from error
