"""Ends a video that cannot be published: its state becomes FAILED, with a reason that people can act on."""

from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from connector.domain.video import FINAL, Failure, State, Video
from connector.errors import MediaError, NotFound
from connector.pipeline import measures
from connector.pipeline.active import remove_leftovers
from connector.pipeline.changes import change_video
from connector.pipeline.context import Pipeline


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
