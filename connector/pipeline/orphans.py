"""Removes what belongs to no video: an upload that came after a deletion, or the rest of an interrupted clean-up.

A row is made first and removed last, and its deletion is noted. So nothing should ever be stored for a video that has
neither a row nor this note. If it is, the row was lost, such as by restoring the table to an earlier time. This is
reported at once, and removed only when it was first seen a week ago, and only a few at a time.

Ids begin with the time of their creation. Each run looks at the ids of a few hours, in turn, so its work does not
depend on the number of videos.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from connector.domain.absence import Absence
from connector.domain.layout import CONTAINER_PREFIXES, work_container
from connector.domain.video import State, Video
from connector.errors import NotFound, StorageError
from connector.pipeline.active import remove_all, remove_leftovers
from connector.pipeline.context import Pipeline
from connector.pipeline.delete import delete
from connector.pipeline.measures import record_orphans

log = logging.getLogger(__name__)

AGE = timedelta(hours=1)
"""Age below which a video without a row is left alone."""
EVERY = 10
"""Minutes between two searches. A search costs a dozen calls, so it is not made at every run of the timer."""
KEPT = timedelta(days=7)
"""Time for which what belongs to a lost row is kept, from when it was first seen, so that the row can be restored."""
FORGOTTEN = timedelta(days=30)
"""Time after which a deletion is forgotten. Upload URLs and messages of the video have long ended then."""
FEW, SHARE = 5, 0.1
"""Most lost rows of one search that are taken for accidents: so many, or this share of the videos that it looks at."""

_DIGITS = 6
"""Number of digits that all ids of one window share. A window is 4.7 hours long (RFC 9562 section 5.7)."""
_CYCLES = (40, 10_000)
"""Lengths of two cycles, in windows: nearly eight days, which come round every seven hours, because most orphans are
young, and those that are kept for a week must come round once more; and five years.
"""


@dataclass
class _Stored:
    """What is stored for one video, its row and its tasks apart."""

    containers: set[str] = field(default_factory=set)
    keys: list[UUID] = field(default_factory=list)


def remove_orphans(app: Pipeline, moment: datetime) -> None:
    """Removes the orphans of the windows whose turn it is. Raises StorageError."""
    if _minutes(moment) % EVERY:
        return
    for window in windows(moment):
        _tidy_window(app, window)


def windows(moment: datetime) -> list[str]:
    """Returns the first digits of the ids to look at now: one window of each cycle."""
    newest = int((moment - AGE).timestamp() * 1000) >> 48 - 4 * _DIGITS
    turn = _minutes(moment) // EVERY
    return sorted({f"{newest - (newest - turn) % cycle:0{_DIGITS}x}" for cycle in _CYCLES})


def _minutes(moment: datetime) -> int:
    return int(moment.timestamp() // 60)


def _tidy_window(app: Pipeline, window: str) -> None:
    stored = {video_id: found for video_id, found in _owners(app, window).items() if _is_old(app, video_id)}
    orphans: set[UUID] = set()
    for video_id in sorted(stored):
        try:
            video = app.storage.videos.get(video_id)
        except NotFound:
            orphans.add(video_id)
            continue
        with _apart(video_id):
            _tidy(app, video, stored[video_id].containers)
    # The notes are read last, because a deletion writes its note before it removes the row.
    absences = {absence.video_id: absence for absence in app.storage.videos.absences(window)}
    removable = _removable(app, orphans, absences, len(stored))
    for video_id in sorted(removable):
        with _apart(video_id):
            log.warning("orphans are removed", extra={"video_id": str(video_id)})
            for key in stored[video_id].keys:
                app.storage.keys.delete(key)
            remove_all(app, video_id)
    for absence in absences.values():
        if absence.video_id not in orphans and (not absence.deleted or _has_passed(app, absence, FORGOTTEN)):
            app.storage.videos.forget_absence(absence.video_id)


def _removable(app: Pipeline, orphans: set[UUID], absences: dict[UUID, Absence], videos: int) -> set[UUID]:
    """Returns the orphans that may go now. Reports and notes those whose row was lost. `videos` is the number of videos
    that something is stored for.
    """
    deleted = {video_id for video_id in orphans if video_id in absences and absences[video_id].deleted}
    lost = orphans - deleted
    for video_id in sorted(lost - absences.keys()):
        log.warning("the row of a video is missing", extra={"video_id": str(video_id)})
        app.storage.videos.note_absence(Absence(video_id, app.clock.now(), deleted=False))
    if lost:
        record_orphans(app, len(lost))
    if len(lost) > max(FEW, SHARE * videos):
        log.error("too many rows are missing: nothing is removed", extra={"missing": len(lost), "videos": videos})
        return deleted
    due = {video_id for video_id in lost & absences.keys() if _has_passed(app, absences[video_id], KEPT)}
    return deleted | due


def _has_passed(app: Pipeline, absence: Absence, time: timedelta) -> bool:
    return app.clock.now() - absence.since >= time


def _owners(app: Pipeline, window: str) -> dict[UUID, _Stored]:
    """Returns the videos that something is stored for, with what it is."""
    found: dict[UUID, _Stored] = {}
    blobs = app.storage.blobs
    for prefix in CONTAINER_PREFIXES:
        for name in blobs.container_names(prefix + window):
            if (video_id := _id(name.removeprefix(prefix))) is not None:
                found.setdefault(video_id, _Stored()).containers.add(name)
    for folder in blobs.upload_folders(window):
        if (video_id := _id(folder)) is not None:
            found.setdefault(video_id, _Stored())
    for video_id in app.storage.tasks.videos(window):
        found.setdefault(video_id, _Stored())
    for key in app.storage.keys.named(window):  # a key's id is made with that of its video
        found.setdefault(key.video_id, _Stored()).keys.append(key.id)
    return found


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None  # not a name of ours


def _is_old(app: Pipeline, video_id: UUID) -> bool:
    return datetime.fromtimestamp((video_id.int >> 80) / 1000, UTC) < app.clock.now() - AGE


@contextmanager
def _apart(video_id: UUID) -> Iterator[None]:
    """Keeps trouble with one video from the others."""
    try:
        yield
    except StorageError:
        log.exception("a video could not be tidied", extra={"video_id": str(video_id)})


def _tidy(app: Pipeline, video: Video, containers: set[str]) -> None:
    if video.deleted:
        with suppress(NotFound):  # somebody else has just deleted it
            delete(app, video.id)
    elif work_container(video.id) in containers or (containers and video.state is State.FAILED):
        remove_leftovers(app, video.id)
