"""The context of the pipeline's steps: the ports, and what settings decide about processing."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import BoundedSemaphore
from uuid import UUID

from connector.domain.limits import JobLimits, SourceLimits
from connector.domain.planner import Limits as PlanLimits
from connector.domain.ports import Clock, MediaRunner, Storage
from connector.errors import Busy
from connector.pipeline.admission import Admission
from connector.security.master import KeyRing
from connector.telemetry import Telemetry


def worker_name() -> str:
    """Returns a name for this process, so that the rows show which tasks ran side by side."""
    return f"{socket.gethostname()}:{os.getpid()}"


@dataclass(frozen=True, eq=False, repr=False)
class JobOptions:
    """Limits of the media jobs, by their kind."""

    probe: JobLimits
    """Limits of a probe. A probe reads little, so one that takes long hangs."""
    task: JobLimits
    """Limits of a chunk and of a storyboard."""
    stream: JobLimits
    """Limits of a task whose work is as long as the source: sound, and the split."""
    still: JobLimits
    """Limits of a picture on demand."""
    preset: str = "veryfast"
    """Preset of x264."""


@dataclass(frozen=True, eq=False, repr=False)
class PlaybackOptions:
    """Where players find a video."""

    public_url: str
    """Base URL of the API, without a slash at the end; empty when it is not known."""
    signed: bool
    """Whether output containers are private, so that each address carries a signature."""
    url_lifetime: timedelta
    """Validity of signed addresses."""

    def key_uri(self, key_id: UUID) -> str:
        """The URL from which players get a content key."""
        return f"{self.public_url}/Keys/{key_id}"


@dataclass(frozen=True, eq=False, repr=False)
class Pace:
    """Intervals, waits and degrees of concurrency."""

    heartbeat_seconds: float = 5
    """Seconds between two heartbeats of a task."""
    storage_calls: int = 8
    """Calls of storage that one step makes at the same time."""
    max_failures: int = 5
    """Failed attempts of a task: as many as queues deliver one message (`maxDequeueCount` in host.json)."""
    max_losses: int = 12
    """Losses of a task (`domain/task.py`), with pauses of three hours in all."""
    stills: int = 2
    """Pictures on demand that one process makes at the same time, because it has other requests to answer."""
    still_wait_seconds: float = 2
    """Seconds that a request for one more picture may wait for its turn."""


@dataclass(frozen=True, eq=False, repr=False)
class Options:
    """What the settings decide about processing."""

    plan: PlanLimits
    source: SourceLimits
    jobs: JobOptions
    playback: PlaybackOptions
    max_output_minutes: float
    """Most minutes that one video may be encoded to, all renditions added up; 0 means no limit."""
    max_upload_bytes: int
    max_pictures: int
    """Most pictures on demand that are made for one video; 0 means no limit."""
    upload_lifetime: timedelta
    """Validity of an upload URL."""
    stall: timedelta
    """Time without movement after which a step is started again."""
    pace: Pace = field(default_factory=Pace)


class StillTurns:
    """Limits how many pictures on demand are made at the same time; others wait for a short while."""

    def __init__(self, pace: Pace) -> None:
        self._turns, self._wait = BoundedSemaphore(pace.stills), pace.still_wait_seconds

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Waits for a turn. Raises Busy when none comes in time."""
        if not self._turns.acquire(timeout=self._wait):
            raise Busy("Too many pictures are being made at the moment. Please try again.")
        try:
            yield
        finally:
            self._turns.release()


@dataclass(frozen=True, eq=False, repr=False)
class Pipeline:
    """The ports, the options and the master keys that all steps work with. The composition root makes it."""

    storage: Storage
    media: MediaRunner
    clock: Clock
    options: Options
    master_keys: KeyRing
    admission: Admission
    still_turns: StillTurns
    telemetry: Telemetry = field(default_factory=Telemetry)
