"""Two programs on the same cores that take turns: each runs for some seconds while the other is stopped. Whatever the
machine does meanwhile, and machines drift by several per cents within minutes, it does to both.

In the background it needs a session of its own (`setsid`): whoever leaves a group of processes with stopped ones among
them has all of them hung up (POSIX, orphaned process groups).
"""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from bench.processes import descendants

TURN = 5.0
"""Seconds: longer than caches take to fill, shorter than the leases and time-outs of what is stopped."""


class Side:
    """A program: a process, and all that it began."""

    def __init__(self, pid: int, wait: Callable[[float], bool]) -> None:
        """`wait` waits at most so many seconds for its end, and answers whether it has ended."""
        self._pid, self._wait = pid, wait
        self._turns: list[tuple[float, float]] = []

    def run(self) -> bool:
        """For one turn. Answers whether it has ended."""
        begin = time.time()
        self.resume()
        ended = self._wait(TURN)
        self.stop()
        self._turns.append((begin, time.time()))
        return ended

    def stop(self) -> None:
        stopped: set[int] = set()
        # What is begun while others are being stopped is found when looked for again.
        while others := {self._pid, *descendants(self._pid)} - stopped:
            stopped |= others
            self._send(signal.SIGSTOP, others)

    def resume(self) -> None:
        self._send(signal.SIGCONT, {self._pid, *descendants(self._pid)})

    def seconds(self, end: float) -> float:
        """For which it has run until that moment (epoch seconds)."""
        return sum(max(0.0, min(until, end) - begin) for begin, until in self._turns)

    @staticmethod
    def _send(number: signal.Signals, pids: set[int]) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def take_turns(*sides: Side) -> None:
    """Until each has ended. Those of which processes are left run again then."""
    for side in sides:
        side.stop()
    try:
        running = list(sides)
        while running:
            running = [side for side in running if not side.run()]
    finally:
        for side in sides:
            side.resume()
