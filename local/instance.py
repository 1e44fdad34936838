"""The listeners, timers and HTTP site of one process, which corresponds to an instance in Azure."""

import asyncio
import os
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local.admin import ManualRun
from local.app import Function, Invoker
from local.blobs import BlobDispatcher, BlobTrigger, BlobWatcher
from local.config import HostOptions, QueueOptions, base_url
from local.keys import Keys
from local.manual import ManualRuns
from local.protos import TypedData
from local.queues import QueueListener, metadata, poison_name
from local.routes import Route, Router
from local.runner import Runner
from local.storage import Queues, create_if_missing
from local.timers import BlobStatusStore, Timer
from local.web import Site

_POISON_POLLING_FACTOR = 10
"""The longest pause between two polls of a poison queue is this many times longer, for it is seldom filled."""
_SETTLE_SECONDS = 3
"""How long an ending process waits for its last responses and its last calls to the storage."""


class Instance:
    """Serves triggers of the app in this process, until a signal or the timeout of a function."""

    def __init__(self, functions: list[Function], options: HostOptions) -> None:
        self.invoker = Invoker(options.function_timeout)
        self.queues = Queues(base64=options.queues.base64)
        self.runner = Runner(self.invoker, self.queues)
        self._functions = functions
        self._options = options
        self._lease = float(os.environ.get("QUEUE_LEASE_SECONDS") or 600)
        self._drain_seconds = float(os.environ.get("DRAIN_SECONDS") or 30)
        self._listeners: list[QueueListener] = []
        self._listening: list[asyncio.Task[None]] = []
        self._timers: list[Timer] = []
        self._timing: list[asyncio.Task[None]] = []
        self._watching: list[asyncio.Task[None]] = []
        self._statuses: BlobStatusStore | None = None
        self._manual = ManualRuns(self.runner)
        self._draining = False
        self._site: Site | None = None

    async def create_queues(self) -> None:
        """Creates the queues that trigger functions, as the template does in Azure."""
        for function in self._of_kind("queueTrigger"):
            await create_if_missing(self._queue(function))

    async def start_encoder(self) -> None:
        """Begins to handle the messages of the encode queue, one at a time."""
        one = replace(self._options.queues, batch_size=1, new_batch_threshold=0)
        for function in self._of_kind("queueTrigger"):
            if _encodes(function):
                self._listen(function, one)

    async def start_queues(self) -> None:
        """Begins to handle the messages of all queues but the encode queue."""
        for function in self._of_kind("queueTrigger"):
            if not _encodes(function):
                self._listen(function, self._options.queues)

    async def start_host(
        self, listening: socket.socket, data_dir: Path, keys: Keys | None, origins: Sequence[str]
    ) -> None:
        """Begins to serve HTTP, timers and blob events. `keys` is None when no keys are required."""
        manual_runs: dict[str, ManualRun] = {}
        for function in self._of_kind("queueTrigger"):
            manual_runs[function.name.lower()] = self._manual.of_queue(function)
        self._statuses = BlobStatusStore()
        for function in self._of_kind("timerTrigger"):
            timer = Timer(function, self.runner, self._statuses)
            self._timers.append(timer)
            self._timing.append(asyncio.create_task(timer.run()))
            manual_runs[function.name.lower()] = self._manual.of_timer(timer)
        triggers = [BlobTrigger(f, self.runner) for f in self._of_kind("blobTrigger")]
        dispatcher = BlobDispatcher(triggers, self.queues)
        for trigger in triggers:
            manual_runs[trigger.function.name.lower()] = self._manual.of_blob(trigger)
        router = Router([Route.of(f) for f in self._of_kind("httpTrigger")], self._options.route_prefix)
        self._site = Site(
            router=router,
            runner=self.runner,
            blobs=dispatcher,
            manual_runs=manual_runs,
            instance=self,
            keys=keys,
            origins=origins,
            public_url=os.environ.get("PUBLIC_URL", ""),
            home=os.environ.get("AzureWebJobsDisableHomepage", "").lower() != "true",  # noqa: SIM112 - the host's own name
        )
        await self._site.start(listening)
        # A client may repeat its request as soon as it learns of a timeout. The next process is to answer that one.
        self.invoker.on_timeout = self._site.stop_accepting
        if triggers:
            await self._watch_blobs(triggers, dispatcher, listening, keys.system if keys else "", data_dir)

    async def _watch_blobs(
        self,
        triggers: list[BlobTrigger],
        dispatcher: BlobDispatcher,
        listening: socket.socket,
        key: str,
        data_dir: Path,
    ) -> None:
        await create_if_missing(dispatcher.queue)
        listener = QueueListener(
            dispatcher.queue, dispatcher.poison, dispatcher.handle, self._options.blobs, self._lease
        )
        dispatcher.on_enqueued = listener.poll_now
        self._serve(listener)
        address = f"{base_url(listening.getsockname())}/runtime/webhooks/blobs"
        for trigger in triggers:
            receipts = data_dir / f"blob-receipts-{trigger.function.name}.json"
            watcher = BlobWatcher(trigger, address, key, receipts)
            self._watching.append(asyncio.create_task(watcher.run()))

    def _of_kind(self, kind: str) -> list[Function]:
        return [function for function in self._functions if function.kind == kind]

    def _queue(self, function: Function) -> QueueClient:
        return self.queues.client(function.trigger["queueName"], function.trigger.get("connection"))

    def _listen(self, function: Function, options: QueueOptions) -> None:
        async def handle(message: QueueMessage, text: str) -> None:
            await self.runner.run(function, TypedData(string=text), metadata(message, text))

        poison = poison_name(function.trigger["queueName"])
        if poison is None:
            options = replace(options, max_polling_interval=options.max_polling_interval * _POISON_POLLING_FACTOR)
            self._serve(QueueListener(self._queue(function), None, handle, options, self._lease))
            return
        poison_queue = self.queues.client(poison, function.trigger.get("connection"))
        self._serve(QueueListener(self._queue(function), lambda _: poison_queue, handle, options, self._lease))

    def _serve(self, listener: QueueListener) -> None:
        self._listeners.append(listener)
        self._listening.append(asyncio.create_task(listener.run()))

    def drain(self) -> None:
        """Receives no more messages and starts no more timers. Running invocations go on, and HTTP is still served.

        The platform asks for this with `POST /admin/host/drain` before it ends an instance. It concerns this process
        only, as it concerns one instance in Azure. A second call changes nothing.
        """
        self._draining = True
        for listener in self._listeners:
            listener.stop()
        for task in self._timing:
            task.cancel()

    @property
    def drain_state(self) -> Literal["Disabled", "InProgress", "Completed"]:
        """Whether this process drains, and whether invocations, HTTP requests included, are still in progress."""
        if not self._draining:
            return "Disabled"
        busy = self.runner.outstanding or any(listener.busy for listener in self._listeners)
        return "InProgress" if busy else "Completed"

    async def serve_until(self, signals: "asyncio.Queue[int]") -> int:
        """Serves until a signal or the timeout of a function. Returns the exit status.

        The first signal drains the process and closes its socket. A second signal, or the end of the grace period, ends
        what still runs. The messages being handled are not released: they stay hidden until their leases end.
        """
        stop = asyncio.create_task(signals.get())
        timed_out = asyncio.create_task(self.invoker.timed_out.wait())
        while True:
            watched: set[asyncio.Task[Any]] = {stop, timed_out, *self._watching}
            if not self._draining:
                watched |= {*self._timing, *self._listening}
            done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if done & {stop, timed_out}:
                break
            for task in done:
                if not task.cancelled():
                    task.result()  # The exception of a broken listener or watcher ends the process, and is logged.
        self.drain()
        for task in self._watching:
            task.cancel()
        closing = asyncio.create_task(self._close_site())
        if stop in done and not timed_out.done():
            idle = [timer.wait_until_idle() for timer in self._timers]
            ends: set[asyncio.Future[Any]] = {
                asyncio.gather(closing, *idle, *self._manual.running, *self._listening),
                asyncio.create_task(signals.get()),
                timed_out,
            }
            await asyncio.wait(ends, timeout=self._drain_seconds, return_when=asyncio.FIRST_COMPLETED)
        settled = [asyncio.create_task(listener.settle()) for listener in self._listeners]
        await asyncio.wait({closing, *settled}, timeout=_SETTLE_SECONDS)
        await self.queues.close()
        if self._statuses:
            await self._statuses.close()
        return 0 if stop in done else 1

    async def _close_site(self) -> None:
        """Accepts no more requests, and returns when those in progress are answered."""
        if self._site is not None:
            await self._site.close()


def _encodes(function: Function) -> bool:
    """Whether the function is triggered by the encode queue, whose messages have processes of their own."""
    # The app may be a copy of this project. An import before the app is loaded would put this `connector` in its place.
    from connector.domain.layout import ENCODE_QUEUE

    return bool(function.trigger["queueName"] == ENCODE_QUEUE)
