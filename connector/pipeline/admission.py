"""How many videos may be unfinished at the same time."""

from datetime import datetime, timedelta
from itertools import islice
from threading import Lock

from connector import deadline
from connector.domain.tables import Videos
from connector.domain.video import RECENT, UNFINISHED
from connector.errors import Busy

COUNT_EVERY = timedelta(seconds=10)
"""Time between two counts. Counting reads the table, so each process does it this seldom and adds what it admits."""


class Admission:
    """Counts the unfinished videos of a process, up to a limit."""

    def __init__(self, most: int) -> None:
        """`most` is the highest number of unfinished videos; 0 means no limit."""
        self._most = most
        self._lock = Lock()
        self._counted: datetime | None = None
        self._pending = 0

    def admit(self, videos: Videos, now: datetime) -> None:
        """Admits one more video. Raises Busy while the limit is reached, and whatever counting raises."""
        if not self._most:
            return
        with deadline.locked(self._lock):
            if self._counted is None or not timedelta() <= now - self._counted <= COUNT_EVERY:
                self._pending = self._count(videos, now)
                self._counted = now
            if self._pending >= self._most:
                raise Busy(f"{self._most} videos are waiting or being processed, and no more may be. Try again later.")
            self._pending += 1

    def _count(self, videos: Videos, now: datetime) -> int:
        """Counts the unfinished videos, but not beyond the limit: how many more there are does not matter."""
        found = videos.in_states(UNFINISHED, now + timedelta(days=1), now - RECENT)
        return sum(1 for _ in islice(found, self._most))
