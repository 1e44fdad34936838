"""The video that a step works on, and the removal of what a finished one does not need."""

import logging
from uuid import UUID

from connector.domain.layout import output_container, stills_container, work_container
from connector.domain.video import FINAL, State, Video
from connector.errors import NotFound
from connector.pipeline.context import Pipeline

log = logging.getLogger(__name__)


def load_active_video(app: Pipeline, video_id: UUID) -> Video | None:
    """Returns the video as it is now; None when it is READY, FAILED or deleted. Changes nothing."""
    video = _load(app, video_id)
    return None if video is None or video.state in FINAL else video


def remove_leftovers(app: Pipeline, video_id: UUID) -> None:
    """Removes what a video that is READY, FAILED or deleted does not need. Harmless for any other, and to repeat.

    A crash may have fallen between the last save and the clean-up, and a step that was under way may have written
    after it.
    """
    video = _load(app, video_id)
    # The deletion may have passed the container before something was written to it.
    if video.deleted if video else was_deleted(app, video_id):
        remove_all(app, video_id)
    elif video is None:
        log.warning("the row of a video is missing: nothing is removed", extra={"video_id": str(video_id)})
    elif video.state is State.FAILED:
        remove_output(app, video_id)
    elif video.state is State.READY:
        app.storage.blobs.delete_container(work_container(video_id))


def was_deleted(app: Pipeline, video_id: UUID) -> bool:
    """Whether a video without a row was deleted. Otherwise its row was lost, and nothing of it may be removed."""
    return any(absence.deleted for absence in app.storage.videos.absences(str(video_id)))


def _load(app: Pipeline, video_id: UUID) -> Video | None:
    try:
        return app.storage.videos.get(video_id)
    except NotFound:
        return None


def remove_output(app: Pipeline, video_id: UUID) -> None:
    """Removes everything that was made of the upload. Harmless when there is nothing."""
    for container in (output_container, work_container, stills_container):
        app.storage.blobs.delete_container(container(video_id))


def remove_all(app: Pipeline, video_id: UUID) -> None:
    """Removes everything that was made of the upload, the upload itself and the rows of the tasks."""
    remove_output(app, video_id)
    app.storage.blobs.delete_upload(video_id)
    app.storage.tasks.delete(video_id)
