"""Deleting a video: all that was stored for it, and its row last, so that what a crash leaves can be deleted again."""

from dataclasses import replace
from uuid import UUID

from connector.domain.failures import SENTENCES
from connector.domain.video import DELETED, Failure, State, Video
from connector.pipeline.active import remove_all
from connector.pipeline.app import App, now
from connector.pipeline.changes import change_video
from connector.pipeline.keys import delete_keys


def delete(app: App, video_id: UUID) -> None:
    """Raises NotFound when there is none. A step that is under way meanwhile cleans up behind itself."""
    video = change_video(app, video_id, _deleted).video
    remove_all(app, video_id)
    delete_keys(app, video)
    app.storage.videos.delete(video_id)


def _deleted(video: Video) -> Video | None:
    """The video, which cannot be played from now on: soon its media is gone."""
    if video.deleted:
        return None
    # No transition of the table: READY is final for everybody but its owner.
    return replace(video, state=State.FAILED, modified=now(), failure=Failure(DELETED, SENTENCES[DELETED]))
