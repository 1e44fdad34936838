"""Defines the jobs of a media child process. A job holds all that it needs, its result all that it made.

A job names no storage: the child reads files by number and writes to areas and names. The parent does both for it.
"""

import math
from fractions import Fraction
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from connector.domain.layout import ImageFormat
from connector.domain.limits import JobLimits, SourceLimits
from connector.domain.media_info import MediaInfo
from connector.domain.plan import Plan, Size
from connector.domain.task import EncodeOutput, SplitOutput, StoryboardOutput
from connector.domain.types import Model, Ratio

Area = Literal["output", "work", "stills", "block"]
"""Place of a written blob: the video's output container, its private work container, the container of its stills, or a
block of the progressive file.
"""

R = TypeVar("R", bound=Model)


SPARE = 64 * 1024 * 1024
"""Bytes that any job may write beside its media: file heads, stills and tables."""
DAY = Fraction(24 * 60 * 60)


class Job(Model, Generic[R]):
    """Describes a job whose result is of the type `R`."""

    limits: JobLimits

    @property
    def result_type(self) -> type[R]:
        raise NotImplementedError

    @property
    def most_output(self) -> int:
        """The most bytes that the job may write: far more than a correct job does, so that a runaway one is stopped."""
        return SPARE


class ProbeJob(Job[MediaInfo]):
    """Finds out what a source is."""

    kind: Literal["probe"] = "probe"
    accepted: SourceLimits

    @property
    def result_type(self) -> type[MediaInfo]:
        return MediaInfo


class SplitJob(Job[SplitOutput]):
    """Cuts a source without a reliable index into pieces that start at keyframes."""

    kind: Literal["split"] = "split"
    stream: int
    """Index of the video stream."""
    piece_seconds: float
    size: int
    """Size of the source in bytes."""

    @property
    def result_type(self) -> type[SplitOutput]:
        return SplitOutput

    @property
    def most_output(self) -> int:
        return SPARE + 2 * self.size


class ChunkJob(Job[EncodeOutput]):
    """Encodes one chunk of the plan, and makes its stills."""

    kind: Literal["chunk"] = "chunk"
    info: MediaInfo
    plan: Plan
    index: int
    """Index of the chunk in the plan."""
    preset: str
    """Preset of x264."""
    piece_starts: tuple[Ratio, ...] = ()
    """Source time in seconds of each piece's first keyframe. When there are any, the job's files are the pieces."""

    @property
    def result_type(self) -> type[EncodeOutput]:
        return EncodeOutput

    @property
    def most_output(self) -> int:
        chunk = self.plan.chunks[self.index]
        seconds = len(chunk.frames) / self.plan.frame_rate
        return SPARE + _bytes(seconds, sum(r.maxrate for r in self.plan.renditions_of(chunk)))


class AudioJob(Job[EncodeOutput]):
    """Encodes one audio track."""

    kind: Literal["audio"] = "audio"
    plan: Plan
    index: int
    """Index of the track in the plan."""
    segment_seconds: Ratio
    head_seconds: Ratio
    """Length of the first segment in seconds."""

    @property
    def result_type(self) -> type[EncodeOutput]:
        return EncodeOutput

    @property
    def most_output(self) -> int:
        # Without a picture that limits the sound, its length may become known only at its end.
        seconds = self.plan.duration if self.plan.frames else max(self.plan.duration, DAY)
        return SPARE + _bytes(seconds, self.plan.audio[self.index].bitrate)


class StoryboardJob(Job[StoryboardOutput]):
    """Combines the chunks' strips of tiles into the storyboard. The job's files are the strips."""

    kind: Literal["storyboard"] = "storyboard"
    plan: Plan
    tiles: tuple[int, ...]
    """Number of tiles in each strip."""

    @property
    def result_type(self) -> type[StoryboardOutput]:
        return StoryboardOutput


class StillOutput(Model):
    """Has no fields: the picture is all that a still job makes."""


class StillJob(Job[StillOutput]):
    """Draws one frame of a segment. The job's file is a rendition's init segment and this segment, unencrypted."""

    kind: Literal["still"] = "still"
    frame: int
    """Index of the frame in the segment."""
    size: Size
    form: ImageFormat
    name: str
    """Name of the picture's blob."""

    @property
    def result_type(self) -> type[StillOutput]:
        return StillOutput


def _bytes(seconds: Fraction, bitrate: int) -> int:
    """Returns four times the bytes of this bitrate: some segments are written twice, for the progressive file."""
    return math.ceil(4 * seconds * bitrate / 8)


AnyJob = Annotated[ProbeJob | SplitJob | ChunkJob | AudioJob | StoryboardJob | StillJob, Field(discriminator="kind")]
