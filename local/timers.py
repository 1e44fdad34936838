"""Timer triggers run on their schedules, and their status is stored between two starts of the host.

The rules are those of `TimerListener` and `ScheduleMonitor` in the timer extension:
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
    """The times of a timer's last run, of its next run, and of the planning of the next run. All are in UTC."""

    Last: datetime
    Next: datetime
    LastUpdated: datetime

    def to_json(self) -> dict[str, str]:
        """Returns the form in which the host stores a status and the worker gets it."""
        return {name: moment.isoformat() for name, moment in asdict(self).items()}

    @classmethod
    def from_json(cls, text: str) -> "Status":
        """Parses a stored status. Raises ValueError, KeyError and TypeError for a text that is not one."""
        document = json.loads(text)
        return cls(*(datetime.fromisoformat(document[name]) for name in ("Last", "Next", "LastUpdated")))


def resume(schedule: Schedule, stored: Status | None, now: datetime) -> tuple[Status, bool]:
    """Returns the status of a timer at the start of its host, and whether a run was missed while no host ran.

    `stored` is the stored status, or None at the first start. If the schedule was changed, no run was missed, and the
    next run is planned anew.
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
    """Stores the status of timers while no host runs."""

    async def read(self, name: str) -> Status | None:
        """Returns the status of a timer, or None when nothing is stored."""

    async def write(self, name: str, status: Status) -> None:
        """Stores the status of a timer."""


class BlobStatusStore:
    """Stores the status of timers where the real host does: in blobs of AzureWebJobsStorage."""

    def __init__(self) -> None:
        self._service = BlobServiceClient.from_connection_string(
            os.environ[HOST_STORAGE], initial_backoff=1, increment_base=1
        )

    async def read(self, name: str) -> Status | None:
        """Returns the status of a timer, or None when nothing usable is stored. Raises AzureError."""
        try:
            stored = await self._service.get_blob_client(_HOSTS_CONTAINER, _blob_name(name)).download_blob()
            return Status.from_json((await stored.readall()).decode())
        except (ResourceNotFoundError, ValueError, KeyError, TypeError):
            return None

    async def write(self, name: str, status: Status) -> None:
        """Stores the status of a timer. A failure is only logged, so that the schedule goes on."""
        blob = self._service.get_blob_client(_HOSTS_CONTAINER, _blob_name(name))
        text = json.dumps(status.to_json())
        try:
            try:
                await blob.upload_blob(text, overwrite=True)
            except ResourceNotFoundError:
                with contextlib.suppress(ResourceExistsError):  # Another timer has created it.
                    await self._service.create_container(_HOSTS_CONTAINER)
                await blob.upload_blob(text, overwrite=True)
        except AzureError as error:
            log.warning("The status of timer %s could not be kept: %s", name, type(error).__name__)

    async def close(self) -> None:
        """Closes all connections."""
        await self._service.close()


def _blob_name(timer: str) -> str:
    return f"timers/local/Host.Functions.{timer}/status"


class Timer:
    """Runs one timer-triggered function on its schedule, in UTC."""

    def __init__(self, function: Function, runner: Runner, store: StatusStore) -> None:
        """Raises ConfigurationError for a schedule that is not valid."""
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
        """Runs the function on its schedule until it is cancelled.

        Cancelling does not end a run in progress: `wait_until_idle` waits for that.
        """
        stored = await self._read_status()
        self._status, past_due = resume(self._schedule, stored, datetime.now(UTC))
        if self._store and self._status != stored:
            await self._store.write(self._function.name, self._status)
        if past_due:
            log.info("Function %s is past due: it runs now", self._function.name)
            await asyncio.shield(self._scheduled(past_due=True))
        elif self._function.trigger.get("runOnStartup"):
            await asyncio.shield(self._scheduled())
        while True:
            # It sleeps for an hour at most, so that it notices a clock that was set and a machine that slept.
            while (remaining := self._status.Next - datetime.now(UTC)) > timedelta():  # noqa: ASYNC110 - no event tells the time
                await asyncio.sleep(min(remaining.total_seconds(), 3600))
            await asyncio.shield(self._scheduled())

    async def _read_status(self) -> Status | None:
        while self._store:
            try:
                return await self._store.read(self._function.name)
            except AzureError as error:
                log.warning("Timer %s waits for its status: %s", self._function.name, type(error).__name__)
                await asyncio.sleep(1)
        return None

    async def wait_until_idle(self) -> None:
        """Returns when no run is in progress and all outputs are sent."""
        if self._firing:
            await asyncio.wait(self._firing)

    def fire(self) -> asyncio.Task[None]:
        """Runs the function now, outside its schedule. A failure is only logged."""
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
        value = {
            "Schedule": {"AdjustForDST": not self._schedule.is_interval},
            "ScheduleStatus": self._status.to_json() if self._store and self._status else None,
            "IsPastDue": past_due,
        }
        metadata = {"TimerTrigger": TypedData(string=began.strftime("%m/%d/%Y %H:%M:%S"))}
        with contextlib.suppress(Exception):  # The runner has logged it, and the schedule goes on.
            await self._runner.run(self._function, TypedData(json=json.dumps(value)), metadata)
        if planned:
            # The next run is planned from the beginning of this one. So it follows at once if this one took too long.
            self._status = Status(began, self._schedule.after(began), began)
            if self._store:
                await self._store.write(self._function.name, self._status)
