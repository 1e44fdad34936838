"""What a media child process can be asked to do: all it needs is in the job, all it made is in its answer.

A job names no storage: the child reads files by number and writes areas and names; the parent carries them out.
"""

import math
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from connector.domain.layout import ImageFormat
from connector.domain.limits import SourceLimits
from connector.domain.media_info import MediaInfo
from connector.domain.plan import Plan, Size
from connector.domain.planner import chunk_range, chunk_renditions
from connector.domain.types import Model, Ratio

Area = Literal["output", "work", "stills", "block"]
"""Where a written blob goes: the video's output container, its private one, whichever of them holds its stills, or
a block of the progressive file."""


class Limits(Model):
    seconds: int
    memory: int
    """Bytes of address space."""
    threads: int


SPARE = 64 * 1024 * 1024
"""Bytes that any job may write beside its media: heads, stills, tables."""
DAY = Fraction(24 * 60 * 60)


class Job(Model):
    limits: Limits

    @property
    def most_output(self) -> int:
        """Bytes that the job may write in all: far more than an honest one does, so that a wild one is stopped."""
        return SPARE


class ProbeJob(Job):
    kind: Literal["probe"] = "probe"
    accepted: SourceLimits


class SplitJob(Job):
    """Cut a source without a trustworthy index into pieces that start at keyframes."""

    kind: Literal["split"] = "split"
    stream: int
    piece_seconds: float
    size: int
    """Bytes of the source."""

    @property
    def most_output(self) -> int:
        return SPARE + 2 * self.size


class ChunkJob(Job):
    kind: Literal["chunk"] = "chunk"
    info: MediaInfo
    plan: Plan
    index: int
    preset: str
    piece_starts: tuple[Ratio, ...] = ()
    """Source time of the first keyframe of each piece; the files are the pieces then."""

    @property
    def most_output(self) -> int:
        seconds = len(chunk_range(self.plan, self.index)) / self.plan.frame_rate
        return SPARE + _bytes(seconds, sum(r.maxrate for r in chunk_renditions(self.plan, self.index)))


class AudioJob(Job):
    kind: Literal["audio"] = "audio"
    plan: Plan
    index: int
    segment_seconds: Ratio
    head_seconds: Ratio
    """Length of the first segment."""

    @property
    def most_output(self) -> int:
        # How long sound lasts that no picture limits may only be known at its end.
        seconds = self.plan.duration if self.plan.frames else max(self.plan.duration, DAY)
        return SPARE + _bytes(seconds, self.plan.audio[self.index].bitrate)


class StoryboardJob(Job):
    """Put the chunks' strips of tiles together; the files are the strips."""

    kind: Literal["storyboard"] = "storyboard"
    plan: Plan
    tiles: tuple[int, ...]
    """Number of tiles in each strip."""


class StillJob(Job):
    """A picture of one frame of a segment; the file is a rendition's init segment and this segment, in the clear."""

    kind: Literal["still"] = "still"
    frame: int
    """Counted in the segment, from 0."""
    size: Size
    form: ImageFormat
    name: str
    """Of the picture's blob."""


def _bytes(seconds: Fraction, bitrate: int) -> int:
    """Four times what the bitrate says: some segments are written once more, for the progressive file."""
    return math.ceil(4 * seconds * bitrate / 8)


AnyJob = Annotated[ProbeJob | SplitJob | ChunkJob | AudioJob | StoryboardJob | StillJob, Field(discriminator="kind")]
