"""Declares the ports of the three tables: what the pipeline and the API need of them. See `ports.py`."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from connector.domain.absence import Absence
from connector.domain.keys import StoredKey
from connector.domain.listing import VideoFilter, VideoPage
from connector.domain.step import TaskId
from connector.domain.task import Task
from connector.domain.usage import OnDemand
from connector.domain.video import State, Video


class Videos(Protocol):
    def create(self, video: Video) -> Video:
        """Inserts the video and returns it with its etag. Raises RowChanged when the id exists."""
        ...

    def get(self, video_id: UUID) -> Video:
        """Returns the video. Raises NotFound when there is none."""
        ...

    def save(self, video: Video) -> Video:
        """Replaces the row if it is still at `video.etag`, and returns the video with its new etag.

        Raises RowChanged when the row has changed since, NotFound when it is gone.
        """
        ...

    def delete(self, video_id: UUID) -> None:
        """Deletes the video's row, or does nothing when there is none."""
        ...

    def page(self, wanted: VideoFilter, after: UUID | None, top: int) -> VideoPage:
        """Returns up to `top` videos after `after` (None: from the newest), in a bounded number of requests.

        Pages neither skip nor repeat a video that exists throughout, whatever is created or deleted meanwhile.
        """
        ...

    def note_absence(self, absence: Absence) -> None:
        """Keeps a note on a video without a row, in place of an earlier one."""
        ...

    def absences(self, prefix: str) -> Iterator[Absence]:
        """Yields the notes on videos whose id is or begins with `prefix` (lower-case hexadecimal)."""
        ...

    def forget_absence(self, video_id: UUID) -> None:
        """Removes the note, or does nothing when there is none."""
        ...

    def in_states(
        self, states: Sequence[State], modified_before: datetime, created_after: datetime | None = None
    ) -> Iterator[Video]:
        """Yields every video in one of the states that was last modified before the given time, in no order.

        With `created_after` it reads only the rows of videos that were created since then; otherwise the whole table.
        """
        ...


class Tasks(Protocol):
    def get(self, video_id: UUID, task: TaskId) -> Task | None:
        """Returns the task's row with its result, or None when there is none."""
        ...

    def put(self, task: Task) -> Task:
        """Inserts the row, or replaces it if it is still at `task.etag`. Returns the row as it is then.

        Raises RowChanged when the row exists or has changed since, NotFound when it is gone, TooLarge when the result
        does not fit into a row.
        """
        ...

    def of(self, video_id: UUID) -> list[Task]:
        """Returns all of a video's tasks, sorted by id, with their results."""
        ...

    def overview(self, video_id: UUID) -> list[Task]:
        """Returns all of a video's tasks, sorted by id, without results and etags, which makes it cheap."""
        ...

    def on_demand(self, video_id: UUID) -> OnDemand:
        """Returns what pictures on demand of the video have used so far: nothing when there is no row."""
        ...

    def put_on_demand(self, video_id: UUID, used: OnDemand) -> None:
        """Inserts this row, or replaces it if it is still at `used.etag`.

        It is no task, and is deleted with them. Raises RowChanged when the row exists or has changed since, NotFound
        when it is gone.
        """
        ...

    def videos(self, prefix: str) -> Iterator[UUID]:
        """Yields every video that has a row and whose id begins with `prefix` (lower-case hexadecimal), once each."""
        ...

    def delete(self, video_id: UUID) -> None:
        """Deletes all of a video's tasks and its row of pictures on demand, or does nothing when there are none."""
        ...


class Keys(Protocol):
    def get(self, key_id: UUID) -> StoredKey:
        """Returns the key. Raises NotFound when there is none."""
        ...

    def put(self, key: StoredKey) -> None:
        """Inserts the row, or replaces it if it is still at `key.etag`. Raises RowChanged otherwise."""
        ...

    def all(self) -> Iterator[StoredKey]:
        """Yields every key, in no order."""
        ...

    def named(self, prefix: str) -> Iterator[StoredKey]:
        """Yields every key whose id begins with `prefix` (lower-case hexadecimal), without reading the others."""
        ...

    def delete(self, key_id: UUID) -> None:
        """Deletes the key, or does nothing when there is none."""
        ...
