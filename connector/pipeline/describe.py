"""What a video's user says about it. Processing does not depend on it."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from connector.domain.video import About, Video
from connector.errors import Conflict
from connector.pipeline.app import App, now


def describe(app: App, video_id: UUID, about: About, check: Callable[[Video], None]) -> Video:
    """Replaces all of it. `check` sees the version that will be replaced and may raise. Raises NotFound."""
    while True:
        video = app.storage.videos.get(video_id)
        check(video)
        try:
            return app.storage.videos.save(replace(video, about=about, edited=now()))
        except Conflict:
            continue  # somebody else changed it; look again
