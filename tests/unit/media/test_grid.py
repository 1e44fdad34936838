from fractions import Fraction
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.media.grid import on_grid

RATE = Fraction(10)
NONE = Fraction(0)


def _shown(times, wanted=range(6), rate=RATE, tolerance=NONE):
    """Index of the source frame on each wanted output frame."""
    frames = ((Fraction(t), i) for i, t in enumerate(times))
    return list(on_grid(frames, wanted, rate, tolerance))


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param(["0", "1/10", "2/10", "3/10", "4/10", "5/10"], [0, 1, 2, 3, 4, 5], id="on the grid"),
        pytest.param(["0", "1/10", "2/10", "4/10", "5/10"], [0, 1, 2, 2, 3, 4], id="a frame is missing"),
        pytest.param(["0", "2/10", "4/10"], [0, 0, 1, 1, 2, 2], id="half the rate"),
        pytest.param([f"{n}/20" for n in range(12)], [0, 2, 4, 6, 8, 10], id="twice the rate"),
        pytest.param(["25/100", "4/10"], [0, 0, 0, 0, 1, 1], id="begins late"),
        pytest.param(["-1", "-1/2", "15/100"], [1, 1, 2, 2, 2, 2], id="begins early"),
        pytest.param(["0"], [0, 0, 0, 0, 0, 0], id="one frame"),
        pytest.param([], [], id="no frame"),
        pytest.param(["0", "1/10", "1/10", "2/10"], [0, 2, 3, 3, 3, 3], id="two at one time: the later"),
    ],
)
def test_an_output_frame_shows_the_source_frame_that_is_current(times, expected):
    assert _shown(times) == list(enumerate(expected))


def test_a_frame_may_come_early_by_the_tolerance_and_no_more():
    times = ["0", "104/1000", "206/1000"]
    assert _shown(times, range(3), tolerance=Fraction(5, 1000)) == [(0, 0), (1, 1), (2, 1)]


@pytest.mark.parametrize("rate", [Fraction(24_000, 1001), Fraction(30_000, 1001), Fraction(60_000, 1001)])
@pytest.mark.parametrize("rounding", [round, int, lambda x: -int(-x // 1)])
def test_timestamps_rounded_to_milliseconds_change_nothing(rate, rounding):
    times = [Fraction(rounding(n * 1000 / rate), 1000) for n in range(5000)]
    assert _shown(times, range(5000), rate, 1 / (2 * rate)) == [(n, n) for n in range(5000)]


def test_frames_beyond_the_wanted_ones_are_not_asked_for():
    def frames():
        yield Fraction(0), "a"
        yield Fraction(1, 10), "b"
        yield Fraction(2, 10), "c"
        raise AssertionError("one frame too many")

    assert list(on_grid(frames(), range(2), RATE, NONE)) == [(0, "a"), (1, "b")]


steps = st.lists(st.fractions(Fraction(1, 1000), 2, max_denominator=90_000), min_size=1, max_size=40)
cuts = st.lists(st.integers(1, 59), max_size=6)


def _sources(begin, steps):
    return list(accumulate(steps, initial=begin))


@given(st.fractions(-1, 1, max_denominator=1000), steps, cuts, st.sampled_from([RATE, Fraction(30_000, 1001)]))
def test_chunks_put_together_are_the_whole_wherever_decoding_began(begin, steps, cuts, rate):
    """Each chunk decodes from some frame at or before its place on, as after a seek."""
    times, tolerance = _sources(begin, steps), Fraction(1, 1000)
    frames = list(zip(times, range(len(times)), strict=True))
    whole = list(on_grid(frames, range(60), rate, tolerance))
    bounds = sorted({0, *cuts, 60})
    parts = []
    for first, last in pairwise(bounds):
        place = first / rate + tolerance
        current = max((i for i, t in enumerate(times) if t <= place), default=0)
        for start in {0, current // 2, current}:
            part = list(on_grid(frames[start:], range(first, last), rate, tolerance))
            assert part == whole[first:last]
        parts += part
    assert parts == whole


@given(st.fractions(-1, 1, max_denominator=1000), steps)
def test_every_wanted_frame_comes_once_and_time_never_runs_backwards(begin, steps):
    shown = _shown(_sources(begin, steps), range(7, 50))
    assert [n for n, _ in shown] == list(range(7, 50))
    assert all(a <= b for (_, a), (_, b) in pairwise(shown))


@given(st.fractions(-1, 1, max_denominator=1000), steps)
def test_what_is_shown_is_the_last_frame_whose_time_has_come(begin, steps):
    times = _sources(begin, steps)
    for n, i in _shown(times, range(50)):
        assert i == max((k for k, t in enumerate(times) if t <= n / RATE), default=0)
