"""Describes what a manifest needs: the renditions of one video with their segments, measured after encoding."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from functools import cached_property

from connector.domain.layout import TIMESCALE
from connector.manifests.text import uri


@dataclass(frozen=True, slots=True)
class Segment:
    """Describes one CMAF segment: `time` and `duration` in ticks of `TIMESCALE`, `size` in bytes."""

    time: int
    duration: int
    size: int


MOST_PARTS = 64
"""Segments in a row that are looked at together. Ours have equal lengths, except for the first and the last."""


def peak_bitrate(parts: Sequence[tuple[int, int]]) -> int:
    """Returns the highest bitrate, in bit/s, of any run of (bytes, ticks) of 0.5 to 1.5 times the longest part.

    This is BANDWIDTH as RFC 8216 section 4.1 defines it. So a last segment of one frame does not count on its own.
    A run has at most `MOST_PARTS` parts, so that the time grows with their number only.
    """
    target = max(ticks for _, ticks in parts)
    peak = 0
    for first in range(len(parts)):
        size = ticks = 0
        for following in range(first, min(first + MOST_PARTS, len(parts))):
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
        """The end of the last segment in ticks."""
        last = self.segments[-1]
        return last.time + last.duration

    @cached_property
    def peak_bitrate(self) -> int:
        """The highest bitrate of the media in bit/s, as the function `peak_bitrate` defines it."""
        return peak_bitrate([(s.size, s.duration) for s in self.segments])

    @cached_property
    def mean_bitrate(self) -> int:
        """The bits of all segments over their duration, in bit/s."""
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
    """Range (offset, length) of each segment's bytes up to the end of its first frame (moof, mdat header, I-frame)."""


@dataclass(frozen=True)
class AudioTrack(_Track):
    sampling_rate: int
    channels: int
    config: bytes
    """AudioSpecificConfig (ISO/IEC 14496-3)."""
    language: str
    """RFC 5646 tag, `und` when unknown."""
    name: str
    """Name that a player shows in its menu; unique within the video."""


@dataclass(frozen=True, slots=True)
class Storyboard:
    """Describes one sprite image: `columns` by `rows` tiles of `width` by `height` px, one every `interval` seconds."""

    columns: int
    rows: int
    width: int
    height: int
    count: int
    interval: Fraction
    size: int
    """Size of the image in bytes."""


@dataclass(frozen=True, slots=True)
class Protection:
    """Describes the encryption of all segments and init segments: AES-128-CBC, PKCS7, each blob separately, as a whole.

    Raises ValueError for an address that is not percent-encoded or an IV that is not a block long.
    """

    key_uri: str = field(repr=False)
    """Absolute URL where a permitted client gets the 16 bytes of the key."""
    video_iv: bytes
    audio_iv: bytes

    def __post_init__(self) -> None:
        uri(self.key_uri)
        if {len(self.video_iv), len(self.audio_iv)} != {16}:
            raise ValueError("an IV has 16 bytes")

    def iv(self, kind: str) -> bytes:
        """Returns the IV for tracks of the kind `video` or `audio`."""
        return self.video_iv if kind == "video" else self.audio_iv


@dataclass(frozen=True, slots=True)
class EarlyTimeline:
    """Describes a presentation that is still being encoded: its segments so far begin at 0 without a hole."""

    since: datetime
    """Time when the first segments could be played; aware."""
    moment: datetime
    """Time at which the presentation is described; aware."""
    segment: int
    """Planned length of a segment in ticks; some segments so far may be shorter."""


@dataclass(frozen=True)
class Presentation:
    """Holds everything that a manifest needs. `video` goes from the highest rendition down. `video` or `audio` may be
    empty.

    With `protection`, sizes are those of the encrypted blobs. Stills and I-frames are never offered then: stills are
    not encrypted, and part of an encrypted segment (an I-frame) cannot be decrypted. With `early`, the video is still
    being encoded; stills and I-frames are not offered either.
    """

    video: tuple[VideoTrack, ...]
    audio: tuple[AudioTrack, ...]
    storyboard: Storyboard | None = None
    protection: Protection | None = None
    early: EarlyTimeline | None = None

    @cached_property
    def duration(self) -> int:
        """The duration in ticks; the duration so far, if the video is still being encoded."""
        return max(t.duration for t in (*self.video, *self.audio))

    def bandwidth(self, track: _Track) -> int:
        """Returns the highest bitrate of a track in bit/s, as measured; with `early`, at least the nominal one."""
        return max(track.peak_bitrate, track.id) if self.early else track.peak_bitrate
