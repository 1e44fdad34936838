"""The rows of tasks: changed only as they were read, so that nobody takes back what a twin of the task wrote."""

import logging
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from connector.domain.messages import Message
from connector.domain.task import Task
from connector.errors import Conflict, ConnectorError, NotFound, StorageError
from connector.pipeline.app import App, now, worker_name

log = logging.getLogger(__name__)


def begin(app: App, video_id: UUID, name: str) -> Task | None:
    """Counts one more attempt; answers the row that tells of it, or None when the task is done."""
    while True:
        row = app.storage.tasks.get(video_id, name)
        if row is not None and row.done:
            return None
        moment = now()
        row = row or Task(video_id, name, attempts=0, started=moment, heartbeat=moment)
        task = replace(
            row, attempts=row.attempts + 1, started=moment, heartbeat=moment, progress=0.0, worker=worker_name()
        )
        with suppress(Conflict, NotFound):
            app.storage.tasks.put(task)
            return task


def change(app: App, video_id: UUID, name: str, **changes: object) -> bool:
    """Changes the row as it is by now. False when a twin has finished the task, or its video was deleted."""
    while (row := app.storage.tasks.get(video_id, name)) is not None and not row.done:
        with suppress(Conflict, NotFound):
            app.storage.tasks.put(replace(row, **changes))  # type: ignore[arg-type] # the callers name fields of it
            return True
    return False


def blame(app: App, message: Message, error: Exception) -> None:
    """Keeps why a step failed, for whoever gives its message up. Never raises for trouble with storage."""
    # Texts of our own errors hold no secret; of others only the kind is kept.
    reason = str(error) if isinstance(error, ConnectorError) else type(error).__name__
    moment = now()
    video_id, name = message.video_id, message.task
    try:
        if change(app, video_id, name, heartbeat=moment, error=reason):
            return
        row = app.storage.tasks.get(video_id, name)
        if row is None or row.attempts == 0:
            # A step that keeps no count has failed, and that is over; a task is not done by failing.
            over = moment if message.step in {"probe", "package"} else None
            etag = row.etag if row else None
            app.storage.tasks.put(Task(video_id, name, 0, moment, moment, finished=over, error=reason, etag=etag))
    except StorageError:
        log.exception("the reason of a failure could not be kept", extra={"video_id": str(video_id)})
