"""Describes a task, which is the encoding work of one message, and its result."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import Field

from connector.domain.step import TaskId
from connector.domain.types import Model, Ratio


class SegmentOutput(Model):
    """Describes a segment: `time` and `duration` in ticks, `size` and `keyframe` in bytes.

    `keyframe` reaches from the segment's beginning to the end of its first frame. A long video has many segments, so
    the JSON keys have one letter.
    """

    time: int = Field(alias="t")
    duration: int = Field(alias="d")
    size: int = Field(alias="s")
    keyframe: int = Field(0, alias="k")


class RenditionOutput(Model):
    """Describes what a task wrote of one rendition. `init` is the whole init segment in hex, equal in every chunk."""

    id: int
    init: str
    segments: tuple[SegmentOutput, ...]


class PosterOutput(Model):
    """Describes a candidate for the poster: the greater `score`, the better the picture."""

    time: float
    score: float
    name: str


class PieceOutput(Model):
    """Describes a piece of a source without index: blob name, and source time of its first keyframe in seconds."""

    name: str
    start: Ratio


class SplitOutput(Model):
    """Describes a source's pieces. `ends` says where each stream ends, in seconds on its clock, by stream index."""

    pieces: tuple[PieceOutput, ...]
    ends: dict[int, Ratio]


class EncodeOutput(Model):
    """Describes what a chunk or audio task wrote."""

    renditions: tuple[RenditionOutput, ...]
    poster: PosterOutput | None = None
    tiles: int = 0
    """Tiles in the strip that the chunk wrote for the storyboard."""
    damaged: int = 0
    """Pictures or sound frames that could not be decoded."""


class StoryboardOutput(Model):
    size: int
    """Size of the sprite in bytes."""


class TaskResult(Model):
    """Holds what a finished task left: exactly one of the two outputs."""

    encode: EncodeOutput | None = None
    split: SplitOutput | None = None


@dataclass(frozen=True)
class Task:
    """Represents one row of the Tasks table: the partition is the video, the row is `id`."""

    video_id: UUID
    id: TaskId
    attempts: int
    """Number of attempts that were begun; 0 for a step that keeps no count."""
    started: datetime
    heartbeat: datetime
    finished: datetime | None = None
    progress: float = 0.0
    """Share of the task that is done, 0 to 1."""
    worker: str = ""
    """Process that did the task, as host and process id, so that overlapping work can be seen."""
    error: str = ""
    """Reason of the last attempt's failure; empty when there was none."""
    result: TaskResult | None = None
    driven: datetime | None = None
    """Time when the timer last sent the task's message again."""
    etag: str | None = None
    """Version of the row that was read; None before the row is first saved."""

    @property
    def done(self) -> bool:
        return self.finished is not None
