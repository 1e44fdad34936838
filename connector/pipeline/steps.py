"""A queue message to its step."""

import logging

from pydantic import ValidationError

from connector.domain.messages import Message
from connector.pipeline.app import App
from connector.pipeline.encode import encode
from connector.pipeline.fail import give_up
from connector.pipeline.package import package
from connector.pipeline.probe import probe

log = logging.getLogger(__name__)

_STEPS = {"probe": probe, "package": package, "chunk": encode, "audio": encode, "split": encode}


def run_step(app: App, message: Message) -> list[Message]:
    """Answers the messages that come next. What it raises makes the queue try again."""
    fields = {"video_id": str(message.video_id), "step": message.step, "task_index": message.index}
    log.info("step begins", extra=fields)
    following = _STEPS[message.step](app, message)
    log.info("step ends", extra=fields)
    return following


def bury(app: App, body: bytes) -> None:
    """A message from a poison queue: fails its video. One that is no message of ours is only logged."""
    try:
        message = Message.model_validate_json(body)
    except ValidationError:
        log.exception("a poison message is none of ours")
        return
    log.error("step failed for good", extra={"video_id": str(message.video_id), "step": message.step})
    give_up(app, message)
