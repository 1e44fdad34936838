"""What the probe learned about an upload, without decoding more of it than needed."""

from enum import StrEnum

from connector.domain.types import Model, Ratio


class Access(StrEnum):
    """How a chunk task reaches its place in the source."""

    SEEK = "seek"
    """The container has an index: seek to the keyframe at or before the place."""
    PIECES = "pieces"
    """No trustworthy index: the source was remuxed into pieces that start at keyframes."""
    START = "start"
    """Short enough to be decoded from the beginning each time."""


class VideoStream(Model):
    index: int
    codec: str
    width: int
    """Coded width in px, before rotation and sample aspect ratio."""
    height: int
    display_width: int
    """Width in px as shown: square pixels, rotated."""
    display_height: int
    frame_rate: Ratio
    """Rate of the output grid, frames per second."""
    constant: bool
    """False for variable frame rate: then a frame is shown exactly from its own timestamp on."""
    start: Ratio
    """Presentation time of the first frame, seconds on the source's clock."""
    end: Ratio
    """End of the last frame, seconds on the source's clock."""
    tolerance: Ratio
    """Seconds by which a frame may be shown early, because its timestamp was rounded: half a source frame when
    `constant`, else one tick of the source's clock."""
    rotation: int
    """Clockwise degrees by which the picture must be turned: 0, 90, 180 or 270."""
    interlaced: bool
    hdr: bool
    detail_lines: int | None = None
    """Lines of the lowest rung that shows all there is in the picture, for a source that was scaled up or is blurred.
    None: the picture has as much detail as lines, or it is not known."""
    reorder: Ratio | None = None
    """For a container that does not keep presentation times (AVI): seconds from a packet's time to that of the picture
    which comes out of the decoder when that packet goes in. None for all others."""


class AudioStream(Model):
    index: int
    codec: str
    channels: int
    sampling_rate: int
    start: Ratio
    end: Ratio
    language: str
    title: str


class MediaInfo(Model):
    container: str
    access: Access
    video: VideoStream | None
    audio: tuple[AudioStream, ...]
    size: int | None = None
    """Bytes of the upload."""
