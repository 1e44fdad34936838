"""Deleting a video: all that was stored for it, and its row last, so that what a crash leaves can be deleted again."""

from dataclasses import replace
from uuid import UUID

from connector.domain.failures import SENTENCES
from connector.domain.video import DELETED, Failure, State, Video
from connector.errors import Conflict
from connector.pipeline.app import App, now
from connector.pipeline.keys import delete_keys
from connector.pipeline.unfinished import remove_all


def delete(app: App, video_id: UUID) -> None:
    """Raises NotFound when there is none. A step that is under way meanwhile cleans up behind itself."""
    video = _marked(app, video_id)
    remove_all(app, video_id)
    delete_keys(app, video)
    app.storage.videos.delete(video_id)


def _marked(app: App, video_id: UUID) -> Video:
    """The video, whose row says from now on that it cannot be played: soon its media is gone."""
    while True:
        video = app.storage.videos.get(video_id)
        if video.deleted:
            return video
        failure = Failure(DELETED, SENTENCES[DELETED])
        try:
            # No transition of the table: READY is final for everybody but its owner.
            return app.storage.videos.save(replace(video, state=State.FAILED, modified=now(), failure=failure))
        except Conflict:
            continue  # it moved on meanwhile; look again
