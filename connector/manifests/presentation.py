"""What a manifest describes: the renditions of one video with their segments, measured after encoding."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from functools import cached_property

from connector.domain.layout import TIMESCALE
from connector.manifests.text import uri


@dataclass(frozen=True, slots=True)
class Segment:
    """One CMAF segment: `time` and `duration` in ticks of `TIMESCALE`, `size` in bytes."""

    time: int
    duration: int
    size: int


def peak_bitrate(parts: Sequence[tuple[int, int]]) -> int:
    """Highest bitrate, in bit/s, of any run of (bytes, ticks) that lasts 0.5 to 1.5 times the longest part.

    So RFC 8216 section 4.1 defines BANDWIDTH: a last segment of one frame does not count on its own.
    """
    target = max(ticks for _, ticks in parts)
    peak = 0
    for first in range(len(parts)):
        size = ticks = 0
        for following in range(first, len(parts)):
            size += parts[following][0]
            ticks += parts[following][1]
            if 2 * ticks > 3 * target:
                break
            if 2 * ticks >= target:
                peak = max(peak, -(-size * 8 * TIMESCALE // ticks))
    return peak


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
        """Highest bitrate of the media, in bit/s; see the function of this name."""
        return peak_bitrate([(s.size, s.duration) for s in self.segments])

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
    """Per segment (offset, length) of the bytes up to the end of its first frame (moof, mdat header, I-frame)."""


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
    """One sprite image: `columns` by `rows` tiles of `width` by `height` px, one every `interval` seconds."""

    columns: int
    rows: int
    width: int
    height: int
    count: int
    interval: Fraction
    size: int
    """Bytes of the image."""


@dataclass(frozen=True, slots=True)
class Protection:
    """How all segments and init segments are encrypted: AES-128-CBC, PKCS7, each blob on its own and as a whole.

    Raises ValueError for an address that is not percent-encoded or an IV that is not a block long.
    """

    key_uri: str = field(repr=False)
    """Absolute; who is allowed gets the 16 bytes of the key there."""
    video_iv: bytes
    audio_iv: bytes

    def __post_init__(self) -> None:
        uri(self.key_uri)
        if {len(self.video_iv), len(self.audio_iv)} != {16}:
            raise ValueError("an IV has 16 bytes")

    def iv(self, kind: str) -> bytes:
        """Of the tracks of a kind, `video` or `audio`."""
        return self.video_iv if kind == "video" else self.audio_iv


@dataclass(frozen=True, slots=True)
class Growth:
    """Of a presentation that is still being encoded: its tracks have the segments so far, from 0 on without a hole."""

    since: datetime
    """When its first segments could be played; aware."""
    moment: datetime
    """As of when the presentation is described; aware."""
    segment: int
    """Ticks that a segment lasts, as planned: some so far may be shorter."""


@dataclass(frozen=True)
class Presentation:
    """Everything a manifest needs. `video` goes from the highest rendition down; either may be empty.

    With `protection`, sizes are those of the encrypted blobs. Stills are never offered then: they are not
    encrypted, and part of an encrypted segment (an I-frame) cannot be decrypted. With `growth`, the video is
    still being encoded and stills and I-frames are not offered either.
    """

    video: tuple[VideoTrack, ...]
    audio: tuple[AudioTrack, ...]
    storyboard: Storyboard | None = None
    protection: Protection | None = None
    growth: Growth | None = None

    @cached_property
    def duration(self) -> int:
        """In ticks; of one that grows, so far."""
        return max(t.duration for t in (*self.video, *self.audio))

    def bandwidth(self, track: _Track) -> int:
        """Highest bitrate of a track in bit/s, as measured; at least the nominal one while more may come."""
        return max(track.peak_bitrate, track.id) if self.growth else track.peak_bitrate
