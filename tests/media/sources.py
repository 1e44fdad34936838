"""Numbered video in any container and codec that PyAV can write."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np
from av.filter import Graph
from av.video.format import VideoFormat
from numpy.typing import NDArray

from tests.media import audio as sound
from tests.media.audio import Audio
from tests.media.colour import BT709, Colour, coded
from tests.media.frame_numbers import draw_rgb

NTSC_FILM, PAL, NTSC = Fraction(24_000, 1001), Fraction(25), Fraction(30_000, 1001)
FIFTY, NTSC_DOUBLE = Fraction(50), Fraction(60_000, 1001)

Stream = av.VideoStream | av.AudioStream
Lane = Iterator[tuple[Fraction, Callable[[], list[Any]]]]
"""The frames of a stream: when each is shown, in seconds, and what encodes it."""

F = TypeVar("F", av.VideoFrame, av.AudioFrame)

_QUICK: Mapping[str, Mapping[str, str]] = {
    "libx264": {"preset": "ultrafast", "crf": "20", "threads": "1"},
    "libx265": {"preset": "ultrafast", "crf": "20", "x265-params": "log-level=none:pools=1"},
    "libsvtav1": {"preset": "10", "crf": "15", "svtav1-params": "lp=1:enable-tf=0"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "b": "1M", "threads": "1"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "b": "1M", "threads": "1"},
}
_DEFAULT = {"b": "2M", "threads": "1"}


@dataclass(frozen=True)
class Video:
    """What the pictures are and how they are coded."""

    fps: Fraction = PAL
    frames: int = 50
    size: tuple[int, int] = (320, 240)
    """Coded width and height in px."""
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    gop: int | None = None
    b_frames: int | None = None
    rotation: int = 0
    """Clockwise degrees a player must turn the picture by; the picture is stored turned the other way."""
    sar: Fraction | None = None
    interlaced: str | None = None
    """"tff" or "bff": a coded frame holds two moments of the moving content."""
    colour: Colour = BT709
    timestamps: Sequence[Fraction] | None = None
    """Seconds, one per frame, for a variable frame rate; the last frame lasts as long as the one before."""
    start: Fraction = Fraction(0)
    """Seconds added to every timestamp."""
    first: int = 0
    """Number on the first frame."""
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def times(self) -> list[Fraction]:
        """Seconds at which each frame appears, and when the last one ends."""
        if self.timestamps is None:
            return [n / self.fps for n in range(self.frames + 1)]
        given = list(self.timestamps)
        return [*given, 2 * given[-1] - given[-2]]

    @property
    def seconds(self) -> Fraction:
        return self.times[-1] - self.times[0]


def numbered(
    path: Path,
    video: Video = Video(),
    audio: Audio | Sequence[Audio] = (),
    *,
    container: str | None = None,
    container_options: Mapping[str, str] | None = None,
) -> Path:
    """Write a numbered video. `container` is FFmpeg's name of the format, told from the suffix when None."""
    pictures = (_picture(video, n) for n in range(len(video.times) - 1))
    tracks = [audio] if isinstance(audio, Audio) else list(audio)
    sounds = [(track, sound.sine(track, track.seconds or video.seconds)) for track in tracks]
    return write(path, video, pictures, sounds, container=container, container_options=container_options)


def _picture(video: Video, n: int) -> NDArray[np.uint8]:
    width, height = video.size
    if video.rotation % 180:
        width, height = height, width
    picture = draw_rgb(video.first + n, width, height, interlaced=video.interlaced)
    return np.ascontiguousarray(np.rot90(picture, video.rotation // 90))


def write(
    path: Path,
    video: Video | None,
    pictures: Iterable[NDArray[np.uint8]],
    sounds: Sequence[tuple[Audio, NDArray[np.float32]]],
    *,
    container: str | None = None,
    container_options: Mapping[str, str] | None = None,
) -> Path:
    """Encode pictures (height, width, 3 bytes) and sounds (channels by samples), interleaved by time."""
    with av.open(str(path), "w", format=container, options=dict(container_options or {})) as output:
        lanes: list[Lane] = []
        streams: list[Stream] = []
        if video is not None:
            picture_stream = _video_stream(output, video)
            streams.append(picture_stream)
            lanes.append(_lane(picture_stream.encode, _video_frames(video, pictures)))
        for track, samples in sounds:
            stream = sound.add_stream(output, track)
            streams.append(stream)
            lanes.append(_lane(stream.encode, sound.frames(track, samples)))
        for _, encode in heapq.merge(*lanes, key=lambda item: item[0]):
            output.mux(encode())
        for each in streams:
            output.mux(each.encode(None))
    return path


def _lane(encode: Callable[[F], list[Any]], frames: Iterator[F]) -> Lane:
    for frame in frames:
        assert frame.pts is not None
        assert frame.time_base is not None
        yield frame.pts * frame.time_base, partial(encode, frame)


def _tick(video: Video) -> Fraction:
    """Time base of the encoder: exact for a constant rate, fine enough for a variable one."""
    return Fraction(1, 90_000) if video.timestamps is not None or video.start else 1 / video.fps


def _video_stream(output: av.container.OutputContainer, video: Video) -> av.VideoStream:
    options = {**_QUICK.get(video.codec, _DEFAULT), **video.options}
    stream = output.add_stream(video.codec, rate=video.fps, options=options)
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height = video.size
    stream.pix_fmt = video.pix_fmt
    context = stream.codec_context
    context.time_base = _tick(video)
    context.color_range, context.colorspace = video.colour.range, video.colour.matrix
    context.color_primaries, context.color_trc = video.colour.primaries, video.colour.transfer
    if video.gop is not None:
        context.gop_size = video.gop
    if video.b_frames is not None:
        context.max_b_frames = video.b_frames
    if video.sar is not None:
        context.sample_aspect_ratio = video.sar
        stream.sample_aspect_ratio = video.sar
    if video.interlaced:
        context.flags |= av.codec.context.Flags.interlaced_dct | av.codec.context.Flags.interlaced_me
    if video.rotation:
        stream.set_display_rotation(-video.rotation)
    return stream


def _fields(video: Video) -> Graph | None:
    """A filter that marks frames as interlaced: encoders take the field order from the frame."""
    if not video.interlaced:
        return None
    graph = Graph()
    width, height = video.size
    graph.link_nodes(
        graph.add_buffer(width=width, height=height, format=VideoFormat(video.pix_fmt), time_base=_tick(video)),
        graph.add("setfield", video.interlaced),
        graph.add("buffersink"),
    ).configure()
    return graph


def _video_frames(video: Video, pictures: Iterable[NDArray[np.uint8]]) -> Iterator[av.VideoFrame]:
    tick, times, graph = _tick(video), video.times, _fields(video)
    for n, picture in enumerate(pictures):
        frame = coded(picture, video.pix_fmt, video.colour)
        frame.time_base = tick
        frame.pts = round((times[n] + video.start) / tick)
        frame.duration = round((times[n + 1] + video.start) / tick) - frame.pts
        if graph is not None:
            graph.push(frame)
            filtered = graph.pull()
            assert isinstance(filtered, av.VideoFrame)
            frame = filtered
        yield frame
