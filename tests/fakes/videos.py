"""`Videos` in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count
from threading import Lock
from uuid import UUID

from connector.domain.absence import Absence
from connector.domain.listing import VideoFilter, VideoPage
from connector.domain.video import State, Video
from connector.errors import NotFound, RowChanged, StorageUnavailable


class MemoryVideos:
    def __init__(self) -> None:
        self._rows: dict[UUID, Video] = {}
        self._absences: dict[UUID, Absence] = {}
        self._versions = count(1)
        self._lock = Lock()
        self.table_exists = True

    def create(self, video: Video) -> Video:
        self._check_table()
        with self._lock:
            if video.id in self._rows:
                raise RowChanged("The video exists.")
            return self._write(video)

    def get(self, video_id: UUID) -> Video:
        self._check_table()
        try:
            return self._rows[video_id]
        except KeyError:
            raise NotFound("No such video.") from None

    def save(self, video: Video) -> Video:
        self._check_table()
        with self._lock:
            if video.etag is None or video.id not in self._rows:
                raise NotFound("No such video.")
            if self._rows[video.id].etag != video.etag:
                raise RowChanged("The video was changed since it was read.")
            return self._write(video)

    def delete(self, video_id: UUID) -> None:
        with self._lock:
            self._rows.pop(video_id, None)

    def note_absence(self, absence: Absence) -> None:
        self._check_table()
        self._absences[absence.video_id] = absence

    def absences(self, prefix: str) -> Iterator[Absence]:
        self._check_table()
        return iter([found for found in list(self._absences.values()) if str(found.video_id).startswith(prefix)])

    def forget_absence(self, video_id: UUID) -> None:
        self._check_table()
        self._absences.pop(video_id, None)

    def page(self, wanted: VideoFilter, after: UUID | None, top: int) -> VideoPage:
        self._check_table()
        below = after.int if after else 1 << 128
        found = sorted((v for v in list(self._rows.values()) if v.id.int < below), key=lambda v: v.id.int, reverse=True)
        matching = [v for v in found if wanted.takes(v.state, v.file_name, v.about.tags)]
        return VideoPage(tuple(matching[:top]), matching[top - 1].id if len(matching) > top else None)

    def in_states(
        self, states: Sequence[State], modified_before: datetime, created_after: datetime | None = None
    ) -> Iterator[Video]:
        self._check_table()
        found = (v for v in list(self._rows.values()) if v.state in states and v.modified < modified_before)
        oldest = int(created_after.timestamp() * 1000) if created_after else 0
        return (v for v in found if v.id.int >> 80 >= oldest)

    def _check_table(self) -> None:
        if not self.table_exists:
            raise StorageUnavailable("Storage answered 404 TableNotFound.")

    def _write(self, video: Video) -> Video:
        saved = replace(video, etag=f'W/"{next(self._versions)}"')
        self._rows[video.id] = saved
        return saved
