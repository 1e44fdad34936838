"""How many videos may be unfinished at the same time."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from math import inf
from threading import Lock
from time import monotonic

from connector import deadline
from connector.domain.ports import Videos
from connector.domain.video import UNFINISHED
from connector.errors import Busy

COUNT_SECONDS = 10
"""Counting looks through the table, so each process does it this seldom; in between it counts what it lets in."""


class Admission:
    def __init__(self, videos: Videos, most: int) -> None:
        """`most`: unfinished videos; 0: no limit."""
        self._videos, self._most = videos, most
        self._lock = Lock()
        self._counted = -inf
        self._pending = 0

    def admit(self) -> None:
        """Lets one more video in. Raises Busy while as many as may be are unfinished, and what counting raises."""
        if not self._most:
            return
        with deadline.locked(self._lock):
            if monotonic() - self._counted > COUNT_SECONDS:
                self._pending = self._count()
                self._counted = monotonic()
            if self._pending >= self._most:
                raise Busy(f"{self._most} videos are waiting or being processed, and no more may be. Try again later.")
            self._pending += 1

    def _count(self) -> int:
        """Up to the limit: how many there are above it does not matter."""
        found = self._videos.in_states(UNFINISHED, datetime.now(UTC) + timedelta(days=1))
        return sum(1 for _ in islice(found, self._most))
