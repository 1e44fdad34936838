"""What every step is given."""

import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connector.domain.planner import Limits as PlanLimits
from connector.domain.ports import Storage
from connector.media.jobs import Limits
from connector.settings import Settings


def now() -> datetime:
    return datetime.now(UTC)


def worker_name() -> str:
    """Names this process, so that tasks which ran side by side can be told from the rows."""
    return f"{socket.gethostname()}:{os.getpid()}"


@dataclass(frozen=True)
class App:
    """The adapters and settings, as the composition root put them together."""

    storage: Storage
    settings: Settings

    @property
    def plan_limits(self) -> PlanLimits:
        s = self.settings
        return PlanLimits(s.segment_seconds, s.chunk_seconds, s.max_resolution)

    @property
    def task_limits(self) -> Limits:
        s = self.settings
        return Limits(seconds=s.task_timeout_seconds, memory=s.task_memory_mb << 20, threads=s.encoder_threads)

    @property
    def upload_lifetime(self) -> timedelta:
        return timedelta(hours=self.settings.upload_hours)

    @property
    def url_lifetime(self) -> timedelta:
        return timedelta(hours=self.settings.url_hours)

    @property
    def stall(self) -> timedelta:
        return timedelta(minutes=self.settings.stall_minutes)
