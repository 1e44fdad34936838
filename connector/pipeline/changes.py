"""Changes to the row of a video. A change is made again to the newer row if somebody else saved it in between."""

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from connector.domain.video import Video
from connector.errors import RowChanged
from connector.pipeline.context import Pipeline

LOOKS = 20
"""Attempts before `RowChanged` is raised. A row is saved by others only a few times in its whole life."""


class Changed(NamedTuple):
    """A video as it is stored now, and whether this call saved it."""

    video: Video
    saved: bool


def change_video(
    app: Pipeline, video_id: UUID, change: Callable[[Video], Video | None], known: Video | None = None
) -> Changed:
    """Saves what `change` makes of the video. `change` returns None to leave the video as it is.

    It is called again, with the newer video, each time that somebody else saved the row first. A caller that has just
    read the video passes it as `known`, which spares a read. Raises NotFound without
    the video, RowChanged after `LOOKS` attempts, and whatever `change` raises.
    """
    for _ in range(LOOKS):
        video = known or app.storage.videos.get(video_id)
        known = None
        changed = change(video)
        if changed is None:
            return Changed(video, saved=False)
        try:
            return Changed(app.storage.videos.save(changed), saved=True)
        except RowChanged:
            continue
    raise RowChanged("The video's row was changed by others each time that it was to be saved.")
