"""What is to be made of a source, and how the work is cut: a pure function of MediaInfo and settings.

Output frame n stands at time n / frame_rate. A segment is `gop` frames, a chunk is whole segments, the last of each may
be shorter. Chunks need not know each other: each shows, for each of its output frames, the source frame current then.
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
    duration: Ratio
    """Seconds."""
    renditions: tuple[Rendition, ...]
    audio: tuple[AudioRendition, ...]
    chunks: tuple[int, ...]
    """First frame of each chunk."""
    stills: Stills | None
    progressive: int
    """Rendition that becomes the one MP4 file, together with the first audio track."""
