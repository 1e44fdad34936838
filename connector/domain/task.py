"""A task: one message's worth of encoding, and what it left behind."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import Field

from connector.domain.types import Model, Ratio


class SegmentOutput(Model):
    """`time` and `duration` in ticks; `size`, and `keyframe` from the segment's begin to the end of its first frame, in
    bytes. One-letter keys: a long video has many.
    """

    time: int = Field(alias="t")
    duration: int = Field(alias="d")
    size: int = Field(alias="s")
    keyframe: int = Field(0, alias="k")


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


class PieceOutput(Model):
    """A piece of a source without index: blob name, and source time of its first keyframe in seconds."""

    name: str
    start: Ratio


class SplitOutput(Model):
    """`ends`: where each stream of the source ends, in seconds on its clock, by stream index."""

    pieces: tuple[PieceOutput, ...]
    ends: dict[int, Ratio]


class EncodeOutput(Model):
    """What a chunk or audio task wrote."""

    renditions: tuple[RenditionOutput, ...]
    poster: StillOutput | None = None
    tiles: int = 0
    """Tiles in the strip that the chunk wrote for the storyboard."""
    damaged: int = 0
    """Pictures or sound frames that could not be decoded."""


class StoryboardOutput(Model):
    size: int
    """Bytes of the sprite."""


class TaskResult(Model):
    """What a finished task left: exactly one of the two."""

    encode: EncodeOutput | None = None
    split: SplitOutput | None = None


@dataclass(frozen=True)
class Task:
    """One row of the Tasks table: partition = video, row = `name`."""

    video_id: UUID
    name: str
    attempts: int
    """How often it was begun; 0 for a step that keeps no count."""
    started: datetime
    heartbeat: datetime
    finished: datetime | None = None
    progress: float = 0.0
    """Share of the task that is done, 0 to 1."""
    worker: str = ""
    """Which process did it: host and process id, so that overlap can be seen."""
    error: str = ""
    """Why the last attempt failed; empty while nothing did."""
    result: TaskResult | None = None
    driven: datetime | None = None
    """When the timer last sent its message again."""
    etag: str | None = None
    """The version that was read; None before the row is first saved."""

    @property
    def done(self) -> bool:
        return self.finished is not None
