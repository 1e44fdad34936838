"""A task: one message's worth of encoding, and what it left behind."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from connector.domain.types import Model


class SegmentOutput(Model):
    """`time` and `duration` in ticks; `size` and `keyframe` (moof to end of first frame) in bytes."""

    time: int
    duration: int
    size: int
    keyframe: tuple[int, int] = (0, 0)


class RenditionOutput(Model):
    """What a task wrote of one rendition. `init` is the whole init segment, hex: the same in every chunk."""

    id: int
    init: str
    segments: tuple[SegmentOutput, ...]


class StillOutput(Model):
    """A candidate for the poster: the greater `score`, the better the picture."""

    time: float
    score: float
    name: str


class TaskResult(Model):
    renditions: tuple[RenditionOutput, ...] = ()
    posters: tuple[StillOutput, ...] = ()
    cuts: tuple[tuple[str, str], ...] = ()
    """Of a split: (blob name, source time of its first keyframe as a fraction) of each piece."""


@dataclass(frozen=True)
class Task:
    """One row of the Tasks table: partition = video, row = `name`."""

    video_id: UUID
    name: str
    attempts: int
    started: datetime
    heartbeat: datetime
    finished: datetime | None = None
    progress: float = 0.0
    """Share of the task that is done, 0 to 1."""
    worker: str = ""
    """Which process did it: host and process id, so that overlap can be seen."""
    result: TaskResult | None = None

    @property
    def done(self) -> bool:
        return self.finished is not None
