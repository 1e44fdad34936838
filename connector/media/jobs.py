"""What a media child process can be asked to do: all it needs is in the job, all it made is in its answer.

A job names no storage: the child reads files by number and writes areas and names; the parent carries them out.
"""

from typing import Annotated, Literal

from pydantic import Field

from connector.domain.media_info import MediaInfo
from connector.domain.plan import Plan
from connector.domain.types import Model, Ratio

Area = Literal["output", "work", "stills", "block"]
"""Where a written blob goes: the video's output container, its private one, whichever of them holds its stills, or
a block of the progressive file."""


class Limits(Model):
    seconds: int
    memory: int
    """Bytes of address space."""
    threads: int


class Job(Model):
    limits: Limits


class ProbeJob(Job):
    kind: Literal["probe"] = "probe"


class SplitJob(Job):
    """Cut a source without a trustworthy index into pieces that start at keyframes."""

    kind: Literal["split"] = "split"
    stream: int
    piece_seconds: float


class ChunkJob(Job):
    kind: Literal["chunk"] = "chunk"
    info: MediaInfo
    plan: Plan
    index: int
    preset: str
    piece_starts: tuple[Ratio, ...] = ()
    """Source time of the first keyframe of each piece; the files are the pieces then."""


class AudioJob(Job):
    kind: Literal["audio"] = "audio"
    plan: Plan
    index: int
    segment_seconds: Ratio


class StoryboardJob(Job):
    """Put the chunks' strips of tiles together; the files are the strips."""

    kind: Literal["storyboard"] = "storyboard"
    plan: Plan
    tiles: tuple[int, ...]
    """Number of tiles in each strip."""


AnyJob = Annotated[ProbeJob | SplitJob | ChunkJob | AudioJob | StoryboardJob, Field(discriminator="kind")]
