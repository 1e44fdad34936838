"""Puts source frames on the output grid: output frame n shows the source frame that is current at its time.

The choice does not depend on where decoding began, so chunks agree at their seams without knowing each other.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import TypeVar

Frame = TypeVar("Frame")


def on_grid(
    frames: Iterable[tuple[Fraction, Frame]], wanted: range, rate: Fraction, tolerance: Fraction
) -> Iterator[tuple[int, Frame]]:
    """Yields (n, frame) for each n of `wanted`, from (time, frame) in order of time. Output frame 0 has the time 0.

    A frame is current from `tolerance` seconds before its time until the next one is. Before the first frame, the first
    one is shown, and after the last frame the last one. Nothing is yielded when there is no frame at all.
    """
    n = wanted.start
    latest, step = n / rate + tolerance, 1 / rate
    current: Frame | None = None
    for time, frame in frames:
        while n < wanted.stop and latest < time:
            if current is None:
                current = frame
            yield n, current
            n, latest = n + 1, latest + step
        if n >= wanted.stop:
            return
        current = frame
    while current is not None and n < wanted.stop:
        yield n, current
        n += 1
