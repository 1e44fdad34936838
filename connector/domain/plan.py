"""Describes what is made of a source and how the work is cut: a pure function of MediaInfo and settings.

Output frame n is shown at time n / frame_rate. A segment has `gop` frames, the first one `head`. A chunk is whole
segments. The last segment and the last chunk may be shorter. Chunks need not know each other: for each of its output
frames, a chunk shows the source frame that is current at that time.
"""

import math
from typing import Any

from pydantic import model_validator

from connector.domain.types import Model, Ratio


class Rendition(Model):
    """Describes one step of the ladder."""

    id: int
    """Nominal bitrate in bit/s, unique within the video; names the folder."""
    width: int
    height: int
    crf: float
    maxrate: int
    """Highest rate in bit/s; the decoder's buffer holds two seconds of it."""


class AudioRendition(Model):
    id: int
    """Nominal bitrate in bit/s, unique within the video."""
    stream: int
    """Index of the stream in the source."""
    bitrate: int
    language: str
    name: str


class Size(Model):
    """Holds the size of a picture in px."""

    width: int
    height: int


class Stills(Model):
    """Describes a storyboard of `count` tiles, one every `interval` seconds, and the indexed thumbnails."""

    interval: Ratio
    count: int
    columns: int
    tile: Size
    poster: Size
    thumbnail: Size
    thumbnails: tuple[int, ...]
    """Output frame of each indexed thumbnail, in order."""

    @property
    def rows(self) -> int:
        """The rows of tiles in the storyboard, the last of which may not be full."""
        return math.ceil(self.count / self.columns)


class Chunk(Model):
    """Describes the work of one task: some frames of some renditions. Several chunks may have the same frames."""

    start: int
    """First output frame of the chunk."""
    stop: int
    """Output frame after the chunk's last one."""
    renditions: tuple[int, ...]
    """Ids of the renditions that the task makes, the highest first."""

    @property
    def frames(self) -> range:
        """The output frames of the chunk."""
        return range(self.start, self.stop)


class Plan(Model):
    frame_rate: Ratio
    """Frame rate of the output in frames per second."""
    origin: Ratio
    """Source time, in seconds, that becomes time 0 of the output."""
    tolerance: Ratio
    """Seconds before its timestamp at which a source frame already counts as current (timestamps are rounded)."""
    frames: int
    """Output frames of the whole video; 0 when there is no picture."""
    gop: int
    """Frames per segment."""
    head: int = 0
    """Frames of the first segment, fewer than `gop` so that playback can begin early.

    0, in older plans, means as many as in the other segments.
    """
    duration: Ratio
    """Duration of the output in seconds."""
    renditions: tuple[Rendition, ...]
    audio: tuple[AudioRendition, ...]
    chunks: tuple[Chunk, ...]
    """Chunks in the order of their frames."""
    stills: Stills | None
    progressive: int
    """Id of the rendition that becomes the progressive MP4 file, together with the first audio track."""

    @model_validator(mode="before")
    @classmethod
    def _with_whole_chunks(cls, data: Any) -> Any:
        """Reads plans of version 0.2 and before, whose chunks were first frames only. Rows may still hold some."""
        try:
            if isinstance(data, dict) and any(isinstance(chunk, int) for chunk in data.get("chunks", ())):
                return data | {"chunks": _chunks_from_starts(data)}
        except (KeyError, TypeError):
            raise ValueError("neither a plan of this version nor of an older one") from None
        return data

    def renditions_of(self, chunk: Chunk) -> tuple[Rendition, ...]:
        """Returns the renditions that the chunk's task makes, the highest first."""
        return tuple(rendition for rendition in self.renditions if rendition.id in chunk.renditions)

    def makes_top(self, chunk: Chunk) -> bool:
        """Returns whether the chunk's task makes the highest rendition, and with it the stills."""
        return self.renditions[0].id in chunk.renditions

    @property
    def segments(self) -> int:
        """The number of the picture's segments."""
        return self.segment_of(self.frames - 1) + 1

    def segment_of(self, frame: int) -> int:
        """Returns the number, from 0, of the segment that holds an output frame."""
        return max(0, (frame - (self.head or self.gop)) // self.gop + 1)

    def segment_start(self, number: int) -> int:
        """Returns the first output frame of a segment."""
        return (self.head or self.gop) + (number - 1) * self.gop if number else 0


def _chunks_from_starts(data: dict[str, Any]) -> list[Chunk]:
    """Returns the chunks of an old plan. Of two with the same start, the first made the highest rendition, the second
    the others.
    """
    starts: list[int] = list(data["chunks"])
    ids = [r.id if isinstance(r, Rendition) else r["id"] for r in data["renditions"]]
    chunks = []
    for index, start in enumerate(starts):
        after, before = starts[index + 1 : index + 3], starts[max(0, index - 1) : index]
        stop = next((later for later in after if later > start), data["frames"])
        is_first, is_second = start in after, start in before
        made = ids[:1] if is_first else ids[1:] if is_second else ids
        chunks.append(Chunk(start=start, stop=stop, renditions=tuple(made)))
    return chunks
