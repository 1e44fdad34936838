"""The timer's step: nothing stays where it is for ever.

Queues already bring back what a dead worker left. This is for what no queue remembers: an event that never came, an
upload that nobody completed, a message that was lost.
"""

from collections.abc import Iterator
from datetime import timedelta

from connector.domain.messages import Message
from connector.domain.video import State, Video
from connector.errors import NotFound, NotUploaded
from connector.pipeline.app import App, now
from connector.pipeline.complete import complete_upload
from connector.pipeline.fail import fail
from connector.pipeline.probe import encode_messages

LOST = timedelta(hours=1)
"""A task that nobody began for so long is taken for lost; before, it may stand in a long queue."""


def sweep(app: App) -> list[Message]:
    """Answers the messages that set stalled videos going again."""
    out: list[Message] = []
    unfinished = (State.QUEUED, State.ENCODING, State.PACKAGING)
    for video in app.storage.videos.in_states(unfinished, now() - app.stall):
        out += _redrive(app, video)
    for video in app.storage.videos.in_states((State.AWAITING_UPLOAD,), now() - app.upload_lifetime):
        out += _expire(app, video)
    return out


def _redrive(app: App, video: Video) -> Iterator[Message]:
    tasks = {task.name: task for task in app.storage.tasks.overview(video.id)}
    alive = max([video.modified, *(task.heartbeat for task in tasks.values())])
    if now() - alive < app.stall:
        return
    match video.state:
        case State.ENCODING:
            missing = encode_messages(app, video)
            begun = [m for m in missing if m.task in tasks]
            yield from missing if now() - alive > LOST else begun
            if not missing:
                yield Message(step="package", video_id=video.id)
        case State.PACKAGING:
            yield Message(step="package", video_id=video.id)
        case _:
            yield Message(step="probe", video_id=video.id)


def _expire(app: App, video: Video) -> list[Message]:
    try:
        return complete_upload(app, video.id)
    except NotUploaded:
        fail(app, video.id, "UploadExpired", "Nothing was uploaded before the upload URL expired.")
    except NotFound:
        pass  # deleted meanwhile
    return []
