"""What making and keeping a video takes of the platform, and what that costs: pure."""

import math
from dataclasses import dataclass, replace
from datetime import timedelta

LEAST_SECONDS = 1.0
"""Shortest execution that is billed; longer ones are rounded up to `STEP_SECONDS`:
https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#billing
"""
STEP_SECONDS = 0.1


def billed(seconds: float) -> float:
    """Seconds that are paid for an execution."""
    # A hair is taken off first: 0.1 has no exact float.
    return max(LEAST_SECONDS, math.ceil(seconds / STEP_SECONDS - 1e-6) * STEP_SECONDS)


@dataclass(frozen=True, slots=True)
class Usage:
    """Of processing one video. What callers and viewers ask for is not in it."""

    seconds: float = 0.0
    """Of an instance, as they are billed."""
    executions: int = 0
    writes: int = 0
    """Requests that write to blobs: the dearest ones, and most of them."""
    size: int = 0
    """Bytes that stay: the upload, and what was made of it."""

    def ran(self, *took: timedelta) -> "Usage":
        """With executions that took so long."""
        seconds = self.seconds + sum(billed(time.total_seconds()) for time in took)
        return replace(self, seconds=seconds, executions=self.executions + len(took))


@dataclass(frozen=True, slots=True)
class Prices:
    gb_second: float
    """Of an instance's memory while it works."""
    million_executions: float
    ten_thousand_writes: float
    gb_month: float
    memory: int
    """MB of an instance; 1024 are a GB on the bill."""
    currency: str

    def made(self, usage: Usage) -> float:
        """What is paid once."""
        return (
            usage.seconds * self.memory / 1024 * self.gb_second
            + usage.executions / 1e6 * self.million_executions
            + usage.writes / 1e4 * self.ten_thousand_writes
        )

    def kept(self, usage: Usage) -> float:
        """What is paid each month."""
        return usage.size / 1e9 * self.gb_month
