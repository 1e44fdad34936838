"""Runs the step that a queue message asks for. What all steps have in common is here: spans, retries, failures."""

import logging
from contextlib import suppress

from pydantic import ValidationError

from connector.domain.failures import media_error
from connector.domain.messages import Message
from connector.domain.step import Step
from connector.domain.video import Video
from connector.errors import MediaError, NotFound, RowChanged, StorageRefused, TaskLost
from connector.pipeline.active import load_active_video, remove_leftovers
from connector.pipeline.attempts import fail_or_wait, leave_to_timer, record_failure
from connector.pipeline.context import Pipeline
from connector.pipeline.encode import encode
from connector.pipeline.fail import fail
from connector.pipeline.package import package
from connector.pipeline.probe import probe
from connector.telemetry import Fact

log = logging.getLogger(__name__)

LOOKS = 5
"""How often one delivery of a message runs its step, while others keep changing the video's row."""
_STEPS = {
    Step.PROBE: probe,
    Step.SPLIT: encode,
    Step.CHUNK: encode,
    Step.AUDIO: encode,
    Step.PACKAGE: package,
}


def run_step(app: Pipeline, message: Message) -> list[Message]:
    """Runs the step and returns the messages that come next. When it raises, the queue tries again."""
    video = load_active_video(app, message.video_id)
    if video is None:
        remove_leftovers(app, message.video_id)
        return []
    fields: dict[str, Fact] = {"video_id": str(video.id), "step": message.step, "task_index": message.index}
    # Messages of the sweep carry no trace, but the video's row does.
    with app.telemetry.span(message.step, fields, message.trace or video.trace):
        log.info("step begins", extra=fields)
        following = _run(app, video, message)
        log.info("step ends", extra=fields)
        trace = app.telemetry.traceparent()
    return [m.model_copy(update={"trace": trace}) for m in following]


def _run(app: Pipeline, video: Video, message: Message) -> list[Message]:
    try:
        return _tried(app, video, message)
    except Exception as error:
        if isinstance(error, NotFound) and load_active_video(app, video.id) is None:
            remove_leftovers(app, video.id)  # it was deleted, failed or finished meanwhile
            return []
        if isinstance(error, TaskLost):
            if leave_to_timer(app, message, error):
                return []
            raise
        record_failure(app, message, error)
        if (final := _final(error)) is None:
            raise
        fail(app, video.id, final)
        return []


def _tried(app: Pipeline, video: Video, message: Message) -> list[Message]:
    """Runs the step, and again when somebody else moved the video on, a few times."""
    current: Video | None = video
    for _ in range(LOOKS):
        if current is None:
            remove_leftovers(app, video.id)
            return []
        with suppress(RowChanged):
            return _STEPS[message.step](app, current, message)
        current = load_active_video(app, video.id)
    raise RowChanged("The video was changed by others each time that the step was to be ended.")


def _final(error: Exception) -> MediaError | None:
    """Returns the failure with which the video ends at once; None when another try may succeed."""
    if isinstance(error, StorageRefused):
        log.error("storage refuses what a video needs", extra={"code": error.code}, exc_info=error)
        return media_error("StorageRefused", reason=str(error).removesuffix("."))
    return error if isinstance(error, MediaError) else None


def handle_poison(app: Pipeline, body: bytes, message_id: str = "") -> None:
    """Ends a message from a poison queue: its video fails, or its task waits for the timer.

    A message that is not one of ours is logged once, without its content. This returns then, so that the host deletes
    it.
    """
    try:
        message = Message.model_validate_json(body)
    except ValidationError:
        log.error("a poison message is not one of ours", extra={"message_id": message_id, "bytes": len(body)})  # noqa: TRY400 - the exception quotes the message
        return
    fields: dict[str, Fact] = {"video_id": str(message.video_id), "step": message.step}
    with app.telemetry.span("give up", fields, message.trace):
        log.error("a message was delivered as often as it may be", extra=fields)
        fail_or_wait(app, message)
