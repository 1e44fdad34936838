"""`Tasks` in memory."""

from dataclasses import replace
from threading import Lock
from uuid import UUID

from connector.domain.task import Task


class MemoryTasks:
    def __init__(self) -> None:
        self._rows: dict[tuple[UUID, str], Task] = {}
        self._lock = Lock()

    def get(self, video_id: UUID, name: str) -> Task | None:
        return self._rows.get((video_id, name))

    def put(self, task: Task) -> None:
        with self._lock:
            self._rows[task.video_id, task.name] = task

    def of(self, video_id: UUID) -> list[Task]:
        with self._lock:
            return sorted((t for t in self._rows.values() if t.video_id == video_id), key=lambda t: t.name)

    def overview(self, video_id: UUID) -> list[Task]:
        return [replace(task, result=None) for task in self.of(video_id)]

    def delete(self, video_id: UUID) -> None:
        with self._lock:
            self._rows = {key: task for key, task in self._rows.items() if key[0] != video_id}
