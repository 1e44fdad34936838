"""The rows of tasks. A row is changed only as it was read, so no delivery takes back what another one wrote."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from connector.domain.messages import Message
from connector.domain.step import Step, TaskId
from connector.domain.task import Task, TaskResult
from connector.errors import ConnectorError, NotFound, RowChanged, StorageError
from connector.pipeline.changes import LOOKS
from connector.pipeline.context import Pipeline, worker_name

log = logging.getLogger(__name__)

_BUSY = "The task's row was changed by others each time that it was to be saved."


class Row:
    """A task's row, as it was last read or written here.

    Each method that changes it returns False when another delivery has finished the task, or its video was deleted.
    """

    def __init__(self, app: Pipeline, task: Task) -> None:
        self._app, self.task = app, task

    def report(self, progress: float, finished: TaskResult | None) -> bool:
        """Writes a heartbeat, and what is finished so far if that is new."""
        now = self._app.clock.now()
        return self._change(
            lambda task: replace(task, heartbeat=now, progress=progress, result=finished or task.result)
        )

    def finish(self, attempt: Task, result: TaskResult) -> bool:
        """Writes the result. `attempt` is the row as this attempt began it."""
        now = self._app.clock.now()
        return self._change(
            lambda task: replace(
                task,
                started=attempt.started,
                worker=attempt.worker,
                heartbeat=now,
                finished=now,
                progress=1.0,
                error="",
                result=result,
            )
        )

    def keep_error(self, reason: str) -> bool:
        """Writes why the last attempt failed."""
        now = self._app.clock.now()
        return self._change(lambda task: replace(task, heartbeat=now, error=reason))

    def mark_driven(self) -> bool:
        """Writes that the timer sends the task's message again."""
        now = self._app.clock.now()
        return self._change(lambda task: replace(task, driven=now))

    def _change(self, change: Callable[[Task], Task]) -> bool:
        for _ in range(LOOKS):
            if self.task.done:
                return False
            try:
                self.task = self._app.storage.tasks.put(change(self.task))
            except (RowChanged, NotFound):
                found = self._app.storage.tasks.get(self.task.video_id, self.task.id)
                if found is None:
                    return False
                self.task = found
            else:
                return True
        raise RowChanged(_BUSY)


def begin(app: Pipeline, video_id: UUID, task_id: TaskId) -> Row | None:
    """Counts one more attempt. Returns the row of this attempt, or None when the task is done."""
    for _ in range(LOOKS):
        row = app.storage.tasks.get(video_id, task_id)
        if row is not None and row.done:
            return None
        now = app.clock.now()
        row = row or Task(video_id, task_id, attempts=0, started=now, heartbeat=now)
        task = replace(row, attempts=row.attempts + 1, started=now, heartbeat=now, progress=0.0, worker=worker_name())
        with suppress(RowChanged, NotFound):
            return Row(app, app.storage.tasks.put(task))
    raise RowChanged(_BUSY)


def load_row(app: Pipeline, video_id: UUID, task_id: TaskId) -> Row | None:
    """Returns the task's row; None when there is no such row."""
    found = app.storage.tasks.get(video_id, task_id)
    return None if found is None else Row(app, found)


def record_failure(app: Pipeline, message: Message, error: Exception) -> None:
    """Keeps why a step failed, for the case that its message is given up. Never raises for trouble with storage."""
    # Messages of our own errors hold no secret. Of any other error only the type is kept.
    reason = str(error) if isinstance(error, ConnectorError) else type(error).__name__
    now = app.clock.now()
    video_id = message.video_id
    try:
        known = load_row(app, video_id, message.task)
        if known is not None and known.keep_error(reason):
            return
        row = app.storage.tasks.get(video_id, message.task)
        if row is None or row.attempts == 0:
            # A step without a count of attempts ends by failing. A task does not: it may be tried again.
            over = now if message.step in {Step.PROBE, Step.PACKAGE} else None
            etag = row.etag if row else None
            app.storage.tasks.put(Task(video_id, message.task, 0, now, now, finished=over, error=reason, etag=etag))
    except StorageError:
        log.exception("the reason of a failure could not be kept", extra={"video_id": str(video_id)})
