"""The rows of tasks. A row is changed only as it was read, so no delivery takes back what another one wrote."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from connector.domain.step import TaskId
from connector.domain.task import Task, TaskResult
from connector.errors import NotFound, RowChanged
from connector.pipeline.changes import LOOKS
from connector.pipeline.context import Pipeline, worker_name

_BUSY = "The task's row was changed by others each time that it was to be saved."


class Row:
    """A task's row, as it was last read or written here.

    Each method that changes it returns False when another delivery has finished the task, or its video was deleted.
    """

    def __init__(self, app: Pipeline, task: Task) -> None:
        self._app, self.task = app, task

    def report(self, progress: float, finished: TaskResult | None) -> bool:
        """Writes a heartbeat, and what is finished so far if that is new. A task that was taken for lost is not."""
        now = self._app.clock.now()
        return self._change(
            lambda task: replace(task, heartbeat=now, progress=progress, result=finished or task.result, due=None)
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
                code="",
                error="",
                result=result,
                due=None,
            )
        )

    def count_failure(self, code: str, reason: str) -> bool:
        """Counts a failed attempt, and writes why it failed."""
        now = self._app.clock.now()
        return self._change(
            lambda task: replace(task, heartbeat=now, code=code, error=reason, failures=task.failures + 1)
        )

    def count_loss(self, since: datetime) -> bool:
        """Counts a loss, after which the task is due after a pause from `since` on."""
        return self._change(lambda task: task.lost(since))

    def mark_driven(self) -> bool:
        """Writes that the timer sends the task's message again."""
        now = self._app.clock.now()
        # A task that was due has waited on purpose. Its silence counts from now on.
        return self._change(
            lambda task: replace(task, driven=now, due=None, heartbeat=now if task.due else task.heartbeat)
        )

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


def begin(app: Pipeline, video_id: UUID, task_id: TaskId) -> Row:
    """Counts one more attempt, unless the task is done or waits for the timer. Returns its row."""
    for _ in range(LOOKS):
        now = app.clock.now()
        row = app.storage.tasks.get(video_id, task_id) or new_task(app, video_id, task_id)
        if row.done or row.waits(now):
            return Row(app, row)
        task = replace(
            row,
            attempts=row.attempts + 1,
            started=now,
            heartbeat=now,
            progress=0.0,
            worker=worker_name(),
            driven=None,
            due=None,
        )
        with suppress(RowChanged, NotFound):
            return Row(app, app.storage.tasks.put(task))
    raise RowChanged(_BUSY)


def new_task(app: Pipeline, video_id: UUID, task_id: TaskId) -> Task:
    """Returns a task that nobody has begun, without a row."""
    now = app.clock.now()
    return Task(video_id, task_id, attempts=0, started=now, heartbeat=now)


def load_row(app: Pipeline, video_id: UUID, task_id: TaskId) -> Row | None:
    """Returns the task's row; None when there is no such row."""
    found = app.storage.tasks.get(video_id, task_id)
    return None if found is None else Row(app, found)
