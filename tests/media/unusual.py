"""Sources that have to be read in another way than from an index, or that end up in two minds about time."""

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

from tests.media.audio import Audio
from tests.media.cache import cached
from tests.media.colour import FULL_RANGE
from tests.media.sources import Video, numbered

TEN = Fraction(10)
GAP = tuple(Fraction(n, 25) + (3 if n >= 25 else 0) for n in range(50))
"""25 frames, three seconds without any, 25 frames."""

_X264 = {"preset": "ultrafast", "crf": "20", "threads": "1"}
_B_FRAMES = {"b_frames": 2, "options": {**_X264, "x264-params": "scenecut=0:b-adapt=0:open-gop=1"}}
_BIG = Video(
    fps=TEN,
    frames=500,
    size=(512, 288),
    codec="mjpeg",
    pix_fmt="yuvj420p",
    colour=FULL_RANGE,
    options={"qmin": "1", "qmax": "1", "b": "50M", "threads": "1"},
)


def _long(**more) -> Video:
    return Video(**{"fps": TEN, "frames": 610, "size": (176, 144), "gop": 12, **more})


UNUSUAL: dict[str, tuple[str, Video, tuple[Audio, ...], dict[str, str]]] = {
    # Longer than what is decoded from the beginning each time, and without an index.
    "long_open_gop_ts": ("ts", _long(**_B_FRAMES), (Audio("mp2"),), {}),
    "long_mpeg2_ts": (
        "ts",
        _long(codec="mpeg2video", fps=Fraction(24), frames=1470, size=(112, 80), b_frames=2),
        (),
        {},
    ),
    "long_flv": ("flv", _long(b_frames=2), (Audio(),), {}),
    "long_h264_avi": ("avi", _long(**_B_FRAMES), (), {}),
    # Too big to be read through.
    "big_mov": ("mov", _BIG, (Audio(),), {}),
    "big_mp4": ("mp4", _BIG, (Audio(),), {"movflags": "faststart"}),
    "big_mkv": ("mkv", _BIG, (Audio(),), {}),
    # Short ones.
    "no_cues": ("mkv", Video(frames=75, gop=12, b_frames=2), (Audio(),), {"live": "1"}),
    "open_gop_ts": ("ts", Video(frames=75, gop=12, **_B_FRAMES), (Audio("mp2"),), {}),
    "open_gop_mpeg2_ts": ("ts", Video(frames=75, codec="mpeg2video", gop=12, b_frames=2), (Audio("mp2"),), {}),
    "b_frames_avi": ("avi", Video(codec="mpeg4", gop=12, b_frames=2), (Audio("libmp3lame"),), {}),
    "b_frames_h264_avi": ("avi", Video(gop=12, **_B_FRAMES), (), {}),
    "gap_mkv": ("mkv", Video(timestamps=GAP, b_frames=0), (Audio(seconds=Fraction(5)),), {}),
    "gap_ts": ("ts", Video(timestamps=GAP, b_frames=0), (Audio("mp2", seconds=Fraction(5)),), {}),
    "long_sound": ("mp4", Video(frames=25), (Audio(seconds=Fraction(3)),), {}),
    "short_sound": ("mp4", Video(frames=75), (Audio(seconds=Fraction(1)),), {}),
    "early_sound": ("mkv", Video(frames=25, start=Fraction(3, 2)), (Audio(seconds=Fraction(5, 2)),), {}),
    "late_sound": ("mp4", Video(frames=75), (Audio(start=Fraction(3, 2), seconds=Fraction(3, 2)),), {}),
    "two_renditions": ("mp4", Video(frames=50, size=(768, 432), gop=25), (), {}),
}


def unusual(name: str) -> Path:
    """The file of that name. Raises KeyError for an unknown one."""
    suffix, video, audio, options = UNUSUAL[name]
    make: Callable[[Path], object] = partial(numbered, video=video, audio=audio, container_options=options)
    return cached(f"{name}.{suffix}", make, name)
