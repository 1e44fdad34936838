"""Reads the clock of the machine: the adapter of `domain.ports.Clock`."""

from datetime import UTC, datetime


class SystemClock:
    """Tells the present time by the machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)
