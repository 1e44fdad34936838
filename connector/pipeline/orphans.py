"""What belongs to no video any more: an upload that came after a deletion, the rest of a clean-up that broke off.

A video's row is made first and removed last, so whatever has no row is of no use. Ids begin with the time of their
creation; each run looks at those of a few hours, in turn, so that its work does not grow with the number of videos.
"""

import logging
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

from connector.domain.layout import output_container, stills_container, work_container
from connector.domain.video import State
from connector.errors import NotFound
from connector.pipeline.active import remove_all, remove_leftovers
from connector.pipeline.app import App, now
from connector.pipeline.delete import delete

log = logging.getLogger(__name__)

AGE = timedelta(hours=1)
"""Younger ones are left alone."""
EVERY = 10
"""Minutes: a look costs a dozen calls, so it is not taken at every run of the timer."""

_DIGITS = 6
"""Ids that begin with the same ones are of a window of 4.7 hours (RFC 9562 section 5.7)."""
_CYCLES = (40, 10_000)
"""Windows of the last week, which come round every few hours, for most is left by young videos; and of five years."""


def remove_orphans(app: App, moment: datetime) -> None:
    """Those in the windows whose turn it is. Raises StorageError."""
    if _minutes(moment) % EVERY:
        return
    for window in windows(moment):
        keys = [key for key in app.storage.keys.all() if str(key.video_id).startswith(window)]
        found = _owners(app, window)
        for video_id in sorted({*found, *(key.video_id for key in keys)}):
            if _is_old(video_id):
                _tidy(app, video_id, found[video_id], [key.id for key in keys if key.video_id == video_id])


def windows(moment: datetime) -> list[str]:
    """First digits of the ids to look at now: one window of each cycle."""
    newest = int((moment - AGE).timestamp() * 1000) >> 48 - 4 * _DIGITS
    turn = _minutes(moment) // EVERY
    return sorted({f"{newest - (newest - turn) % cycle:0{_DIGITS}x}" for cycle in _CYCLES})


def _minutes(moment: datetime) -> int:
    return int(moment.timestamp() // 60)


def _owners(app: App, window: str) -> defaultdict[UUID, set[str]]:
    """The containers of each video that something is stored for."""
    found: defaultdict[UUID, set[str]] = defaultdict(set)
    blobs = app.storage.blobs
    for container in (output_container, work_container, stills_container):
        kind = container(UUID(int=0)).partition("-")[0] + "-"
        for name in blobs.container_names(kind + window):
            if (video_id := _id(name.removeprefix(kind))) is not None:
                found[video_id].add(name)
    for folder in blobs.upload_folders(window):
        if (video_id := _id(folder)) is not None:
            found[video_id].update()
    for video_id in app.storage.tasks.videos(window):
        found[video_id].update()
    return found


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None  # none of ours


def _is_old(video_id: UUID) -> bool:
    return datetime.fromtimestamp((video_id.int >> 80) / 1000, UTC) < now() - AGE


def _tidy(app: App, video_id: UUID, containers: set[str], keys: list[UUID]) -> None:
    try:
        video = app.storage.videos.get(video_id)
    except NotFound:
        log.warning("orphans are removed", extra={"video_id": str(video_id)})
        remove_all(app, video_id)
        for key in keys:
            app.storage.keys.delete(key)
        return
    if video.deleted:
        with suppress(NotFound):  # somebody else was quicker
            delete(app, video_id)
    elif work_container(video_id) in containers or (containers and video.state is State.FAILED):
        remove_leftovers(app, video_id)
