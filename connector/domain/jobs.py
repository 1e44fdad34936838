"""Defines the jobs of a media child process. A job holds all that it needs, its result all that it made.

A job names no storage: the child reads files by number and writes blobs that it describes. The parent does both for it.
It trusts nothing that the child says, because hostile media may have taken the child over: `place` and `accepts` say
what can come from the job.
"""

import math
from fractions import Fraction
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import Field

from connector.domain import layout
from connector.domain.job_blobs import (
    BlockBlob,
    JobBlob,
    PictureBlob,
    PieceBlob,
    PosterCandidateBlob,
    SampleTablesBlob,
    SegmentBlob,
    StoryboardBlob,
    ThumbnailBlob,
    TileStripBlob,
)
from connector.domain.layout import TIMESCALE, ImageFormat
from connector.domain.limits import JobLimits, SourceLimits
from connector.domain.media_info import MediaInfo
from connector.domain.plan import Chunk, Plan, Size
from connector.domain.step import Step, TaskId
from connector.domain.task import EncodeOutput, RenditionOutput, SplitOutput, StoryboardOutput
from connector.domain.types import Model, Ratio

Area = Literal["output", "work", "stills", "block"]
"""Place of a written blob: the video's output container, its private work container, the container of its stills, or a
block of the progressive file.
"""
Place = tuple[Area, str]
"""Area and name of a written blob."""

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

    def place(self, blob: JobBlob) -> Place | None:  # noqa: ARG002 - the shape for all jobs
        """Returns where this blob is written; None when the job makes no such blob."""
        return None

    def accepts(self, result: R) -> bool:  # noqa: ARG002 - the shape for all jobs
        """Returns whether this can be the job's result, or what was finished of it while it ran."""
        return True


class ProbeJob(Job[MediaInfo]):
    """Finds out what a source is."""

    kind: Literal["probe"] = "probe"
    accepted: SourceLimits

    @property
    def result_type(self) -> type[MediaInfo]:
        return MediaInfo

    def accepts(self, result: MediaInfo) -> bool:
        video = result.video
        streams = [*((video,) if video else ()), *result.audio]
        return (
            bool(streams)
            and all(stream.start <= stream.end for stream in streams)
            and len(result.audio) <= self.accepted.tracks
            and (video is None or video.width * video.height <= self.accepted.pixels)
        )


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

    def place(self, blob: JobBlob) -> Place | None:
        return ("work", layout.piece(blob.number)) if isinstance(blob, PieceBlob) else None


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
        seconds = len(self._chunk.frames) / self.plan.frame_rate
        return SPARE + _bytes(seconds, sum(r.maxrate for r in self.plan.renditions_of(self._chunk)))

    def place(self, blob: JobBlob) -> Place | None:
        makes_progressive = self.plan.progressive in self._chunk.renditions
        makes_top = self.plan.makes_top(self._chunk)
        match blob:
            case SegmentBlob(rendition=rendition, time=time):
                planned = rendition in self._chunk.renditions and time in self._times()
                return ("output", layout.media_segment("video", rendition, time)) if planned else None
            case BlockBlob(time=time) if makes_progressive and time in self._times():
                return "block", layout.progressive_block("video", time)
            case SampleTablesBlob() if makes_progressive:
                return "work", layout.sample_tables(TaskId(Step.CHUNK, self.index))
            case ThumbnailBlob(number=number) if makes_top and number in self._thumbnails():
                return "stills", layout.indexed_thumbnail(number)
            case TileStripBlob() if makes_top:
                return "work", layout.tile_strip(self.index)
            case PosterCandidateBlob() if makes_top:
                return "work", layout.poster_candidate(self.index)
        return None

    def accepts(self, result: EncodeOutput) -> bool:
        times, stills = self._times(), self.plan.stills
        made = [rendition.id for rendition in result.renditions]
        most_tiles = stills.count if stills and self.plan.makes_top(self._chunk) else 0
        return (
            len(made) == len(set(made))
            and set(made) <= set(self._chunk.renditions)
            and all(_are_of(rendition, times) for rendition in result.renditions)
            and result.tiles <= most_tiles
            and (result.poster is None) == (result.tiles == 0)
        )

    @property
    def _chunk(self) -> Chunk:
        return self.plan.chunks[self.index]

    def _times(self) -> set[int]:
        """Returns the starts of the chunk's segments, in ticks."""
        plan, frames = self.plan, self._chunk.frames
        numbers = range(plan.segment_of(frames.start), plan.segment_of(frames.stop - 1) + 1)
        return {layout.frame_time(plan.segment_start(number), plan.frame_rate) for number in numbers}

    def _thumbnails(self) -> set[int]:
        """Returns the numbers of the chunk's indexed thumbnails."""
        thumbnails = self.plan.stills.thumbnails if self.plan.stills else ()
        return {number for number, frame in enumerate(thumbnails, 1) if frame in self._chunk.frames}


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

    def place(self, blob: JobBlob) -> Place | None:
        track = self.plan.audio[self.index].id
        match blob:
            case SegmentBlob(rendition=rendition, time=time) if rendition == track and self._has(time):
                return "output", layout.media_segment("audio", track, time)
            case BlockBlob(time=time) if self.index == 0 and self._has(time):
                return "block", layout.progressive_block("audio", time)
            case SampleTablesBlob() if self.index == 0:
                return "work", layout.sample_tables(TaskId(Step.AUDIO))
        return None

    def accepts(self, result: EncodeOutput) -> bool:
        track = self.plan.audio[self.index].id
        return (
            len(result.renditions) <= 1
            and all(rendition.id == track for rendition in result.renditions)
            and all(self._has(segment.time) for rendition in result.renditions for segment in rendition.segments)
            and result.poster is None
            and result.tiles == 0
        )

    def _has(self, time: int) -> bool:
        """Returns whether a segment may begin at this tick. Beside a picture, the sound ends with the picture."""
        return self.plan.frames == 0 or time < self.plan.duration * TIMESCALE


class StoryboardJob(Job[StoryboardOutput]):
    """Combines the chunks' strips of tiles into the storyboard. The job's files are the strips."""

    kind: Literal["storyboard"] = "storyboard"
    plan: Plan
    tiles: tuple[int, ...]
    """Number of tiles in each strip."""

    @property
    def result_type(self) -> type[StoryboardOutput]:
        return StoryboardOutput

    def place(self, blob: JobBlob) -> Place | None:
        return ("stills", layout.STORYBOARD) if isinstance(blob, StoryboardBlob) else None


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

    def place(self, blob: JobBlob) -> Place | None:
        return ("stills", self.name) if isinstance(blob, PictureBlob) else None


def _are_of(rendition: RenditionOutput, times: set[int]) -> bool:
    """Returns whether the rendition's segments begin at these ticks, each once at most."""
    found = [segment.time for segment in rendition.segments]
    return len(found) == len(set(found)) and set(found) <= times


def _bytes(seconds: Fraction, bitrate: int) -> int:
    """Returns four times the bytes of this bitrate: some segments are written twice, for the progressive file."""
    return math.ceil(4 * seconds * bitrate / 8)


AnyJob = Annotated[ProbeJob | SplitJob | ChunkJob | AudioJob | StoryboardJob | StillJob, Field(discriminator="kind")]
