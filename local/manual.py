"""Functions are run outside their triggers when somebody calls their admin address."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from azure.core.exceptions import ResourceNotFoundError

from local.admin import ManualRun
from local.app import Function, FunctionFailed, FunctionTimeoutError
from local.blobs import BlobTrigger
from local.protos import TypedData
from local.queues import metadata
from local.runner import Runner
from local.timers import Timer

log = logging.getLogger("local.manual")


class ManualRuns:
    """Makes what runs a function by hand, and knows which of these runs are in progress."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.running: set[asyncio.Task[None]] = set()
        """The runs in progress, without those of timers."""

    def of_queue(self, function: Function) -> ManualRun:
        """Returns what runs a queue-triggered function with the text of a message."""

        async def run(text: str) -> None:
            self._begin(self._runner.run(function, TypedData(string=text), metadata(None, text)))

        return run

    def of_timer(self, timer: Timer) -> ManualRun:
        """Returns what runs a timer-triggered function; it ignores the text."""

        async def run(_: str) -> None:
            timer.fire()

        return run

    def of_blob(self, trigger: BlobTrigger) -> ManualRun:
        """Returns what runs a blob-triggered function for the blob at the path `container/name`."""

        async def run(path: str) -> None:
            container, _, name = path.partition("/")
            self._begin(trigger.run(container, name))

        return run

    def _begin(self, run: Coroutine[Any, Any, object]) -> None:
        """Begins a run. There is no second attempt: a failure is only logged."""

        async def attempt() -> None:
            try:
                await run
            except (FunctionFailed, FunctionTimeoutError):
                pass  # The failure is already in the log.
            except ResourceNotFoundError:
                log.error("The blob does not exist")  # noqa: TRY400 - the traceback would say no more
            except Exception:
                log.exception("The function could not be run")

        task = asyncio.create_task(attempt())
        self.running.add(task)
        task.add_done_callback(self.running.discard)
