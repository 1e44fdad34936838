"""Counts what pictures on demand use, in a row of their own beside the video's tasks, and limits their number.

They come after the video is finished, so they are no part of what it took to make it, which is final. With a row of
their own, the version of the video's row stays as it is.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from connector.domain.usage import OnDemand, Usage
from connector.errors import NotFound, RowChanged, StorageError, TooManyPictures
from connector.pipeline.context import Pipeline

log = logging.getLogger(__name__)

LOOKS = 20
"""Attempts to save the row. Each one that fails means that another call has saved it."""


def admit_picture(app: Pipeline, video_id: UUID) -> None:
    """Raises TooManyPictures when as many were made for the video as may be.

    Calls at the same time may all be admitted, so there may be more: as many as are made at once.
    """
    most = app.options.max_pictures
    if most and app.storage.tasks.on_demand(video_id).usage.executions >= most:
        raise TooManyPictures(f"The video has {most} pictures on demand, which is the most that are made.")


def count_picture(app: Pipeline, video_id: UUID, took: timedelta, size: int | None) -> None:
    """Counts a picture, or an attempt without one (`size` None). `size` is in bytes.

    Trouble with storage is logged only: it takes no picture from a viewer.
    """

    def more(used: Usage) -> Usage:
        used = used.ran(took)
        return used if size is None else replace(used, writes=used.writes + 1, size=used.size + size)

    try:
        _change(app, video_id, more)
    except StorageError:
        log.warning("a picture on demand was not counted", exc_info=True, extra={"video_id": str(video_id)})


def _change(app: Pipeline, video_id: UUID, change: Callable[[Usage], Usage]) -> None:
    """Saves what `change` makes of the usage. Raises RowChanged after `LOOKS` attempts, StorageError."""
    for _ in range(LOOKS):
        found = app.storage.tasks.on_demand(video_id)
        try:
            app.storage.tasks.put_on_demand(video_id, OnDemand(change(found.usage), found.etag))
        except RowChanged:
            continue
        except NotFound:
            pass  # the video was deleted
        return
    raise RowChanged("The row was changed by others each time that it was to be saved.")
