"""Title, description, tags and metadata of a video. Processing does not depend on them."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from connector.domain.video import About, Video
from connector.pipeline.changes import change_video
from connector.pipeline.context import Pipeline


def describe(app: Pipeline, video_id: UUID, about: About, check: Callable[[Video], None]) -> Video:
    """Replaces all four of them and returns the video as saved.

    `check` sees the version that will be replaced and may raise. Raises NotFound.
    """

    def described(video: Video) -> Video:
        check(video)
        return replace(video, about=about, edited=app.clock.now())

    return change_video(app, video_id, described).video
