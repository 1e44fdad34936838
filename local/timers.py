"""Timer triggers: when they run, and what is kept of it.

Rules: `TimerListener` and `ScheduleMonitor` of the timer extension,
https://github.com/Azure/azure-webjobs-sdk-extensions/tree/main/src/WebJobs.Extensions/Extensions/Timers
"""

import asyncio
import contextlib
import json
import logging
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from azure.core.exceptions import AzureError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient

from local.app import Function
from local.config import ConfigurationError
from local.protos import TypedData
from local.runner import Runner
from local.schedule import Schedule
from local.storage import HOST_STORAGE

log = logging.getLogger("local.timers")

_NEVER = datetime.min.replace(tzinfo=UTC)
_HOSTS_CONTAINER = "azure-webjobs-hosts"


@dataclass(frozen=True, slots=True)
class Status:
    """A timer's last run, its next one, and when that was planned. All in UTC."""

    Last: datetime
    Next: datetime
    LastUpdated: datetime

    def to_json(self) -> dict[str, str]:
        """As the host stores it, and as the worker gets it."""
        return {name: moment.isoformat() for name, moment in asdict(self).items()}

    @classmethod
    def of_json(cls, text: str) -> "Status":
        """Raises ValueError, KeyError and TypeError for a text that is no status."""
        document = json.loads(text)
        return cls(*(datetime.fromisoformat(document[name]) for name in ("Last", "Next", "LastUpdated")))


def resume(schedule: Schedule, stored: Status | None, now: datetime) -> tuple[Status, bool]:
    """Where a timer stands when its host starts, and whether a run was missed meanwhile.

    `stored` is what was kept of the timer, None at its first start. With another schedule than then, nothing was
    missed: the next run is planned anew.
    """
    if stored is None:
        return Status(_NEVER, schedule.after(now), now), False
    since = stored.Last if stored.Last != _NEVER else stored.LastUpdated
    planned = schedule.after(since)
    if stored.Next != planned:
        if now > planned:
            since, planned = now, schedule.after(now)
        stored = Status(_NEVER, planned, since)
    return stored, now > stored.Next


class StatusStore(Protocol):
    """Keeps the status of timers while no host runs."""

    async def read(self, name: str) -> Status | None:
        """The timer's status, None when nothing was kept."""

    async def write(self, name: str, status: Status) -> None:
        """Keep this status."""


class BlobStatusStore:
    """Keeps the status of timers where the real host does: in blobs of AzureWebJobsStorage."""

    def __init__(self) -> None:
        self._service = BlobServiceClient.from_connection_string(
            os.environ[HOST_STORAGE], initial_backoff=1, increment_base=1
        )

    async def read(self, name: str) -> Status | None:
        """The timer's status, None when nothing usable was kept. Raises AzureError."""
        try:
            stored = await self._service.get_blob_client(_HOSTS_CONTAINER, _blob_name(name)).download_blob()
            return Status.of_json((await stored.readall()).decode())
        except (ResourceNotFoundError, ValueError, KeyError, TypeError):
            return None

    async def write(self, name: str, status: Status) -> None:
        """Keep this status. A failure is in the log: the schedule goes on."""
        blob = self._service.get_blob_client(_HOSTS_CONTAINER, _blob_name(name))
        text = json.dumps(status.to_json())
        try:
            try:
                await blob.upload_blob(text, overwrite=True)
            except ResourceNotFoundError:
                with contextlib.suppress(ResourceExistsError):  # another timer did
                    await self._service.create_container(_HOSTS_CONTAINER)
                await blob.upload_blob(text, overwrite=True)
        except AzureError as error:
            log.warning("The status of timer %s could not be kept: %s", name, type(error).__name__)

    async def close(self) -> None:
        """Ends its connections."""
        await self._service.close()


def _blob_name(timer: str) -> str:
    return f"timers/local/Host.Functions.{timer}/status"


class Timer:
    """Runs one timer-triggered function on its schedule, in UTC."""

    def __init__(self, function: Function, runner: Runner, store: StatusStore) -> None:
        """Raises ConfigurationError for a schedule that cannot be understood."""
        self._function = function
        self._runner = runner
        try:
            self._schedule = Schedule(function.trigger["schedule"])
        except ValueError as error:
            raise ConfigurationError(f"The schedule of {function.name}: {error}") from error
        monitored = function.trigger.get("useMonitor", True) and not self._schedule.is_frequent(datetime.now(UTC))
        self._store = store if monitored else None
        self._status: Status | None = None
        self._firing: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled. A run that has begun is not cut off then: `idle` waits for it."""
        stored = await self._stored()
        self._status, past_due = resume(self._schedule, stored, datetime.now(UTC))
        if self._store and self._status != stored:
            await self._store.write(self._function.name, self._status)
        if past_due:
            log.info("Function %s is past due: it runs now", self._function.name)
            await asyncio.shield(self._scheduled(past_due=True))
        elif self._function.trigger.get("runOnStartup"):
            await asyncio.shield(self._scheduled())
        while True:
            # In steps, so that a clock that is set or a machine that slept is noticed.
            while (remaining := self._status.Next - datetime.now(UTC)) > timedelta():  # noqa: ASYNC110 - the clock's
                await asyncio.sleep(min(remaining.total_seconds(), 3600))
            await asyncio.shield(self._scheduled())

    async def _stored(self) -> Status | None:
        while self._store:
            try:
                return await self._store.read(self._function.name)
            except AzureError as error:
                log.warning("Timer %s waits for its status: %s", self._function.name, type(error).__name__)
                await asyncio.sleep(1)
        return None

    async def idle(self) -> None:
        """Returns when no run is under way, and all that they sent is sent."""
        if self._firing:
            await asyncio.wait(self._firing)

    def fire(self) -> asyncio.Task[None]:
        """Run now, outside the schedule; a failure is in the log."""
        return self._start(past_due=False, planned=False)

    def _scheduled(self, *, past_due: bool = False) -> asyncio.Task[None]:
        return self._start(past_due=past_due, planned=True)

    def _start(self, *, past_due: bool, planned: bool) -> asyncio.Task[None]:
        task = asyncio.create_task(self._fire(past_due=past_due, planned=planned))
        self._firing.add(task)
        task.add_done_callback(self._firing.discard)
        return task

    async def _fire(self, *, past_due: bool, planned: bool) -> None:
        began = datetime.now(UTC)
        told = {
            "Schedule": {"AdjustForDST": not self._schedule.is_interval},
            "ScheduleStatus": self._status.to_json() if self._store and self._status else None,
            "IsPastDue": past_due,
        }
        metadata = {"TimerTrigger": TypedData(string=began.strftime("%m/%d/%Y %H:%M:%S"))}
        with contextlib.suppress(Exception):  # in the log already; the schedule goes on
            await self._runner.run(self._function, TypedData(json=json.dumps(told)), metadata)
        if planned:
            # From when the run began: one that took longer than the schedule's step is followed by the next at once.
            self._status = Status(began, self._schedule.after(began), began)
            if self._store:
                await self._store.write(self._function.name, self._status)
