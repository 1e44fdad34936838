"""Describes what the probe learned about an upload, of which it decodes no more than needed."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from connector.domain.types import MediaText, Model, Positive, Ratio, Whole

FASTEST = 1000
"""Frames per second that no output grid exceeds."""


class Access(StrEnum):
    """Says how a chunk task reaches its place in the source."""

    SEEK = "seek"
    """Seek: the container has an index, which leads to the keyframe at or before the place."""
    PIECES = "pieces"
    """Pieces: without a reliable index, the source was remuxed into pieces that start at keyframes."""
    START = "start"
    """Start: the source is short enough to be decoded from its beginning each time."""


class VideoStream(Model):
    index: Whole
    codec: MediaText
    width: Positive
    """Coded width in px, before rotation and sample aspect ratio."""
    height: Positive
    display_width: Positive
    """Width in px as shown: with square pixels, rotated."""
    display_height: Positive
    frame_rate: Annotated[Ratio, Field(gt=0, le=FASTEST)]
    """Rate of the output grid in frames per second."""
    constant: bool
    """Whether the frame rate is constant. If it varies, a frame is shown exactly from its own timestamp on."""
    start: Ratio
    """Presentation time of the first frame, in seconds on the source's clock."""
    end: Ratio
    """End of the last frame, in seconds on the source's clock."""
    tolerance: Annotated[Ratio, Field(ge=0)]
    """Seconds by which a frame may be shown early, because its timestamp was rounded.

    It is half a source frame when `constant`, else one tick of the source's clock.
    """
    rotation: Literal[0, 90, 180, 270]
    """Clockwise degrees by which the picture must be turned."""
    interlaced: bool
    hdr: bool
    detail_lines: Positive | None = None
    """Lines of the lowest rung that shows all detail of the picture, for a source that was scaled up or is blurred.

    None: the picture has as much detail as lines, or its detail is unknown.
    """
    reorder: Ratio | None = None
    """Seconds from a packet's time to that of the picture which leaves the decoder when the packet goes in.

    It is set for a container that does not keep presentation times (AVI), and None for all others.
    """


class AudioStream(Model):
    index: Whole
    codec: MediaText
    channels: Whole
    sampling_rate: Whole
    start: Ratio
    end: Ratio
    language: MediaText
    title: MediaText


class MediaInfo(Model):
    container: MediaText
    access: Access
    video: VideoStream | None
    audio: tuple[AudioStream, ...]
    size: Whole | None = None
    """Size of the upload in bytes."""
