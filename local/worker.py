"""One process of the stack: the host (HTTP, timers, blob events), an encoder (the queue `encode`), or the other queues.

As in Azure, where each function group has instances of its own, no queue's work stands in the way of a request.
Started by the supervisor as `python -m local.worker`.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient

from local import config, logs
from local.admin import Fire
from local.app import Function, FunctionFailed, FunctionTimeoutError, Invoker, load
from local.blobs import BlobDispatcher, BlobTrigger, BlobWatcher
from local.config import ConfigurationError, HostOptions, QueueOptions, Role, base_url
from local.keys import Keys
from local.protos import TypedData
from local.queues import QueueListener, metadata, poison_name
from local.routes import Route, Router
from local.runner import Runner
from local.storage import Queues, create_if_missing
from local.timers import BlobStatusStore, Timer
from local.web import Site

log = logging.getLogger("local.worker")

ENCODE_QUEUE = "encode"
"""The queue whose functions get processes of their own, one message at a time in each."""

_SELDOM = 10
"""So many times the longest pause between two looks into a poison queue, which is seldom filled."""

_NICER = 5
"""Steps of niceness by which queues give way to requests, and to the storage that both wait for."""


class Worker:
    """The listeners, timers and site of one process."""

    def __init__(self, functions: list[Function], options: HostOptions) -> None:
        self.invoker = Invoker(options.function_timeout)
        self.queues = Queues(base64=options.queues.base64)
        self.runner = Runner(self.invoker, self.queues)
        self._functions = functions
        self._options = options
        self._lease = float(os.environ.get("QUEUE_LEASE_SECONDS") or 600)
        self._drain = float(os.environ.get("DRAIN_SECONDS") or 30)
        self._listeners: list[QueueListener] = []
        self._timing: list[asyncio.Task[None]] = []
        self._watching: list[asyncio.Task[None]] = []
        self._serving: list[asyncio.Task[None]] = []
        self._timers: list[Timer] = []
        self._statuses: BlobStatusStore | None = None
        self._direct: set[asyncio.Task[None]] = set()
        self._draining = False
        self._site: Site | None = None

    async def create_queues(self) -> None:
        """Create the queues that this app's functions are triggered by, as the template does in Azure."""
        for function in self._of_kind("queueTrigger"):
            await create_if_missing(self._queue(function))

    async def start_encoder(self) -> None:
        one = replace(self._options.queues, batch_size=1, new_batch_threshold=0)
        for function in self._of_kind("queueTrigger"):
            if function.trigger["queueName"] == ENCODE_QUEUE:
                self._listen(function, one)

    async def start_queues(self) -> None:
        for function in self._of_kind("queueTrigger"):
            if function.trigger["queueName"] != ENCODE_QUEUE:
                self._listen(function, self._options.queues)

    async def start_host(
        self, listening: socket.socket, data_dir: Path, keys: Keys | None, origins: Sequence[str]
    ) -> None:
        admin: dict[str, Fire] = {}
        for function in self._of_kind("queueTrigger"):
            admin[function.name.lower()] = self._fire_queue(function)
        self._statuses = BlobStatusStore()
        for function in self._of_kind("timerTrigger"):
            timer = Timer(function, self.runner, self._statuses)
            self._timers.append(timer)
            self._timing.append(asyncio.create_task(timer.run()))
            admin[function.name.lower()] = self._fire_timer(timer)
        triggers = [BlobTrigger(f, self.runner) for f in self._of_kind("blobTrigger")]
        dispatcher = BlobDispatcher(triggers, self.queues)
        for trigger in triggers:
            admin[trigger.function.name.lower()] = self._fire_blob(trigger)
        router = Router([Route.of(f) for f in self._of_kind("httpTrigger")], self._options.route_prefix)
        self._site = Site(
            router=router,
            runner=self.runner,
            blobs=dispatcher,
            admin=admin,
            instance=self,
            keys=keys,
            origins=origins,
            home=os.environ.get("AzureWebJobsDisableHomepage", "").lower() != "true",  # noqa: SIM112 - the host's own name
        )
        await self._site.start(listening)
        # Whoever is told of a timeout may ask again at once: that request waits for the next process.
        self.invoker.ending = self._site.refuse
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
        dispatcher.kept = listener.look
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
            options = replace(options, max_polling_interval=options.max_polling_interval * _SELDOM)
            self._serve(QueueListener(self._queue(function), None, handle, options, self._lease))
            return
        buried = self.queues.client(poison, function.trigger.get("connection"))
        self._serve(QueueListener(self._queue(function), lambda _: buried, handle, options, self._lease))

    def _serve(self, listener: QueueListener) -> None:
        self._listeners.append(listener)
        self._serving.append(asyncio.create_task(listener.run()))

    def _fire_queue(self, function: Function) -> Fire:
        async def fire(given: str) -> None:
            self._directly(self.runner.run(function, TypedData(string=given), metadata(None, given)))

        return fire

    def _fire_timer(self, timer: Timer) -> Fire:
        async def fire(_: str) -> None:
            timer.fire()

        return fire

    def _fire_blob(self, trigger: BlobTrigger) -> Fire:
        async def fire(given: str) -> None:
            container, _, name = given.partition("/")
            self._directly(trigger.run(container, name))

        return fire

    def _directly(self, run: Coroutine[Any, Any, object]) -> None:
        """Run a function past its trigger, as the admin address does. A failure is in the log, and nothing follows."""

        async def attempt() -> None:
            try:
                await run
            except (FunctionFailed, FunctionTimeoutError):
                pass  # in the log already
            except ResourceNotFoundError:
                log.error("The blob is not there")  # noqa: TRY400
            except Exception:
                log.exception("The function could not be run")

        task = asyncio.create_task(attempt())
        self._direct.add(task)
        task.add_done_callback(self._direct.discard)

    def drain(self) -> None:
        """Take no more messages, and start no timer. What runs goes on; requests and blob events are still answered.

        `POST /admin/host/drain` of the real host, which the platform asks for before it ends an instance. It concerns
        this process only, as in Azure one instance. Repeating it changes nothing.
        """
        self._draining = True
        for listener in self._listeners:
            listener.stop()
        for task in self._timing:
            task.cancel()

    @property
    def drain_state(self) -> Literal["Disabled", "InProgress", "Completed"]:
        """Whether this process drains, and whether an invocation is still under way then, requests included."""
        if not self._draining:
            return "Disabled"
        busy = self.runner.outstanding or any(listener.busy for listener in self._listeners)
        return "InProgress" if busy else "Completed"

    async def until(self, signals: "asyncio.Queue[int]") -> int:
        """Serve until a signal or a function's timeout; answers the exit status.

        The first signal drains and closes the socket. A second one or the end of the grace period ends what still
        runs. Nothing is given back: a message under way stays hidden until its lease ends.
        """
        stop = asyncio.create_task(signals.get())
        timed_out = asyncio.create_task(self.invoker.timed_out.wait())
        while True:
            watched: set[asyncio.Task[Any]] = {stop, timed_out, *self._watching}
            if not self._draining:
                watched |= {*self._timing, *self._serving}
            done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if done & {stop, timed_out}:
                break
            for task in done:
                if not task.cancelled():
                    task.result()  # a listener or watcher that broke takes the process with it, loudly
        self.drain()
        for task in self._watching:
            task.cancel()
        closing = asyncio.create_task(self._close_site())
        if stop in done and not timed_out.done():
            idle = [timer.idle() for timer in self._timers]
            ends: set[asyncio.Future[Any]] = {
                asyncio.gather(closing, *idle, *self._direct, *self._serving),
                asyncio.create_task(signals.get()),
                timed_out,
            }
            await asyncio.wait(ends, timeout=self._drain, return_when=asyncio.FIRST_COMPLETED)
        settled = [asyncio.create_task(listener.settle()) for listener in self._listeners]
        await asyncio.wait({closing, *settled}, timeout=3)
        await self.queues.close()
        if self._statuses:
            await self._statuses.close()
        return 0 if stop in done else 1

    async def _close_site(self) -> None:
        """No more requests come in; returns when those that were in are answered."""
        if self._site is not None:
            await self._site.close()


async def _main(arguments: argparse.Namespace) -> int:
    signals: asyncio.Queue[int] = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, signals.put_nowait, number)
    functions = load(arguments.app, os.environ)
    worker = Worker(functions, HostOptions.read(arguments.app))
    if arguments.first:
        await worker.create_queues()
    if arguments.role == "host":
        names = ("FUNCTIONS_KEY", "FUNCTIONS_MASTER_KEY", "FUNCTIONS_SYSTEM_KEY")
        keys = Keys(*(os.environ.get(name, "") for name in names)) if arguments.auth else None
        listening = socket.socket(fileno=arguments.listen)
        await worker.start_host(listening, arguments.data, keys, config.origins(arguments.origins))
    elif arguments.role == "encoder":
        await worker.start_encoder()
    else:
        await worker.start_queues()
    os.write(arguments.ready, b"1")
    os.close(arguments.ready)
    return await worker.until(signals)


def _end_with_parent() -> None:
    """Ends this process and what it started, whatever they are doing, when the supervisor's end of stdin closes."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.worker")
    parser.add_argument("--name", required=True)
    parser.add_argument("--role", choices=get_args(Role), required=True)
    parser.add_argument("--app", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--ready", type=int, required=True, help="descriptor that tells when the process is up")
    parser.add_argument("--listen", type=int, help="descriptor of the listening socket; only the host has one")
    parser.add_argument("--auth", action="store_true")
    parser.add_argument("--origins", default="", help="the site's CORS setting, separated by commas")
    parser.add_argument("--first", action="store_true", help="create the queues of the triggers")
    arguments = parser.parse_args()
    for descriptor in (arguments.ready, arguments.listen):
        if descriptor is not None:
            os.set_inheritable(descriptor, False)
    _end_with_parent()
    if arguments.role != "host":
        os.nice(_NICER)
    logs.configure(arguments.name)
    status = 1
    try:
        status = asyncio.run(_main(arguments))
    except ConfigurationError as error:
        log.error("%s", error)  # noqa: TRY400 - says all there is to say
    except Exception:
        log.exception("The %s could not go on", arguments.name)
    # Not sys.exit: that would wait for functions that still run in threads.
    logging.shutdown()
    sys.stdout.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
