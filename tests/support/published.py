"""What a published video shows and sounds like, as a player of files would find it."""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace

from connector.api.app import App
from connector.domain import layout
from connector.domain.plan import Plan
from connector.domain.video import Video
from tests.fakes.blobs import MemoryBlobs
from tests.media.frame_numbers import patches_of, read
from tests.support.apps import memory_app
from tests.support.in_process import publish

FAST: dict[str, Any] = {"segment_seconds": 1, "chunk_seconds": 2, "encoder_preset": "ultrafast"}


@dataclass(frozen=True)
class Published:
    app: App
    video: Video

    def blob(self, name: str) -> bytes:
        return self.app.storage.blobs.get(layout.output_container(self.video.id), name)

    def track(self, kind: str, rendition: int) -> bytes:
        """Init segment and all media segments of a rendition in order: what a player puts together."""
        prefix = f"{kind}/{rendition}/"
        times = sorted(int(n[len(prefix) : -4]) for n in self._names() if n.startswith(prefix) and n.endswith(".m4s"))
        names = [layout.init_segment(kind, rendition), *(layout.media_segment(kind, rendition, t) for t in times)]
        return b"".join(self.blob(name) for name in names)

    def segments(self, kind: str, rendition: int) -> int:
        return sum(name.startswith(f"{kind}/{rendition}/") and name.endswith(".m4s") for name in self._names())

    def _names(self) -> list[str]:
        """The names of all blobs that can be played."""
        blobs = self.app.storage.blobs
        assert isinstance(blobs, MemoryBlobs)
        return list(blobs.containers[layout.output_container(self.video.id)].blobs)

    @property
    def plan(self) -> Plan:
        assert self.video.plan
        return self.video.plan

    @cached_property
    def pictures(self) -> list[av.VideoFrame]:
        """All of the progressive file's."""
        return list(_pictures(self.blob(layout.PROGRESSIVE)))

    @cached_property
    def numbers(self) -> list[int | None]:
        """The number on each picture of the progressive file."""
        return [read(frame) for frame in self.pictures]

    def numbers_of(self, rendition: int) -> list[int | None]:
        """Likewise of a rendition's segments."""
        return [read(frame) for frame in _pictures(self.track("video", rendition))]

    def is_evenly_timed(self) -> bool:
        """Whether picture n stands at n / frame rate; the progressive file's clock ticks finely enough to say."""
        rate = self.plan.frame_rate
        times = [frame.pts * frame.time_base for frame in self.pictures if frame.pts is not None and frame.time_base]
        assert len(times) == len(self.pictures)
        return all(abs(time - n / rate) < Fraction(1, 10_000) for n, time in enumerate(times))

    def patches(self) -> np.ndarray:
        """R, G, B of the colour patches in a picture from the middle, which must say that it is BT.709, limited."""
        frame = self.pictures[len(self.pictures) // 2]
        assert (frame.colorspace, frame.color_range) == (Colorspace.ITU709, ColorRange.MPEG)
        return np.array(patches_of(frame))

    def sound(self, track: int = 0) -> np.ndarray:
        """Channels by samples at 48 kHz, from time 0."""
        frames = list(_sounds(self.track("audio", self.plan.audio[track].id)))
        assert frames[0].pts == 0
        assert {frame.sample_rate for frame in frames} == {48_000}
        return np.concatenate([frame.to_ndarray() for frame in frames], axis=1)

    @property
    def master(self) -> str:
        return self.blob(layout.MASTER_PLAYLIST).decode()


def published(path: Path, **settings: Any) -> Published:
    app = memory_app(**{**FAST, **settings})
    return Published(app, publish(app, path))


def ahead(
    request: pytest.FixtureRequest, parameter: str, make: Callable[[str], Published]
) -> Iterator[dict[str, Future[Published]]]:
    """For a module's fixture: what its tests ask for by a parameter is published while others are looked at."""
    calls = [
        item.callspec.params
        for item in request.session.items
        if isinstance(item, pytest.Function)
        if item.module is request.module
        if hasattr(item, "callspec")
    ]
    names = {str(params[parameter]): None for params in calls if parameter in params}
    with ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(make, name) for name in names}


def _pictures(data: bytes) -> Iterator[av.VideoFrame]:
    with av.open(io.BytesIO(data), "r") as source:
        yield from source.decode(source.streams.video[0])


def _sounds(data: bytes) -> Iterator[av.AudioFrame]:
    with av.open(io.BytesIO(data), "r") as source:
        yield from source.decode(source.streams.audio[0])


def shown(numbers: list[int | None]) -> tuple[list[int | None], int, int]:
    """What is shown, and how many times longer than others the first and the last picture are."""
    runs = [(number, len(list(run))) for number, run in groupby(numbers)]
    first, last = runs[0][1] - 1, runs[-1][1] - 1
    if len(runs) == 1:
        return numbers[:1], first, first
    return numbers[first : len(numbers) - last], first, last


def pitch(sound: np.ndarray) -> float:
    """The strongest frequency of one channel, Hz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(spectrum.argmax()) * 48_000 / len(sound)
