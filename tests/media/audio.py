"""Sound to go with the pictures: tones whose pitch tells the channel, silence, beeps."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

CHANNELS = {"mono": 1, "stereo": 2, "5.1": 6}
_BLOCK = 4096


@dataclass(frozen=True)
class Audio:
    """One audio track: channel c (from 0) is a sine of `frequency` times c + 1."""

    codec: str = "aac"
    rate: int = 48_000
    layout: str = "stereo"
    frequency: int = 440
    language: str | None = None
    title: str | None = None
    bit_rate: int | None = None
    start: Fraction = Fraction(0)
    """When the track begins, seconds."""
    seconds: Fraction | None = None
    """Of sound; as long as the picture when None."""


def sine(audio: Audio, seconds: Fraction) -> NDArray[np.float32]:
    """Channels by samples, -14 dBFS."""
    time = np.arange(round(seconds * audio.rate), dtype=np.float64) / audio.rate
    channels = [np.sin(2 * np.pi * audio.frequency * (c + 1) * time) for c in range(CHANNELS[audio.layout])]
    return (0.2 * np.stack(channels)).astype(np.float32)


def beeps(audio: Audio, seconds: Fraction, *, every: int = 1, length: float = 0.1) -> NDArray[np.float32]:
    """Silence with a tone that begins, at full strength, at each whole `every` seconds from the first on."""
    sound = sine(audio, seconds) * 4
    time = np.arange(sound.shape[1]) / audio.rate
    on = (time % every < length) & (time >= every)
    # a cosine begins at its peak, so that the onset is one sample and not a slope
    tone = 0.8 * np.cos(2 * np.pi * audio.frequency * (time % every))
    return np.where(on, tone, 0).astype(np.float32)[None, :].repeat(len(sound), axis=0)


def frames(audio: Audio, sound: NDArray[np.float32]) -> Iterator[av.AudioFrame]:
    """The sound in blocks, timestamps in samples from the track's start."""
    for at in range(0, sound.shape[1], _BLOCK):
        block = np.ascontiguousarray(sound[:, at : at + _BLOCK])
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=audio.layout)
        frame.rate = audio.rate
        frame.time_base = Fraction(1, audio.rate)
        frame.pts = at + round(audio.start * audio.rate)
        yield frame


def add_stream(container: av.container.OutputContainer, audio: Audio) -> av.AudioStream:
    """An output stream for the track. Experimental encoders (Vorbis) are allowed."""
    stream = container.add_stream(audio.codec, rate=audio.rate, options={"strict": "-2"})
    assert isinstance(stream, av.AudioStream)
    stream.layout = audio.layout
    if audio.bit_rate:
        stream.bit_rate = audio.bit_rate
    if audio.language:
        stream.metadata["language"] = audio.language
    if audio.title:
        stream.metadata["title"] = audio.title
    return stream
