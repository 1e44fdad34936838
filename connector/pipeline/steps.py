"""A queue message to its step, and what all steps have in common."""

import logging

from pydantic import ValidationError

from connector.domain.messages import Message
from connector.domain.video import Video
from connector.errors import Conflict, MediaError, NotFound
from connector.pipeline.app import App
from connector.pipeline.encode import encode
from connector.pipeline.fail import fail, give_up
from connector.pipeline.package import package
from connector.pipeline.probe import probe
from connector.pipeline.rows import blame
from connector.pipeline.unfinished import unfinished
from connector.telemetry import Fact

log = logging.getLogger(__name__)

_STEPS = {"probe": probe, "package": package, "chunk": encode, "audio": encode, "split": encode}


def run_step(app: App, message: Message) -> list[Message]:
    """Answers the messages that come next. What it raises makes the queue try again."""
    video = unfinished(app, message.video_id)
    if video is None:
        return []
    fields: dict[str, Fact] = {"video_id": str(video.id), "step": message.step, "task_index": message.index}
    # Messages of the sweep carry no trace, the video's row does.
    with app.telemetry.span(message.step, fields, message.trace or video.trace):
        log.info("step begins", extra=fields)
        following = _run(app, video, message)
        log.info("step ends", extra=fields)
        trace = app.telemetry.traceparent()
    return [m.model_copy(update={"trace": trace}) for m in following]


def _run(app: App, video: Video, message: Message) -> list[Message]:
    try:
        return _STEPS[message.step](app, video, message)
    except Conflict:
        return [message]  # somebody else moved the video on; look again
    except Exception as error:
        if isinstance(error, NotFound) and unfinished(app, video.id) is None:
            return []  # deleted, failed or finished meanwhile
        blame(app, message, error)
        if not isinstance(error, MediaError):
            raise
        fail(app, video.id, error.code, error.message)
        return []


def bury(app: App, body: bytes, message_id: str = "") -> None:
    """Fails the video of a message from a poison queue. What is no message of ours is logged once, without its content,
    and is over with that: this returns, so that the host deletes it.
    """
    try:
        message = Message.model_validate_json(body)
    except ValidationError:
        log.error("a poison message is none of ours", extra={"message_id": message_id, "bytes": len(body)})  # noqa: TRY400 - the exception quotes the message
        return
    fields: dict[str, Fact] = {"video_id": str(message.video_id), "step": message.step}
    with app.telemetry.span("give up", fields, message.trace):
        log.error("step failed for good", extra=fields)
        give_up(app, message)
