"""Measuring how far sound and picture are apart: a flash and a beep that begin together each second."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.media.audio import Audio, beeps
from tests.media.sources import Video, write

_QUIET = 0.2
"""Seconds of silence that make the next sound an onset."""


def flash_and_beep(
    path: Path,
    seconds: int = 5,
    *,
    fps: Fraction = Fraction(25),
    size: tuple[int, int] = (320, 240),
    audio: Audio = Audio(frequency=1000),  # noqa: B008 - frozen
) -> Path:
    """One white frame and a 1 kHz beep at each whole second from the first on, over black and silence.

    At a rate that is not whole, the flash is the first frame at or after the second; the beep keeps to it.
    """
    video = Video(fps=fps, frames=int(seconds * fps), size=size)
    flashes = {-int(-k * fps // 1) for k in range(1, seconds)}
    width, height = size
    pictures = (np.full((height, width, 3), 255 * (n in flashes), np.uint8) for n in range(video.frames))
    sound = beeps(audio, audio.seconds or video.seconds)
    return write(path, video, pictures, [(audio, sound)])


def _flashes(frames: Iterator[av.VideoFrame]) -> list[float]:
    times, was_white = [], False
    for frame in frames:
        white = frame.reformat(format="gray", threads=1).to_ndarray().mean() > 128
        if white and not was_white:
            times.append(float(frame.pts * frame.time_base))
        was_white = white
    return times


def _onsets(frames: Iterator[av.AudioFrame]) -> list[float]:
    starts: list[np.ndarray] = []
    for frame in frames:
        samples = np.abs(frame.to_ndarray()).max(axis=0)
        start = float(frame.pts * frame.time_base)
        starts.append(start + np.flatnonzero(samples > 0.4) / frame.sample_rate)
    loud = np.concatenate(starts) if starts else np.array([])
    gaps = np.diff(loud, prepend=-np.inf)
    return [float(time) for time in loud[gaps > _QUIET]]


def measure_av_offset(path: str | Path, *, format: str | None = None) -> list[float]:  # noqa: A002 - PyAV's word
    """Seconds by which each beep comes after its flash, for whatever PyAV opens.

    Raises ValueError when flashes and beeps do not pair.
    """
    with av.open(str(path), format=format) as source:
        flashes = _flashes(source.decode(video=0))
    with av.open(str(path), format=format) as source:
        resampler = av.AudioResampler(format="fltp")
        onsets = _onsets(out for frame in source.decode(audio=0) for out in resampler.resample(frame))
    if len(flashes) != len(onsets):
        raise ValueError(f"{len(flashes)} flashes, {len(onsets)} beeps")
    return [onset - flash for flash, onset in zip(flashes, onsets, strict=True)]
