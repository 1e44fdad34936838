import math
from itertools import pairwise

import pytest
from av.video.frame import VideoFrame

from connector.media.stills import score, tiled

GOOD = {"low": 40.0, "high": 200.0, "average": 115.0, "blur": 2.5}


def _score(**changes: float) -> float:
    return score(**(GOOD | changes))


@pytest.mark.parametrize(
    "worse",
    [
        pytest.param({"low": 16, "high": 16, "average": 16}, id="black"),
        pytest.param({"low": 235, "high": 235, "average": 235}, id="white"),
        pytest.param({"low": 120, "high": 130, "average": 125}, id="grey fog"),
        pytest.param({"low": 16, "high": 60, "average": 25}, id="night"),
        pytest.param({"low": 190, "high": 235, "average": 225}, id="glare"),
        pytest.param({"blur": 15}, id="blurred"),
        pytest.param({"blur": math.nan}, id="without any edge"),
    ],
)
def test_a_good_picture_beats_a_bad_one(worse):
    assert _score(**worse) < _score()


@pytest.mark.parametrize("level", [0, 16, 235, 255])
def test_a_flat_picture_at_an_end_of_the_scale_is_useless(level):
    assert score(level, level, level, math.nan) == 0


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("blur", [2, 3, 5, 8, 12, 30]),
        ("low", [30, 60, 100, 150, 190]),
        ("average", [115, 150, 180, 200, 220]),
        ("average", [115, 80, 60, 40, 20]),
    ],
)
def test_the_further_from_good_the_lower(name, values):
    scores = [_score(**{name: value}) for value in values]
    assert all(a >= b for a, b in pairwise(scores))
    assert scores[0] > scores[-1]


@pytest.mark.parametrize("average", [-5, 0, 16, 115, 235, 300])
@pytest.mark.parametrize("blur", [0, 2, 100, math.inf, math.nan])
@pytest.mark.parametrize("spread", [(16, 235), (235, 16), (0, 255)])
def test_a_score_is_from_0_to_1_whatever_was_measured(average, blur, spread):
    assert 0 <= score(*spread, average, blur) <= 1


def test_places_without_a_tile_are_black():
    tile = VideoFrame(16, 8, "yuvj420p")
    for plane, value in zip(tile.planes, (200, 90, 160), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    picture = tiled([tile] * 3, 2, 2)
    assert (picture.width, picture.height) == (32, 16)
    values = [bytes(plane)[-1 - plane.line_size + plane.width] for plane in picture.planes]
    assert values == [0, 128, 128]
