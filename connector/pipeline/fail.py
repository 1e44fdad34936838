"""The end of a video that cannot be published: FAILED, with a reason that people can act on."""

from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from connector.domain.failures import SENTENCES
from connector.domain.messages import Message
from connector.domain.task import Task
from connector.domain.video import FINAL, Failure, State, Video
from connector.errors import NotFound
from connector.pipeline import measures
from connector.pipeline.active import remove_leftovers
from connector.pipeline.app import App, now
from connector.pipeline.changes import change_video

_DOING = {"probe": "reading the upload", "split": "reading the upload", "package": "writing the manifests"}


def fail(app: App, video_id: UUID, code: str, message: str) -> None:
    """Harmless for a video that is finished or gone. What was encoded so far is removed, the upload stays."""

    def failed(video: Video) -> Video | None:
        if video.state in FINAL:
            return None
        return replace(video.to(State.FAILED, now()), failure=Failure(code, message))

    with suppress(NotFound):
        if change_video(app, video_id, failed).saved:
            measures.failed(app, code)
    remove_leftovers(app, video_id)


def give_up(app: App, message: Message) -> None:
    """A message failed as often as it may: its video fails, with what is known of the cause."""
    task = app.storage.tasks.get(message.video_id, message.task)
    if task is not None and task.done and not task.error:
        return  # a twin of the message did it; if nobody sent what comes next, the timer does
    reason = _reason(task)
    doing = _DOING.get(message.step, f"encoding ({message.step} {message.index})")
    fail(
        app,
        message.video_id,
        "ProcessingFailed",
        SENTENCES["ProcessingFailed"].format(doing=doing, reason=reason),
    )


def _reason(task: Task | None) -> str:
    if task is None:
        return "an internal error"
    # Up to the colon errors speak to people; what follows is for the log, such as the last words of a process.
    return task.error.partition(":")[0].rstrip(".") or "the worker stopped in the middle of it"
