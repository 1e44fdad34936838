"""Deletes a video: everything that was stored for it, then its row. After a crash the video can be deleted again."""

from dataclasses import replace
from functools import partial
from uuid import UUID

from connector.domain.absence import Absence
from connector.domain.failures import SENTENCES
from connector.domain.video import DELETED, Failure, State, Video
from connector.pipeline.active import remove_all
from connector.pipeline.changes import change_video
from connector.pipeline.context import Pipeline
from connector.pipeline.keys import delete_keys


def delete(app: Pipeline, video_id: UUID) -> None:
    """Deletes the video. A step that runs meanwhile cleans up after itself. Raises NotFound when there is no such
    video.
    """
    video = change_video(app, video_id, partial(_deleted, app)).video
    # The keys come first: without them nobody can play a protected video, even if its media cannot be removed.
    delete_keys(app, video)
    remove_all(app, video_id)
    # It says that whatever is written for this video later, such as by a step that is under way, may be removed.
    app.storage.videos.note_absence(Absence(video_id, app.clock.now(), deleted=True))
    app.storage.videos.delete(video_id)


def _deleted(app: Pipeline, video: Video) -> Video | None:
    """Returns the video as deleted: it cannot be played any more. None when it is marked so already."""
    if video.deleted:
        return None
    # The table of transitions has no such change, because READY is final for everybody but the video's owner.
    return replace(video, state=State.FAILED, modified=app.clock.now(), failure=Failure(DELETED, SENTENCES[DELETED]))
