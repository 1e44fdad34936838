"""The video that a step works on, if there is still something to do for it."""

from uuid import UUID

from connector.domain.layout import output_container, stills_container, work_container
from connector.domain.video import State, Video
from connector.errors import NotFound
from connector.pipeline.app import App


def unfinished(app: App, video_id: UUID) -> Video | None:
    """The video as it is now; None when it is READY, FAILED or deleted.

    Then everything goes that nobody needs any more: a crash may have fallen between the last save and the clean-up, and
    a step that was under way may have written behind it.
    """
    try:
        video = app.storage.videos.get(video_id)
    except NotFound:
        remove_all(app, video_id)
        return None
    match video.state:
        case State.FAILED if video.deleted:
            remove_all(app, video_id)  # whoever deletes it may be past what was written since
        case State.FAILED:
            remove_output(app, video_id)
        case State.READY:
            app.storage.blobs.delete_container(work_container(video_id))
        case _:
            return video
    return None


def remove_output(app: App, video_id: UUID) -> None:
    """All that was made of the upload. Harmless when there is nothing."""
    for container in (output_container, work_container, stills_container):
        app.storage.blobs.delete_container(container(video_id))


def remove_all(app: App, video_id: UUID) -> None:
    """Likewise the upload and the rows of the tasks."""
    remove_output(app, video_id)
    app.storage.blobs.delete_upload(video_id)
    app.storage.tasks.delete(video_id)
