"""The end of a video that cannot be published: FAILED, with a reason that people can act on."""

from dataclasses import replace
from uuid import UUID

from connector.domain.layout import output_container, work_container
from connector.domain.messages import Message
from connector.domain.video import FINAL, Failure, State
from connector.errors import Conflict, NotFound
from connector.pipeline.app import App, now


def fail(app: App, video_id: UUID, code: str, message: str) -> None:
    """Harmless for a video that is finished or gone. What was encoded so far is removed, the upload stays."""
    while True:
        try:
            video = app.storage.videos.get(video_id)
            if video.state in FINAL:
                return
            app.storage.videos.save(replace(video.to(State.FAILED, now()), failure=Failure(code, message)))
            break
        except Conflict:
            continue
        except NotFound:
            return
    app.storage.blobs.delete_container(output_container(video_id))
    app.storage.blobs.delete_container(work_container(video_id))


def give_up(app: App, message: Message) -> None:
    """A message failed as often as it may: its video fails, with what is known of the cause."""
    task = app.storage.tasks.get(message.video_id, message.task)
    reason = task.error if task and task.error else "an internal error"
    what = {"probe": "reading the upload", "split": "reading the upload", "package": "writing the manifests"}
    doing = what.get(message.step, f"encoding ({message.step} {message.index})")
    fail(
        app,
        message.video_id,
        "ProcessingFailed",
        f"Processing was tried several times and failed while {doing}: {reason}.",
    )
