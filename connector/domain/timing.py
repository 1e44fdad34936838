"""Finds the cadence of a source from its timestamps. It is pure, so that odd sources are cases in a table."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from connector.domain.planner import MAX_RATE, output_rate

MOSTLY = 0.98
"""Share of frames that must be on the grid for a source to count as constant, in spite of a dropped frame."""


@dataclass(frozen=True, slots=True)
class Cadence:
    rate: Fraction
    """Rate of the output grid in frames per second."""
    source: Fraction
    """Average rate of the source in frames per second."""
    constant: bool
    tolerance: Fraction
    """Seconds by which a frame may be shown early (see `VideoStream.tolerance`)."""


def cadence(stamps: Iterable[int], tick: Fraction, hints: Sequence[Fraction]) -> Cadence:
    """Returns the cadence of frames at `stamps`, which are in any order and in units of `tick` seconds.

    `hints` are the rates that the container claims, the most trusted first.
    """
    # Stamps stay whole numbers and each step length is checked once, because a long video has very many of them.
    places = sorted(set(stamps))
    steps = sorted(b - a for a, b in pairwise(places))
    hints = [h for h in hints if 0 < h <= 1000]
    if not steps:
        rate = output_rate(hints[0] if hints else Fraction(25))
        return Cadence(rate, rate, constant=True, tolerance=1 / (2 * rate))
    lengths = Counter(steps)
    for claimed in (*hints, 1 / (steps[len(steps) // 2] * tick)):
        source = output_rate(claimed) if claimed <= MAX_RATE else claimed
        if _on_grid(lengths, 1 / (source * tick)):
            return Cadence(output_rate(source), source, constant=True, tolerance=1 / (2 * source))
    # The rate is variable: the grid is fast enough for nine of ten frames.
    fast = steps[len(steps) // 10] * tick
    average = len(steps) / ((places[-1] - places[0]) * tick)
    rate = output_rate(min(Fraction(MAX_RATE), max(1 / fast, average)))
    return Cadence(rate, average, constant=False, tolerance=tick)


def _on_grid(lengths: Counter[int], frame: Fraction) -> bool:
    """Returns whether most steps are as long as a `frame`, all in ticks."""
    slack = max(Fraction(1), frame / 20)
    fitting = sum(count for length, count in lengths.items() if abs(length - frame) <= slack)
    return fitting >= MOSTLY * lengths.total()
