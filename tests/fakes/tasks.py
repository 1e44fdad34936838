"""`Tasks` in memory."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from threading import Lock
from uuid import UUID

from connector.domain.step import TaskId
from connector.domain.task import Task
from connector.errors import NotFound, RowChanged


class MemoryTasks:
    def __init__(self) -> None:
        self._rows: dict[tuple[UUID, TaskId], Task] = {}
        self._versions = count(1)
        self._lock = Lock()

    def get(self, video_id: UUID, task: TaskId) -> Task | None:
        return self._rows.get((video_id, task))

    def put(self, task: Task) -> Task:
        with self._lock:
            known = self._rows.get((task.video_id, task.id))
            if task.etag is not None and known is None:
                raise NotFound("No such task.")
            if (known.etag if known else None) != task.etag:
                raise RowChanged("The task exists, or was changed since it was read.")
            written = self._rows[task.video_id, task.id] = replace(task, etag=f'W/"{next(self._versions)}"')
            return written

    def of(self, video_id: UUID) -> list[Task]:
        with self._lock:
            return sorted((t for t in self._rows.values() if t.video_id == video_id), key=lambda t: t.id)

    def overview(self, video_id: UUID) -> list[Task]:
        return [replace(task, result=None, etag=None) for task in self.of(video_id)]

    def videos(self, prefix: str) -> Iterator[UUID]:
        with self._lock:
            found = {video_id for video_id, _ in self._rows}
        return iter(sorted(video_id for video_id in found if str(video_id).startswith(prefix)))

    def delete(self, video_id: UUID) -> None:
        with self._lock:
            self._rows = {key: task for key, task in self._rows.items() if key[0] != video_id}
