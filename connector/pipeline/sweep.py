"""The timer's step: nothing stays where it is for ever.

Queues already bring back what a dead worker left, after their lease. This is for what no queue remembers: an event that
never came, an upload that nobody completed, a message that was lost. And for tasks whose worker fell silent: the lease
would last ten minutes.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from connector.domain.failures import SENTENCES
from connector.domain.messages import Message
from connector.domain.task import Task
from connector.domain.video import UNFINISHED, State, Video
from connector.errors import NotFound, NotUploaded, RowChanged, StorageError
from connector.pipeline.app import App, now
from connector.pipeline.complete import complete_upload
from connector.pipeline.fail import fail, give_up
from connector.pipeline.orphans import remove_orphans
from connector.pipeline.probe import SPLIT
from connector.pipeline.remaining import remaining
from connector.pipeline.rows import row_of

log = logging.getLogger(__name__)

SILENT = timedelta(minutes=2)
"""A task without a heartbeat for so long (they come every few seconds) has lost its worker. Should it run on after all,
no harm is done: twins write the same.
"""
LOST = timedelta(hours=1)
"""A video of which nobody began any task for so long is taken for lost; before, it may stand in a long queue."""
MAX_ATTEMPTS = 5
"""As often as queues deliver one message (`maxDequeueCount` in host.json)."""


def sweep(app: App) -> list[Message]:
    """Answers the messages that set stalled videos going again."""
    out: list[Message] = []
    try:
        for video in app.storage.videos.in_states(UNFINISHED, now() - _silence(app)):
            _look_after(app, video, out)
        # Only now: were the table itself missing, every video would seem to be gone.
        remove_orphans(app, now())
    except StorageError:
        # The messages so far must get out: their videos count as driven again.
        log.exception("the timer could not look after everything")
    return out


def _look_after(app: App, video: Video, out: list[Message]) -> None:
    act = _await_upload if video.state is State.AWAITING_UPLOAD else _drive
    try:
        # One by one, so that none is lost by trouble with the next.
        for message in act(app, video):
            out.append(message)  # noqa: PERF402 - see above
    except (RowChanged, NotFound):
        pass  # it moved on, or was deleted meanwhile
    except StorageError:
        log.exception("a video could not be looked after", extra={"video_id": str(video.id)})


def _await_upload(app: App, video: Video) -> Iterator[Message]:
    expired = now() - video.created >= app.upload_lifetime
    if not expired and not _due(video.created, video.modified, app.stall):
        return
    try:
        yield from complete_upload(app, video.id)
    except NotUploaded:
        if expired:
            fail(app, video.id, "UploadExpired", SENTENCES["UploadExpired"])
        else:
            app.storage.videos.save(replace(video, modified=now()))


def _drive(app: App, video: Video) -> Iterator[Message]:
    tasks = app.storage.tasks.overview(video.id)
    yield from _silent(app, video, tasks)
    moved = last_movement(video, tasks)
    if not _due(moved, video.modified, app.stall):
        return
    if messages := _lost(video, tasks, now() - moved):
        app.storage.videos.save(replace(video, modified=now()))
        yield from messages


def _silent(app: App, video: Video, tasks: list[Task]) -> Iterator[Message]:
    """Tasks that were begun, and whose worker is gone."""
    begun = {task.name: task for task in tasks if not task.done}
    for message in remaining(video, tasks) if video.plan else [Message(step="split", video_id=video.id)]:
        task = begun.get(message.task)
        if task is None or not _due(task.heartbeat, task.driven or task.heartbeat, _silence(app)):
            continue
        if task.attempts >= MAX_ATTEMPTS:
            give_up(app, message)
            return
        row = row_of(app, video.id, task.name)
        if row is not None and row.change(driven=now()):
            yield message


def _lost(video: Video, tasks: list[Task], waited: timedelta) -> list[Message]:
    """What no message seems to be under way for."""
    begun = {task.name for task in tasks}
    if video.state is State.QUEUED:
        splitting = any(task.name == SPLIT and not task.done for task in tasks)
        return [] if splitting else [Message(step="probe", video_id=video.id)]
    missing = remaining(video, tasks)
    if not missing:
        return [Message(step="package", video_id=video.id)]
    # Messages of one video stand together in the queue: where some were taken long ago, the others were too.
    return [message for message in missing if message.task not in begun] if begun or waited > LOST else []


def last_movement(video: Video, tasks: list[Task]) -> datetime:
    """When the video was last seen to move by itself: `modified` also tells when it was last driven again."""
    entered = {State.QUEUED: video.queued, State.ENCODING: video.encoding, State.PACKAGING: video.packaging}
    return max([entered[video.state] or video.created, *(task.heartbeat for task in tasks)])


def _silence(app: App) -> timedelta:
    return min(SILENT, app.stall)


def _due(moved: datetime, driven: datetime, pause: timedelta) -> bool:
    """Whether to set going (again) what last moved by itself at `moved`.

    Each wait is as long as all before it: in a long queue, messages must not multiply with every run.
    """
    before = max(timedelta(0), driven - moved)
    return now() - moved - before >= max(pause, before)
