"""The rows of tasks: changed only as they were read, so that nobody takes back what a twin of the task wrote."""

import logging
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from connector.domain.messages import Message
from connector.domain.task import Task
from connector.errors import ConnectorError, NotFound, RowChanged, StorageError
from connector.pipeline.app import App, now, worker_name
from connector.pipeline.changes import LOOKS

log = logging.getLogger(__name__)

_BUSY = "The task's row was changed by others each time that it was to be saved."


class Row:
    """A task's row, as it was last read or written here."""

    def __init__(self, app: App, task: Task) -> None:
        self._app, self.task = app, task

    def change(self, **changes: object) -> bool:
        """Changes the row as it is by now. False when a twin has finished the task, or its video was deleted."""
        for _ in range(LOOKS):
            if self.task.done:
                return False
            try:
                self.task = self._app.storage.tasks.put(replace(self.task, **changes))  # type: ignore[arg-type] # the callers name fields of it
            except (RowChanged, NotFound):
                found = self._app.storage.tasks.get(self.task.video_id, self.task.name)
                if found is None:
                    return False
                self.task = found
            else:
                return True
        raise RowChanged(_BUSY)


def begin(app: App, video_id: UUID, name: str) -> Row | None:
    """Counts one more attempt; answers the row that tells of it, or None when the task is done."""
    for _ in range(LOOKS):
        row = app.storage.tasks.get(video_id, name)
        if row is not None and row.done:
            return None
        moment = now()
        row = row or Task(video_id, name, attempts=0, started=moment, heartbeat=moment)
        task = replace(
            row, attempts=row.attempts + 1, started=moment, heartbeat=moment, progress=0.0, worker=worker_name()
        )
        with suppress(RowChanged, NotFound):
            return Row(app, app.storage.tasks.put(task))
    raise RowChanged(_BUSY)


def row_of(app: App, video_id: UUID, name: str) -> Row | None:
    """None when there is no such row."""
    found = app.storage.tasks.get(video_id, name)
    return None if found is None else Row(app, found)


def blame(app: App, message: Message, error: Exception) -> None:
    """Keeps why a step failed, for whoever gives its message up. Never raises for trouble with storage."""
    # Texts of our own errors hold no secret; of others only the kind is kept.
    reason = str(error) if isinstance(error, ConnectorError) else type(error).__name__
    moment = now()
    video_id, name = message.video_id, message.task
    try:
        known = row_of(app, video_id, name)
        if known is not None and known.change(heartbeat=moment, error=reason):
            return
        row = app.storage.tasks.get(video_id, name)
        if row is None or row.attempts == 0:
            # A step that keeps no count has failed, and that is over; a task is not done by failing.
            over = moment if message.step in {"probe", "package"} else None
            etag = row.etag if row else None
            app.storage.tasks.put(Task(video_id, name, 0, moment, moment, finished=over, error=reason, etag=etag))
    except StorageError:
        log.exception("the reason of a failure could not be kept", extra={"video_id": str(video_id)})
