"""Counts what making and keeping a video uses of the platform, and what that costs. Pure."""

import math
from dataclasses import dataclass, replace
from datetime import timedelta

LEAST_SECONDS = 1.0
"""Seconds of the shortest execution on the bill; longer ones are rounded up to `STEP_SECONDS`:
https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#billing
"""
STEP_SECONDS = 0.1


def billed(seconds: float) -> float:
    """Returns the seconds that are billed for an execution."""
    # A tiny amount is taken off first, because 0.1 has no exact float.
    return max(LEAST_SECONDS, math.ceil(seconds / STEP_SECONDS - 1e-6) * STEP_SECONDS)


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts what processing one video uses. Requests of API callers and viewers are not included."""

    seconds: float = 0.0
    """Seconds of an instance, as they are billed."""
    executions: int = 0
    writes: int = 0
    """Requests that write to blobs, which are the most expensive and the most frequent ones."""
    size: int = 0
    """Bytes kept in storage: the upload and everything made from it."""

    def ran(self, *took: timedelta) -> "Usage":
        """Returns this usage with further executions, which took these times."""
        seconds = self.seconds + sum(billed(time.total_seconds()) for time in took)
        return replace(self, seconds=seconds, executions=self.executions + len(took))


@dataclass(frozen=True, slots=True)
class OnDemand:
    """Counts what pictures on demand of one video have used; `usage.executions` is the number of attempts."""

    usage: Usage = Usage()
    etag: str | None = None
    """Version of the row that was read; None before the row is first saved."""


@dataclass(frozen=True, slots=True)
class Prices:
    gb_second: float
    """Price of one GB of an instance's memory for one second of work."""
    million_executions: float
    ten_thousand_writes: float
    gb_month: float
    memory: int
    """Memory of an instance in MB; 1024 MB are one GB on the bill."""
    currency: str

    def one_off_cost(self, usage: Usage) -> float:
        """Returns what is paid once."""
        return (
            usage.seconds * self.memory / 1024 * self.gb_second
            + usage.executions / 1e6 * self.million_executions
            + usage.writes / 1e4 * self.ten_thousand_writes
        )

    def monthly_cost(self, usage: Usage) -> float:
        """Returns what is paid each month."""
        return usage.size / 1e9 * self.gb_month
