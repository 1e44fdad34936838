"""Timer triggers: one function, one loop; the next run is planned when the last has ended, as in the real host."""

import asyncio
import contextlib
import json
import logging
from datetime import UTC, datetime

from local.app import Function, Invoker
from local.config import ConfigurationError
from local.protos import TypedData
from local.schedule import Schedule
from local.storage import Queues

log = logging.getLogger("local.timers")


class Timer:
    """Runs one timer-triggered function on its schedule, in UTC."""

    def __init__(self, function: Function, invoker: Invoker, queues: Queues) -> None:
        """Raises ConfigurationError for a schedule that cannot be understood."""
        self._function = function
        self._invoker = invoker
        self._queues = queues
        self._firing: set[asyncio.Task[None]] = set()
        try:
            self._schedule = Schedule(function.trigger["schedule"])
        except ValueError as error:
            raise ConfigurationError(f"The schedule of {function.name}: {error}") from error

    async def run(self) -> None:
        """Until cancelled."""
        if self._function.trigger.get("runOnStartup"):
            await asyncio.shield(self.fire())
        while True:
            due = self._schedule.after(datetime.now(UTC))
            # In steps, so that a clock that is set or a machine that slept is noticed.
            while (remaining := (due - datetime.now(UTC)).total_seconds()) > 0:  # noqa: ASYNC110 - waits for the clock
                await asyncio.sleep(min(remaining, 3600))
            # A run that was started is not cut off when the timer is cancelled.
            await asyncio.shield(self.fire())

    async def idle(self) -> None:
        """Returns when no run is under way, and all that they sent is sent."""
        if self._firing:
            await asyncio.wait(self._firing)

    def fire(self) -> asyncio.Task[None]:
        """Run now; a failure is in the log and waits for the next time."""
        task = asyncio.create_task(self._fire())
        self._firing.add(task)
        task.add_done_callback(self._firing.discard)
        return task

    async def _fire(self) -> None:
        with contextlib.suppress(Exception):
            result = await self._invoker.run(self._function, TypedData(json=json.dumps({"IsPastDue": False})))
            await self._queues.write_outputs(self._function, result)
