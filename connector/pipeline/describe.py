"""What a video's user says about it. Processing does not depend on it."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from connector.domain.video import About, Video
from connector.pipeline.app import App, now
from connector.pipeline.changes import change_video


def describe(app: App, video_id: UUID, about: About, check: Callable[[Video], None]) -> Video:
    """Replaces all of it. `check` sees the version that will be replaced and may raise. Raises NotFound."""

    def described(video: Video) -> Video:
        check(video)
        return replace(video, about=about, edited=now())

    return change_video(app, video_id, described).video
