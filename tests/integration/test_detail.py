"""The ladder of a source that was scaled up begins where its detail ends; of no other."""

from fractions import Fraction
from functools import lru_cache, partial

import av
import numpy as np
import pytest

from connector.domain.planner import Limits, make_plan
from tests.media.cache import cached
from tests.media.sources import Video, write
from tests.support.media_jobs import probed

pytestmark = pytest.mark.media

SIZE = (1280, 720)
FRAMES = 60
BLACK = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)


@lru_cache
def _texture(width: int, height: int):
    """As detailed as photographs are: as much of each octave, up to what this size can show."""
    waves = np.fft.rfft2(np.random.default_rng(1).normal(size=(height, width)))
    waves /= np.maximum(np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]), 1 / width)
    waves[0, 0] = 0
    picture = np.fft.irfft2(waves, (height, width))
    grey = np.clip(128 + picture / picture.std() * 45, 0, 255).astype(np.uint8)
    return np.stack([grey] * 3, -1)


def _picture(lines: int, n: int):
    """The texture at frame n, made with so many lines and scaled up."""
    moved = np.ascontiguousarray(np.roll(_texture(lines * 16 // 9, lines), n, axis=1))
    shown = av.VideoFrame.from_ndarray(moved, "rgb24").reformat(*SIZE, interpolation="BICUBIC")
    return shown.to_ndarray()


SOURCES = {
    "sharp": lambda n: _picture(720, n),
    "scaled_up": lambda n: _picture(270, n),
    "scaled_up_after_black": lambda n: BLACK if n < 12 else _picture(270, n),
    "sharp_after_black": lambda n: BLACK if n < 12 else _picture(720, n),
    "sharp_after_a_soft_title": lambda n: _picture(270 if n < 24 else 720, n),
    "sharp_in_one_place": lambda n: _picture(720 if n == 36 else 270, n),
    "black": lambda n: BLACK,
    "fade": lambda n: (_picture(720, n) * (n / FRAMES / 12)).astype(np.uint8),
}


def _source(name: str, **changes):
    video = Video(size=SIZE, frames=FRAMES, gop=12, options={"crf": "20", "preset": "ultrafast"}, **changes)
    make = partial(write, video=video, pictures=map(SOURCES[name], range(FRAMES)), sounds=())
    return cached(f"detail-{name}.mp4", make, repr(video), name)


@pytest.mark.parametrize("name", [name for name in SOURCES if not name.startswith("scaled_up")])
def test_a_source_is_taken_at_its_size_unless_all_of_it_is_soft(name):
    assert probed(_source(name)).video.detail_lines is None


@pytest.mark.parametrize("name", ["scaled_up", "scaled_up_after_black"])
def test_what_was_scaled_up_is_encoded_at_the_size_that_shows_all_of_it(name):
    info = probed(_source(name))
    assert info.video.detail_lines == 480
    plan = make_plan(info, Limits(segment_seconds=1, chunk_seconds=4, max_lines=2160))
    assert [(r.width, r.height) for r in plan.renditions] == [(854, 480), (640, 360)]


def test_the_size_of_the_upload_is_kept_with_what_was_seen():
    path = _source("sharp")
    info = probed(path)
    assert info.size == path.stat().st_size
    assert info.video.end - info.video.start == Fraction(FRAMES, 25)
