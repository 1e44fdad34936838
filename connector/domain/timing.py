"""The cadence of a source, told from its timestamps: pure, so that odd sources are cases in a table."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from connector.domain.planner import MAX_RATE, output_rate

MOSTLY = 0.98
"""Share of frames that must stand on the grid for a source to count as constant: a dropped frame changes nothing."""


@dataclass(frozen=True, slots=True)
class Cadence:
    rate: Fraction
    """Of the output grid, frames per second."""
    source: Fraction
    """Of the source, on average."""
    constant: bool
    tolerance: Fraction
    """See MediaInfo."""


def cadence(stamps: Iterable[int], tick: Fraction, hints: Sequence[Fraction]) -> Cadence:
    """The cadence of frames at `stamps`, in any order, in units of `tick` seconds.

    `hints` are the rates that the container claims, the most trusted first.
    """
    # Whole numbers, and each length of a step once: a long video has very many.
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
    # Variable: fast enough for nine of ten frames.
    fast = steps[len(steps) // 10] * tick
    average = len(steps) / ((places[-1] - places[0]) * tick)
    rate = output_rate(min(Fraction(MAX_RATE), max(1 / fast, average)))
    return Cadence(rate, average, constant=False, tolerance=tick)


def _on_grid(lengths: Counter[int], frame: Fraction) -> bool:
    """Whether most steps are as long as a `frame`, all in ticks."""
    slack = max(Fraction(1), frame / 20)
    fitting = sum(count for length, count in lengths.items() if abs(length - frame) <= slack)
    return fitting >= MOSTLY * lengths.total()
