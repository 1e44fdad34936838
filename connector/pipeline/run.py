"""Runs a media job for a video: its sources and where its blobs go."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from connector.domain import layout
from connector.domain.task import Task
from connector.domain.video import Video
from connector.errors import ConnectorError, MediaError
from connector.media import sandbox
from connector.media.jobs import Area, Job
from connector.pipeline.app import App, now
from connector.pipeline.keys import upload_key
from connector.pipeline.protect import Decrypted, Protector, protector, stills_of

HEARTBEAT_SECONDS = 5


class TaskSink:
    """Writes a job's blobs to the video's containers and its progress to the task's row."""

    def __init__(self, app: App, video: Video, task: Task | None) -> None:
        self._app, self._video, self._task = app, video, task
        self._reported = time.monotonic()

    @cached_property
    def _protector(self) -> Protector:
        return protector(self._app, self._video)

    def put(self, area: Area, name: str, data: bytes) -> None:
        blobs = self._app.storage.blobs
        match area:
            case "output":
                blobs.put(layout.output_container(self._video.id), name, self._protector.segment(name, data))
            case "stills":
                blobs.put(stills_of(self._video), name, data)
            case "work":
                blobs.put(layout.work_container(self._video.id), name, self._protector.intermediate(name, data))
            case "block" if self._video.key_id is None:
                blobs.stage(layout.output_container(self._video.id), layout.PROGRESSIVE, name, data)
            case "block":
                pass  # there is no one file of a protected video: it could not be encrypted so that a player opens it

    def progress(self, share: float) -> None:
        if self._task is None or time.monotonic() - self._reported < HEARTBEAT_SECONDS:
            return
        self._reported = time.monotonic()
        _note(self._app, replace(self._task, heartbeat=now(), progress=share))


def upload(app: App, video: Video) -> Callable[[], sandbox.Source]:
    """Opens the video's upload, in the version that was there at completion; decrypted if its client encrypted it."""

    def opened() -> sandbox.Source:
        source = app.storage.blobs.open(layout.UPLOADS, video.blob_name, video.source_etag)
        if video.upload_key_id is None:
            return source
        key = upload_key(app, video.upload_key_id)
        return Decrypted(source, key.key, key.iv)

    return opened


def work_blob(app: App, video: Video, name: str) -> Callable[[], sandbox.Source]:
    def opened() -> sandbox.Source:
        source = app.storage.blobs.open(layout.work_container(video.id), name)
        return protector(app, video).opened(name, source)

    return opened


def run_job(
    app: App, video: Video, job: Job, sources: Sequence[Callable[[], sandbox.Source]], task: Task | None = None
) -> Any:
    """The job's result. Raises as `sandbox.run` does; the reason of a failure is kept in the task's row."""
    try:
        return sandbox.run(job, sources, TaskSink(app, video, task))
    except Exception as error:
        if task is not None:
            # Texts of our own errors hold no secret; of others only the kind is kept.
            reason = str(error) if isinstance(error, ConnectorError) else type(error).__name__
            _note(app, replace(task, heartbeat=now(), error=reason))
        if isinstance(error, MediaError):
            raise _explained(video, error) from error
        raise


def _explained(video: Video, error: MediaError) -> MediaError:
    """Of an upload that its client should have encrypted, the key is the first to suspect."""
    if video.upload_key_id is None or error.code == "EmptyFile":
        return error
    return MediaError(
        "UndecryptableUpload",
        "The upload could not be decrypted or read: it must be encrypted with AES-256-CTR and the key and IV that were "
        f"given when the video was created. {error.message}",
    )


def _note(app: App, task: Task) -> None:
    """Writes what is known of a task under way, unless a twin has finished it or its video was deleted."""
    row = app.storage.tasks.get(task.video_id, task.name)
    if row is not None and not row.done:
        app.storage.tasks.put(task)
