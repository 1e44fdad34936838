"""Ends a video that cannot be published: its state becomes FAILED, with a reason that people can act on."""

from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from connector.domain.failures import media_error
from connector.domain.messages import Message
from connector.domain.step import Step
from connector.domain.task import Task
from connector.domain.video import FINAL, Failure, State, Video
from connector.errors import MediaError, NotFound
from connector.pipeline import measures
from connector.pipeline.active import remove_leftovers
from connector.pipeline.changes import change_video
from connector.pipeline.context import Pipeline

_DOING = {
    Step.PROBE: "reading the upload",
    Step.SPLIT: "reading the upload",
    Step.PACKAGE: "writing the manifests",
}


def fail(app: Pipeline, video_id: UUID, cause: MediaError) -> None:
    """Fails the video and removes what was encoded. The upload stays. Harmless for a finished or deleted video."""

    def failed(video: Video) -> Video | None:
        if video.state in FINAL:
            return None
        return replace(video.to(State.FAILED, app.clock.now()), failure=Failure(cause.code, cause.message))

    with suppress(NotFound):
        if change_video(app, video_id, failed).saved:
            measures.record_failed(app, cause.code)
    remove_leftovers(app, video_id)


def fail_after_retries(app: Pipeline, message: Message) -> None:
    """Fails the video of a message that failed as often as it may, with what is known of the cause."""
    task = app.storage.tasks.get(message.video_id, message.task)
    if task is not None and task.done and not task.error:
        return  # another delivery did the task; if its next message was lost, the timer sends it
    reason = _reason(task)
    doing = _DOING.get(message.step, f"encoding ({message.step} {message.index})")
    fail(app, message.video_id, media_error("ProcessingFailed", doing=doing, reason=reason))


def _reason(task: Task | None) -> str:
    if task is None:
        return "an internal error"
    # The text up to the colon is for people. The rest is for the log, such as the last lines of a process.
    return task.error.partition(":")[0].rstrip(".") or "the worker stopped in the middle of it"
