"""Times of calls that are made in turn, so that whatever the machine does meanwhile meets all of them."""

import time
from collections.abc import Callable

WARM_UP = 20
"""The first rounds open connections, and do not count."""


def in_turn(rounds: int, *calls: Callable[[], object]) -> list[list[float]]:
    """Milliseconds that each call took, in each round."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(WARM_UP + rounds):
        for call, taken in zip(calls, times, strict=True):
            begin = time.perf_counter()
            call()
            taken.append((time.perf_counter() - begin) * 1000)
    return [taken[WARM_UP:] for taken in times]
