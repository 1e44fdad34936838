"""Describes a task, which is the encoding work of one message, and its result."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field

from connector.domain.step import TaskId
from connector.domain.types import Model, Positive, Ratio, Share, Whole

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=30)
"""Pauses after losses, from the first to the longest. Each is three times as long as the one before."""


class SegmentOutput(Model):
    """Describes a segment: `time` and `duration` in ticks, `size` and `keyframe` in bytes.

    `keyframe` reaches from the segment's beginning to the end of its first frame. A long video has many segments, so
    the JSON keys have one letter.
    """

    time: Whole = Field(alias="t")
    duration: Positive = Field(alias="d")
    size: Positive = Field(alias="s")
    keyframe: Whole = Field(0, alias="k")


class RenditionOutput(Model):
    """Describes what a task wrote of one rendition. `init` is the whole init segment in hex, equal in every chunk."""

    id: Whole
    init: Annotated[str, Field(pattern=r"^([0-9a-f]{2})*$", max_length=1 << 16)]
    segments: tuple[SegmentOutput, ...]


class PosterOutput(Model, extra="ignore"):
    """Describes a chunk's candidate for the poster: the greater `score`, the better the picture.

    Rows of version 0.2 and before also hold the blob's name, which follows from the chunk's number.
    """

    time: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    score: Share


class PieceOutput(Model, extra="ignore"):
    """Describes a piece of a source without index: the source time of its first keyframe in seconds.

    Rows of version 0.2 and before also hold the blob's name, which follows from the piece's number.
    """

    start: Ratio


class SplitOutput(Model):
    """Describes a source's pieces. `ends` says where each stream ends, in seconds on its clock, by stream index."""

    pieces: tuple[PieceOutput, ...]
    ends: dict[Whole, Ratio]


class EncodeOutput(Model):
    """Describes what a chunk or audio task wrote."""

    renditions: tuple[RenditionOutput, ...]
    poster: PosterOutput | None = None
    tiles: Whole = 0
    """Tiles in the strip that the chunk wrote for the storyboard."""
    damaged: Whole = 0
    """Pictures or sound frames that could not be decoded."""


class StoryboardOutput(Model):
    size: Positive
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
    """Time when the timer last sent the task's message again; None if an attempt was begun since."""
    failures: int = 0
    """Number of attempts that ended with an error."""
    code: str = ""
    """Code that the video fails with after the last of these attempts; empty when none has failed."""
    losses: int = 0
    """Number of times that an attempt, or all deliveries of a message, ended without saying how."""
    due: datetime | None = None
    """Time at which the timer sends the message again after a loss; None when nothing waits for the timer."""
    etag: str | None = None
    """Version of the row that was read; None before the row is first saved."""

    @property
    def done(self) -> bool:
        return self.finished is not None

    @property
    def was_at_work(self) -> bool:
        """Whether somebody was at work since the timer last sent the message. Only then can an attempt be lost."""
        return self.attempts > 0 and self.driven is None

    def waits(self, now: datetime) -> bool:
        """Whether the task waits for the timer, which sends its message when it is due."""
        return self.due is not None and now < self.due

    def lost(self, since: datetime) -> "Task":
        """Returns the task with one more loss, due after a pause from `since` on; unchanged if it waits already."""
        if self.due is not None:
            return self
        losses = self.losses + 1
        return replace(self, losses=losses, due=since + pause_after(losses))


def pause_after(losses: int) -> timedelta:
    """Returns how long a task waits after so many losses: ten attempts take two hours."""
    return min(FIRST_PAUSE * 3.0 ** min(losses - 1, 9), LONGEST_PAUSE)
