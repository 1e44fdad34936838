"""What a manifest describes: the renditions of one video with their segments, measured after encoding."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from connector.domain.layout import TIMESCALE


@dataclass(frozen=True, slots=True)
class Segment:
    """One CMAF segment: `time` and `duration` in ticks of `TIMESCALE`, `size` in bytes."""

    time: int
    duration: int
    size: int


@dataclass(frozen=True)
class _Track:
    id: int
    """Nominal bitrate in bit/s; names the folder, unique within the video."""
    codec: str
    """RFC 6381 codec string, e.g. avc1.64001F or mp4a.40.2."""
    init_size: int
    segments: tuple[Segment, ...]

    @cached_property
    def duration(self) -> int:
        """End of the last segment, in ticks."""
        last = self.segments[-1]
        return last.time + last.duration

    @cached_property
    def peak_bitrate(self) -> int:
        """Highest bitrate of any one segment, in bit/s (RFC 8216 section 4.3.4.2, BANDWIDTH)."""
        return max(-(-s.size * 8 * TIMESCALE // s.duration) for s in self.segments)

    @cached_property
    def mean_bitrate(self) -> int:
        """Bits of all segments over their duration, in bit/s."""
        ticks = sum(s.duration for s in self.segments)
        return -(-sum(s.size for s in self.segments) * 8 * TIMESCALE // ticks)


@dataclass(frozen=True)
class VideoTrack(_Track):
    width: int
    height: int
    frame_rate: Fraction
    sps: bytes
    """Sequence parameter set NAL unit, without start code."""
    pps: bytes
    """Picture parameter set NAL unit, without start code."""
    keyframes: tuple[tuple[int, int], ...] = ()
    """Per segment (offset, length) of the bytes up to and including its first frame (moof, mdat header, I-frame)."""


@dataclass(frozen=True)
class AudioTrack(_Track):
    sampling_rate: int
    channels: int
    config: bytes
    """AudioSpecificConfig (ISO/IEC 14496-3)."""
    language: str
    """RFC 5646 tag, `und` when unknown."""
    name: str
    """What a player shows in its menu; unique within the video."""


@dataclass(frozen=True, slots=True)
class Storyboard:
    """One sprite image: `columns` × `rows` tiles of `width` × `height` px, one every `interval` seconds."""

    columns: int
    rows: int
    width: int
    height: int
    count: int
    interval: Fraction
    size: int
    """Bytes of the image."""


@dataclass(frozen=True)
class Presentation:
    """Everything a manifest needs. `video` goes from the highest rendition to the lowest; either may be empty."""

    video: tuple[VideoTrack, ...]
    audio: tuple[AudioTrack, ...]
    storyboard: Storyboard | None = None

    @cached_property
    def duration(self) -> int:
        """In ticks."""
        return max(t.duration for t in (*self.video, *self.audio))
