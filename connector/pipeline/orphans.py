"""Removes what belongs to no video: an upload that came after a deletion, or the rest of an interrupted clean-up.

The row of a video is made first and removed last, so what has no row is of no use. Ids begin with the time of their
creation. Each run looks at the ids of a few hours, in turn, so its work does not depend on the number of videos.
"""

import logging
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

from connector.domain.layout import CONTAINER_PREFIXES, work_container
from connector.domain.video import State
from connector.errors import NotFound
from connector.pipeline.active import remove_all, remove_leftovers
from connector.pipeline.context import Pipeline
from connector.pipeline.delete import delete

log = logging.getLogger(__name__)

AGE = timedelta(hours=1)
"""Age below which a video without a row is left alone."""
EVERY = 10
"""Minutes between two searches. A search costs a dozen calls, so it is not made at every run of the timer."""

_DIGITS = 6
"""Number of digits that all ids of one window share. A window is 4.7 hours long (RFC 9562 section 5.7)."""
_CYCLES = (40, 10_000)
"""Lengths of two cycles, in windows: a week, which comes round every few hours because most orphans are young, and five
years.
"""


def remove_orphans(app: Pipeline, moment: datetime) -> None:
    """Removes the orphans of the windows whose turn it is. Raises StorageError."""
    if _minutes(moment) % EVERY:
        return
    for window in windows(moment):
        keys = [key for key in app.storage.keys.all() if str(key.video_id).startswith(window)]
        found = _owners(app, window)
        for video_id in sorted({*found, *(key.video_id for key in keys)}):
            if _is_old(app, video_id):
                _tidy(app, video_id, found[video_id], [key.id for key in keys if key.video_id == video_id])


def windows(moment: datetime) -> list[str]:
    """Returns the first digits of the ids to look at now: one window of each cycle."""
    newest = int((moment - AGE).timestamp() * 1000) >> 48 - 4 * _DIGITS
    turn = _minutes(moment) // EVERY
    return sorted({f"{newest - (newest - turn) % cycle:0{_DIGITS}x}" for cycle in _CYCLES})


def _minutes(moment: datetime) -> int:
    return int(moment.timestamp() // 60)


def _owners(app: Pipeline, window: str) -> defaultdict[UUID, set[str]]:
    """Returns the containers of each video that something is stored for."""
    found: defaultdict[UUID, set[str]] = defaultdict(set)
    blobs = app.storage.blobs
    for prefix in CONTAINER_PREFIXES:
        for name in blobs.container_names(prefix + window):
            if (video_id := _id(name.removeprefix(prefix))) is not None:
                found[video_id].add(name)
    for folder in blobs.upload_folders(window):
        if (video_id := _id(folder)) is not None:
            found.setdefault(video_id, set())
    for video_id in app.storage.tasks.videos(window):
        found.setdefault(video_id, set())
    return found


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None  # not a name of ours


def _is_old(app: Pipeline, video_id: UUID) -> bool:
    return datetime.fromtimestamp((video_id.int >> 80) / 1000, UTC) < app.clock.now() - AGE


def _tidy(app: Pipeline, video_id: UUID, containers: set[str], keys: list[UUID]) -> None:
    try:
        video = app.storage.videos.get(video_id)
    except NotFound:
        log.warning("orphans are removed", extra={"video_id": str(video_id)})
        remove_all(app, video_id)
        for key in keys:
            app.storage.keys.delete(key)
        return
    if video.deleted:
        with suppress(NotFound):  # somebody else has just deleted it
            delete(app, video_id)
    elif work_container(video_id) in containers or (containers and video.state is State.FAILED):
        remove_leftovers(app, video_id)
