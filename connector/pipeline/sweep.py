"""The timer's step, which sends stalled videos on their way again.

Queues bring back what a dead worker left, after their lease. This step covers what no queue remembers: an event that
never came, an upload that nobody completed, a message that was lost. It also covers tasks whose worker fell silent,
because the lease lasts ten minutes.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from connector.domain.failures import media_error
from connector.domain.messages import Message
from connector.domain.missing_tasks import missing_tasks
from connector.domain.step import WITHOUT_TASK, Step
from connector.domain.task import Task
from connector.domain.video import RECENT, UNFINISHED, State, Video
from connector.errors import NotFound, NotUploaded, RowChanged, StorageError
from connector.pipeline.attempts import count_loss, fail_if_spent
from connector.pipeline.complete import complete_upload
from connector.pipeline.context import Pipeline
from connector.pipeline.fail import fail
from connector.pipeline.orphans import remove_orphans
from connector.pipeline.probe import SPLIT
from connector.pipeline.rows import load_row

log = logging.getLogger(__name__)

SILENT = timedelta(minutes=2)
"""Time without a heartbeat after which a task's worker is taken for lost. Heartbeats come every few seconds. If the
worker lives after all, no harm is done: both write the same bytes.
"""
LOST = timedelta(hours=1)
"""Time after which a video whose tasks have not begun is taken for lost; before, it may stand in a long queue."""


def sweep(app: Pipeline) -> list[Message]:
    """Returns the messages that send stalled videos on their way again."""
    out: list[Message] = []
    try:
        now = app.clock.now()
        for video in app.storage.videos.in_states(UNFINISHED, now - _silence(app), _created_after(now)):
            _look_after(app, video, out)
        # This comes after a successful read of the table: if the table were missing, every video would seem to be gone.
        remove_orphans(app, app.clock.now())
    except StorageError:
        # The messages so far must be sent, because their rows say so.
        log.exception("the timer could not look after everything")
    return out


def _created_after(now: datetime) -> datetime | None:
    """Returns the creation time from which on this run looks at videos; None for all of them.

    Videos that are older than `RECENT` and unfinished are rare. The runs of one hour of the day look for them, because
    that reads every row of the table.
    """
    return None if now.hour == 0 else now - RECENT


def _look_after(app: Pipeline, video: Video, out: list[Message]) -> None:
    act = _await_upload if video.state is State.AWAITING_UPLOAD else _drive
    try:
        # Each message is kept as soon as it is made, so that trouble with the next one loses none.
        for message in act(app, video):
            out.append(message)  # noqa: PERF402 - see above
    except (RowChanged, NotFound):
        pass  # the video moved on or was deleted meanwhile
    except StorageError:
        log.exception("a video could not be looked after", extra={"video_id": str(video.id)})


def _await_upload(app: Pipeline, video: Video) -> Iterator[Message]:
    expired = app.clock.now() - video.created >= app.options.upload_lifetime
    if not expired and not _is_due(app, video.created, video.modified, app.options.stall):
        return
    try:
        yield from complete_upload(app, video.id)
    except NotUploaded:
        if expired:
            fail(app, video.id, media_error("UploadExpired"))
        else:
            app.storage.videos.save(replace(video, modified=app.clock.now()))


def _drive(app: Pipeline, video: Video) -> Iterator[Message]:
    tasks = app.storage.tasks.overview(video.id)
    yield from _interrupted(app, video, tasks)
    moved = last_movement(video, tasks)
    if not _is_due(app, moved, video.modified, app.options.stall):
        return
    if messages := _lost(video, tasks, app.clock.now() - moved):
        app.storage.videos.save(replace(video, modified=app.clock.now()))
        yield from messages


def _expected(video: Video, tasks: list[Task]) -> list[Message]:
    """Returns the messages that somebody has or that stand in a queue, if none is lost."""
    if video.state is State.QUEUED:
        splitting = any(task.id == SPLIT and not task.done for task in tasks)
        return [Message(step=Step.SPLIT if splitting else Step.PROBE, video_id=video.id)]
    return missing_tasks(video, tasks) or [Message(step=Step.PACKAGE, video_id=video.id)]


def _interrupted(app: Pipeline, video: Video, tasks: list[Task]) -> Iterator[Message]:
    """Yields messages for tasks whose worker is gone, and for those that have waited as long as they should."""
    rows = {task.id: task for task in tasks if not task.done}
    for message in _expected(video, tasks):
        task = rows.get(message.task)
        if task is None:
            continue
        if fail_if_spent(app, message, task):
            return
        if (task.due is not None or _is_silent(app, task)) and _mark_driven(app, message):
            yield message


def _is_silent(app: Pipeline, task: Task) -> bool:
    if task.id.step in WITHOUT_TASK:
        return False
    return _is_due(app, task.heartbeat, task.driven or task.heartbeat, _silence(app))


def _mark_driven(app: Pipeline, message: Message) -> bool:
    """Writes in the row of a task that its message is sent again, unless it is to wait. Returns whether it is sent."""
    row = load_row(app, message.video_id, message.task)
    if row is None:
        return False
    if row.task.due is None and row.task.was_at_work:
        count_loss(app, message, row, row.task.heartbeat)
    return not row.task.waits(app.clock.now()) and row.mark_driven()


def _lost(video: Video, tasks: list[Task], waited: timedelta) -> list[Message]:
    """Returns messages for what no message seems to be under way."""
    known = {task.id for task in tasks if task.due is not None or task.id.step not in WITHOUT_TASK}
    lost = [message for message in _expected(video, tasks) if message.task not in known]
    # The messages of one video stand together in the queue. If some were taken long ago, the others were lost.
    taken = any(task.id.step not in WITHOUT_TASK for task in tasks)
    return lost if taken or waited > LOST or {message.step for message in lost} <= WITHOUT_TASK else []


def last_movement(video: Video, tasks: list[Task]) -> datetime:
    """Returns when the video last moved by itself. `modified` also says when the timer last sent its message again."""
    entered = {State.QUEUED: video.queued, State.ENCODING: video.encoding, State.PACKAGING: video.packaging}
    return max([entered[video.state] or video.created, *(task.heartbeat for task in tasks)])


def _silence(app: Pipeline) -> timedelta:
    return min(SILENT, app.options.stall)


def _is_due(app: Pipeline, moved: datetime, driven: datetime, pause: timedelta) -> bool:
    """Whether to send a message (again) for what last moved by itself at `moved`.

    Each wait is as long as all waits before it: in a long queue, messages must not multiply with every run.
    """
    before = max(timedelta(0), driven - moved)
    return app.clock.now() - moved - before >= max(pause, before)
