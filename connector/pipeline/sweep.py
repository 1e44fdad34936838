"""The timer's step: nothing stays where it is for ever.

Queues already bring back what a dead worker left. This is for what no queue remembers: an event that never came, an
upload that nobody completed, a message that was lost.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from connector.domain.messages import Message
from connector.domain.task import Task
from connector.domain.video import State, Video
from connector.errors import Conflict, NotFound, NotUploaded, StorageError
from connector.pipeline.app import App, now
from connector.pipeline.complete import complete_upload
from connector.pipeline.fail import fail
from connector.pipeline.remaining import remaining

log = logging.getLogger(__name__)

LOST = timedelta(hours=1)
"""A task that nobody began for so long is taken for lost; before, it may stand in a long queue."""


def sweep(app: App) -> list[Message]:
    """Answers the messages that set stalled videos going again."""
    out: list[Message] = []
    unfinished = (State.QUEUED, State.ENCODING, State.PACKAGING)
    for states, age, act in (
        (unfinished, app.stall, _redrive),
        ((State.AWAITING_UPLOAD,), app.upload_lifetime, _expire),
    ):
        for video in app.storage.videos.in_states(states, now() - age):
            try:
                out += act(app, video)
            except (Conflict, NotFound):
                pass  # it moved on, or was deleted meanwhile
            except StorageError:
                # The messages so far must get out: their videos count as driven again.
                log.exception("a video could not be looked after", extra={"video_id": str(video.id)})
    return out


def _redrive(app: App, video: Video) -> list[Message]:
    tasks = app.storage.tasks.overview(video.id)
    moved = last_movement(video, tasks)
    waited = now() - moved
    before = max(timedelta(0), video.modified - moved)
    # Each wait is as long as all before it: in a long queue, messages must not multiply with every run.
    if waited - before < max(app.stall, before):
        return []
    messages = _stalled(video, tasks, waited)
    if messages:
        app.storage.videos.save(replace(video, modified=now()))
    return messages


def last_movement(video: Video, tasks: list[Task]) -> datetime:
    """When the video was last seen to move by itself: `modified` also tells when it was last driven again."""
    entered = {State.QUEUED: video.queued, State.ENCODING: video.encoding, State.PACKAGING: video.packaging}
    return max([entered[video.state] or video.created, *(task.heartbeat for task in tasks)])


def _stalled(video: Video, tasks: list[Task], waited: timedelta) -> list[Message]:
    if video.state is State.QUEUED:
        return [Message(step="probe", video_id=video.id)]
    missing = remaining(video, tasks)
    if not missing:
        return [Message(step="package", video_id=video.id)]
    begun = {task.name for task in tasks}
    return missing if waited > LOST else [m for m in missing if m.task in begun]


def _expire(app: App, video: Video) -> list[Message]:
    try:
        return complete_upload(app, video.id)
    except NotUploaded:
        fail(app, video.id, "UploadExpired", "Nothing was uploaded before the upload URL expired.")
        return []
