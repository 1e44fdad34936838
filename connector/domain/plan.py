"""What is to be made of a source, and how the work is cut: a pure function of MediaInfo and settings.

Output frame n stands at time n / frame_rate. A segment is `gop` frames, the first one `head`; a chunk is whole
segments; the last of each may be shorter. Chunks need not know each other: each shows, for each of its output frames,
the source frame current then.
"""

from connector.domain.types import Model, Ratio


class Rendition(Model):
    """One step of the ladder."""

    id: int
    """Nominal bitrate in bit/s, unique within the video; names the folder."""
    width: int
    height: int
    crf: float
    maxrate: int
    """bit/s; the decoder's buffer holds two seconds of it."""


class AudioRendition(Model):
    id: int
    """Nominal bitrate in bit/s, unique within the video."""
    stream: int
    """Index of the stream in the source."""
    bitrate: int
    language: str
    name: str


class Size(Model):
    """px"""

    width: int
    height: int


class Stills(Model):
    """Storyboard tiles every `interval` seconds, `count` of them; and the indexed thumbnails."""

    interval: Ratio
    count: int
    columns: int
    tile: Size
    poster: Size
    thumbnail: Size
    thumbnails: tuple[int, ...]
    """Output frame of each, in order."""


class Plan(Model):
    frame_rate: Ratio
    """Of the output, frames per second."""
    origin: Ratio
    """Source time, in seconds, that becomes 0."""
    tolerance: Ratio
    """A source frame counts as current this many seconds before its timestamp (timestamps are rounded)."""
    frames: int
    """Output frames of the whole video; 0 when there is no picture."""
    gop: int
    """Frames per segment."""
    head: int = 0
    """Frames of the first segment, fewer so that playback can begin early; 0 in older plans: as many as in the others.
    """
    duration: Ratio
    """Seconds."""
    renditions: tuple[Rendition, ...]
    audio: tuple[AudioRendition, ...]
    chunks: tuple[int, ...]
    """First frame of each chunk. Two may have the same: one makes the highest rendition, the next one the others."""
    stills: Stills | None
    progressive: int
    """Rendition that becomes the one MP4 file, together with the first audio track."""

    @property
    def segments(self) -> int:
        """Of a picture: how many there are."""
        return self.segment_of(self.frames - 1) + 1

    def segment_of(self, frame: int) -> int:
        """Number, from 0, of the segment that holds an output frame."""
        return max(0, (frame - (self.head or self.gop)) // self.gop + 1)

    def segment_start(self, number: int) -> int:
        """First output frame of a segment."""
        return number and (self.head or self.gop) + (number - 1) * self.gop
