"""A queue message to its step, and what all steps have in common."""

import logging

from pydantic import ValidationError

from connector.domain.messages import Message
from connector.errors import Conflict, MediaError, NotFound
from connector.pipeline.app import App
from connector.pipeline.encode import encode
from connector.pipeline.fail import fail, give_up
from connector.pipeline.package import package
from connector.pipeline.probe import probe
from connector.pipeline.unfinished import unfinished

log = logging.getLogger(__name__)

_STEPS = {"probe": probe, "package": package, "chunk": encode, "audio": encode, "split": encode}


def run_step(app: App, message: Message) -> list[Message]:
    """Answers the messages that come next. What it raises makes the queue try again."""
    fields = {"video_id": str(message.video_id), "step": message.step, "task_index": message.index}
    log.info("step begins", extra=fields)
    following = _run(app, message)
    log.info("step ends", extra=fields)
    return following


def _run(app: App, message: Message) -> list[Message]:
    video = unfinished(app, message.video_id)
    if video is None:
        return []
    try:
        return _STEPS[message.step](app, video, message)
    except MediaError as error:
        fail(app, video.id, error.code, error.message)
        return []
    except Conflict:
        return [message]  # somebody else moved the video on; look again
    except NotFound:
        if unfinished(app, video.id) is None:
            return []  # deleted, failed or finished meanwhile
        raise


def bury(app: App, body: bytes) -> None:
    """A message from a poison queue: fails its video. One that is no message of ours is only logged."""
    try:
        message = Message.model_validate_json(body)
    except ValidationError:
        log.exception("a poison message is none of ours")
        return
    log.error("step failed for good", extra={"video_id": str(message.video_id), "step": message.step})
    give_up(app, message)
