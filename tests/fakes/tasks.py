"""`Tasks` in memory."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from threading import Lock
from uuid import UUID

from connector.domain.step import TaskId
from connector.domain.task import Task
from connector.domain.usage import OnDemand
from connector.errors import NotFound, RowChanged


class MemoryTasks:
    def __init__(self) -> None:
        self._rows: dict[tuple[UUID, TaskId], Task] = {}
        self._on_demand: dict[UUID, OnDemand] = {}
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

    def on_demand(self, video_id: UUID) -> OnDemand:
        return self._on_demand.get(video_id, OnDemand())

    def put_on_demand(self, video_id: UUID, used: OnDemand) -> None:
        with self._lock:
            known = self._on_demand.get(video_id)
            if used.etag is not None and known is None:
                raise NotFound("No such row.")
            if (known.etag if known else None) != used.etag:
                raise RowChanged("The row exists, or was changed since it was read.")
            self._on_demand[video_id] = replace(used, etag=f'W/"{next(self._versions)}"')

    def videos(self, prefix: str) -> Iterator[UUID]:
        with self._lock:
            found = {video_id for video_id, _ in self._rows} | set(self._on_demand)
        return iter(sorted(video_id for video_id in found if str(video_id).startswith(prefix)))

    def delete(self, video_id: UUID) -> None:
        with self._lock:
            self._rows = {key: task for key, task in self._rows.items() if key[0] != video_id}
            self._on_demand.pop(video_id, None)
