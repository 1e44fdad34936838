"""Poster, thumbnails and storyboard show the right frames."""

import io
import re
from fractions import Fraction
from itertools import pairwise
from math import ceil

import av
import numpy as np
import pytest

from tests.media.cache import cached
from tests.media.frame_numbers import draw_rgb, luma_of, patches_of, read, read_luma
from tests.media.sources import NTSC, PAL, Video, numbered, write
from tests.support.apps import memory_app
from tests.support.encoded import ffmpeg_complaints
from tests.support.in_process import publish
from tests.support.tracks import Output

pytestmark = pytest.mark.media

_NUMBERED = Video(fps=NTSC, frames=400, size=(432, 432), b_frames=2)
_PARTS = Video(fps=PAL, frames=225, size=(640, 360))
"""Three seconds each of black, of a blur and of a sharp picture."""


def _decoded(jpeg: bytes) -> av.VideoFrame:
    with av.open(io.BytesIO(jpeg), format="jpeg_pipe") as container:
        (frame,) = container.decode(video=0)
    return frame


@pytest.fixture(scope="module")
def published() -> Output:
    path = cached("numbered.mp4", lambda p: numbered(p, _NUMBERED), repr(_NUMBERED))
    app = memory_app(segment_seconds=1, chunk_seconds=3, encoder_preset="ultrafast")
    return Output(app, publish(app, path))


def _parts(path):
    width, height = _PARTS.size
    sharp = draw_rgb(0x5A5A, width, height)
    coarse = av.VideoFrame.from_ndarray(sharp, format="rgb24").reformat(width=width // 40, height=height // 40)
    blurred = coarse.reformat(width=width, height=height, interpolation="BILINEAR").to_ndarray(format="rgb24")
    pictures = [np.zeros_like(sharp)] * 75 + [np.ascontiguousarray(blurred)] * 75 + [sharp] * 75
    return write(path, _PARTS, pictures, [])


@pytest.fixture(scope="module")
def parts() -> Output:
    path = cached("parts.mp4", _parts)
    app = memory_app(segment_seconds=1, chunk_seconds=3, encoder_preset="ultrafast")
    return Output(app, publish(app, path))


def _jpegs(output: Output) -> dict[str, bytes]:
    return {name: data for name, data in output.blobs.items() if name.endswith(".jpg")}


def test_there_is_a_poster_ten_thumbnails_and_a_storyboard(published):
    names = {"poster", "storyboard", *(f"{i:04d}" for i in range(1, 11))}
    assert set(_jpegs(published)) == {f"thumbnails/{name}.jpg" for name in names}


def test_every_jpeg_decodes_without_complaint(published, tmp_path):
    for name, data in _jpegs(published).items():
        assert data[:3] == b"\xff\xd8\xff"
        file = tmp_path / name.rpartition("/")[2]
        file.write_bytes(data)
        assert ffmpeg_complaints("-i", file) == ""


def test_the_poster_is_neither_black_nor_blurred(parts):
    poster = _decoded(parts.blobs["thumbnails/poster.jpg"])
    assert (poster.width, poster.height) == _PARTS.size
    assert read(poster) == 0x5A5A
    # That the number can be read says little: it can be read in the blur too, but edges are steep only here.
    assert np.abs(np.diff(luma_of(poster).astype(int), axis=1)).max() > 150


def test_each_thumbnail_shows_the_middle_of_its_tenth(published):
    frames = published.plan.frames
    shown = [read(_decoded(published.blobs[f"thumbnails/{i:04d}.jpg"])) for i in range(1, 11)]
    assert shown == [(2 * i + 1) * frames // 20 for i in range(10)]


def test_thumbnails_have_the_colours_of_the_source(published):
    with av.open(str(cached("numbered.mp4", lambda p: numbered(p, _NUMBERED), repr(_NUMBERED)))) as source:
        expected = patches_of(next(source.decode(video=0)))
    # JFIF is BT.601 in full range, whatever the frame says.
    found = patches_of(_decoded(published.blobs["thumbnails/0001.jpg"]), colorspace="ITU601")
    assert np.abs(np.array(found) - expected).max() <= 12


def _cues(output: Output) -> list[tuple[Fraction, Fraction, tuple[int, ...]]]:
    """Begin, end in seconds, and x, y, width, height of each cue."""
    text = output.blobs["thumbnails/storyboard.vtt"].decode()
    assert text.startswith("WEBVTT\n")
    time = r"(\d+):(\d\d):(\d\d\.\d{3})"
    found = re.findall(rf"^{time} --> {time}\nstoryboard\.jpg#xywh=(\d+),(\d+),(\d+),(\d+)$", text, re.MULTILINE)
    return [
        (
            int(c[0]) * 3600 + int(c[1]) * 60 + Fraction(c[2]),
            int(c[3]) * 3600 + int(c[4]) * 60 + Fraction(c[5]),
            tuple(map(int, c[6:])),
        )
        for c in found
    ]


def test_each_tile_shows_the_frame_at_the_begin_of_its_cue(published):
    sprite = luma_of(_decoded(published.blobs["thumbnails/storyboard.jpg"]))
    cues = _cues(published)
    assert len(cues) == published.plan.stills.count == ceil(published.plan.duration)
    for n, (begin, _, (x, y, width, height)) in enumerate(cues):
        assert begin == n
        assert read_luma(sprite[y : y + height, x : x + width]) == ceil(begin * NTSC)


def test_cues_follow_each_other_up_to_the_end_of_the_video(published):
    cues = _cues(published)
    assert cues[0][0] == 0
    assert all(a[1] == b[0] for a, b in pairwise(cues))
    assert abs(cues[-1][1] - published.plan.duration) < Fraction(1, 1000)


def test_tiles_lie_side_by_side_and_fill_the_storyboard(published):
    sprite = _decoded(published.blobs["thumbnails/storyboard.jpg"])
    areas = [area for _, _, area in _cues(published)]
    assert len(set(areas)) == len(areas)
    assert {area[2:] for area in areas} == {(90, 90)}
    assert (max(x + w for x, _, w, _ in areas), max(y + h for _, y, _, h in areas)) == (sprite.width, sprite.height)
