"""The cadence of a source, told from its timestamps: pure, so that odd sources are cases in a table."""

from collections.abc import Sequence
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


def cadence(times: Sequence[Fraction], tick: Fraction, hints: Sequence[Fraction]) -> Cadence:
    """The cadence of frames at `times` (seconds, any order), stamped in units of `tick` seconds.

    `hints` are the rates that the container claims, the most trusted first.
    """
    stamps = sorted(set(times))
    steps = [b - a for a, b in pairwise(stamps)]
    hints = [h for h in hints if 0 < h <= 1000]
    if not steps:
        rate = output_rate(hints[0] if hints else Fraction(25))
        return Cadence(rate, rate, constant=True, tolerance=1 / (2 * rate))
    median = sorted(steps)[len(steps) // 2]
    for claimed in (*hints, 1 / median):
        source = output_rate(claimed) if claimed <= MAX_RATE else claimed
        if _on_grid(steps, source, tick):
            return Cadence(output_rate(source), source, constant=True, tolerance=1 / (2 * source))
    # Variable: fast enough for nine of ten frames.
    fast = sorted(steps)[len(steps) // 10]
    average = len(steps) / (stamps[-1] - stamps[0])
    rate = output_rate(min(Fraction(MAX_RATE), max(1 / fast, average)))
    return Cadence(rate, average, constant=False, tolerance=tick)


def _on_grid(steps: Sequence[Fraction], rate: Fraction, tick: Fraction) -> bool:
    length = 1 / rate
    slack = max(tick, length / 20)
    return sum(abs(s - length) <= slack for s in steps) >= MOSTLY * len(steps)
