"""Changes to a video's row: made to the row as it is now, and made again if somebody else saved it meanwhile."""

from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from connector.domain.video import Video
from connector.errors import RowChanged
from connector.pipeline.app import App

LOOKS = 20
"""How often a row is read and changed before `RowChanged` is raised: others save it a few times in its whole life."""


class Changed(NamedTuple):
    """The video as it is stored now, and whether this call saved it."""

    video: Video
    saved: bool


def change_video(app: App, video_id: UUID, change: Callable[[Video], Video | None]) -> Changed:
    """Saves what `change` makes of the video. `change` answers None to leave the video as it is.

    It is called again, with the newer video, each time that somebody else saved the row first. Raises NotFound without
    the video, RowChanged after `LOOKS` attempts, and whatever `change` raises.
    """
    for _ in range(LOOKS):
        video = app.storage.videos.get(video_id)
        changed = change(video)
        if changed is None:
            return Changed(video, saved=False)
        try:
            return Changed(app.storage.videos.save(changed), saved=True)
        except RowChanged:
            continue
    raise RowChanged("The video's row was changed by others each time that it was to be saved.")
