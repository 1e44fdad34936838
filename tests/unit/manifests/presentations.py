"""Presentations to describe."""

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

from hypothesis import strategies as st

from connector.manifests.presentation import AudioTrack, EarlyTimeline, Presentation, Segment, Storyboard, VideoTrack

SPS, PPS, CONFIG = b"\x67\x64\x00\x1f\xac", b"\x68\xeb", b"\x11\x90"
STORYBOARD = Storyboard(columns=3, rows=2, width=160, height=90, count=5, interval=Fraction(2), size=9000)


def segments(*durations: int, size: int = 100_000, start: int = 0) -> tuple[Segment, ...]:
    result = []
    for duration in durations:
        result.append(Segment(start, duration, size))
        start += duration
    return tuple(result)


def video(bitrate: int = 1_000_000, cut: tuple[Segment, ...] | None = None, **changes) -> VideoTrack:
    cut = cut or segments(960_000, 960_000, 240_000)
    facts = {
        "id": bitrate,
        "codec": "avc1.64001F",
        "init_size": 700,
        "segments": cut,
        "width": 1280,
        "height": 720,
        "frame_rate": Fraction(25),
        "sps": SPS,
        "pps": PPS,
        "keyframes": tuple((0, 5000) for _ in cut),
    }
    return VideoTrack(**{**facts, **changes})


def audio(bitrate: int = 128_000, cut: tuple[Segment, ...] | None = None, **changes) -> AudioTrack:
    facts = {
        "id": bitrate,
        "codec": "mp4a.40.2",
        "init_size": 600,
        "segments": cut or segments(962_560, 962_560, 230_400, size=64_000),
        "sampling_rate": 48_000,
        "channels": 2,
        "config": CONFIG,
        "language": "en",
        "name": "English",
    }
    return AudioTrack(**{**facts, **changes})


def usual() -> Presentation:
    """Two renditions, one sound track, a storyboard."""
    low = video(400_000, segments(960_000, 960_000, 240_000, size=40_000), width=640, height=360)
    return Presentation((video(), low), (audio(),), STORYBOARD)


def early() -> Presentation:
    """The same while it is encoded."""
    timeline = EarlyTimeline(
        since=datetime(2026, 1, 2, 3, 4, tzinfo=UTC), moment=datetime(2026, 1, 2, 3, 5, tzinfo=UTC), segment=1_440_000
    )
    whole = usual()
    return replace(whole, video=tuple(replace(t, keyframes=()) for t in whole.video), storyboard=None, early=timeline)


CUTS = st.builds(
    lambda durations, start: segments(*durations, start=start),
    st.lists(st.integers(1, 3_000_000), min_size=1, max_size=30),
    st.integers(0, 10**9),
)
