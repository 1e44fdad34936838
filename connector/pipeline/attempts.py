"""What follows an attempt that failed or was lost: another attempt, or the end of its video.

An attempt *fails* when it ends with an error, for which the file may be the cause: the fifth is the last. An attempt is
*lost* when its process or its worker vanished, which says nothing about the file. At first the queue delivers the
message again, five times within seconds. What is lost after that waits in its row for the timer, longer each time,
because an output binding cannot delay a message.
"""

import logging
from dataclasses import replace
from datetime import datetime

from connector.domain.failures import media_error
from connector.domain.messages import Message
from connector.domain.step import WITHOUT_TASK, Step
from connector.domain.task import Task
from connector.errors import ConnectorError, MediaError, StorageError, TaskCrashed, TaskLost
from connector.pipeline.active import load_active_video, remove_leftovers
from connector.pipeline.context import Pipeline
from connector.pipeline.fail import fail
from connector.pipeline.rows import Row, load_row, new_task

log = logging.getLogger(__name__)

_DOING = {
    Step.PROBE: "reading the upload",
    Step.SPLIT: "reading the upload",
    Step.PACKAGE: "writing the manifests",
}


def record_failure(app: Pipeline, message: Message, error: Exception) -> None:
    """Counts a failed attempt, and keeps why it failed. Never raises for trouble with storage."""
    # Messages of our own errors hold no secret. Of any other error only the type is kept.
    reason = str(error) if isinstance(error, ConnectorError) else type(error).__name__
    try:
        _row(app, message).count_failure(_code(error), reason)
    except StorageError:
        log.exception("the reason of a failure could not be kept", extra={"video_id": str(message.video_id)})


def _code(error: Exception) -> str:
    """Returns the code that a video fails with when its last attempt ended with this error."""
    return "MediaProcessCrashed" if isinstance(error, TaskCrashed) else "ProcessingFailed"


def leave_to_timer(app: Pipeline, message: Message, error: TaskLost) -> bool:
    """Counts a lost attempt, unless the task has lost none so far: then the queue delivers its message again, at once.

    Returns False in that case.
    """
    row = load_row(app, message.video_id, message.task)
    if row is None or not row.task.losses:
        return False
    log.warning("an attempt was lost: %s", error, extra={"video_id": str(message.video_id), "step": message.step})
    count_loss(app, message, row, app.clock.now(), error.code)
    return True


def count_loss(app: Pipeline, message: Message, row: Row, since: datetime, code: str = "WorkerLost") -> None:
    """Counts a loss: the task is due after a pause from `since` on. After the last one, its video fails with `code`."""
    if row.count_loss(since):
        fail_if_spent(app, message, row.task, code)


def fail_or_wait(app: Pipeline, message: Message) -> None:
    """Ends a message that the queue has given up: its video fails, or the task waits for the timer.

    Deliveries that were not counted as failed were lost.
    """
    if load_active_video(app, message.video_id) is None:
        remove_leftovers(app, message.video_id)
        return
    row = _row(app, message)
    if not row.task.done and not fail_if_spent(app, message, row.task):
        count_loss(app, message, row, app.clock.now())


def fail_if_spent(app: Pipeline, message: Message, task: Task, code: str = "WorkerLost") -> bool:
    """Fails the video of a task that may not be tried again. Returns whether it did."""
    cause = _cause(app, message, task, code)
    if cause is not None:
        fail(app, message.video_id, cause)
    return cause is not None


def _cause(app: Pipeline, message: Message, task: Task, code: str) -> MediaError | None:
    doing = _DOING.get(message.step, f"encoding ({message.step} {message.index})")
    if task.failures >= app.options.pace.max_failures:
        # The text up to the colon is for people. The rest is for the log, such as the last lines of a process.
        reason = task.error.partition(":")[0].rstrip(".")
        return media_error(task.code or "ProcessingFailed", doing=doing, reason=reason)
    if task.losses >= app.options.pace.max_losses:
        return media_error(code, doing=doing)
    return None


def _row(app: Pipeline, message: Message) -> Row:
    """Returns the row of the message's task, which may be a new one."""
    task = app.storage.tasks.get(message.video_id, message.task) or new_task(app, message.video_id, message.task)
    if message.step in WITHOUT_TASK and task.done:
        task = replace(task, finished=None)  # written before such rows counted anything
    return Row(app, task)
