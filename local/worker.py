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
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from azure.storage.queue import QueueMessage

from local import config, logs
from local.admin import Fire
from local.app import Function, FunctionFailed, FunctionTimeoutError, Invoker, load
from local.blobs import EVENTS_QUEUE, POISON_QUEUE, BlobDispatcher, BlobTrigger, BlobWatcher
from local.config import ConfigurationError, HostOptions, Role, base_url
from local.keys import Keys
from local.protos import TypedData
from local.queues import QueueListener, metadata, poison_name
from local.routes import Route, Router
from local.storage import Queues
from local.timers import Timer
from local.web import Site

log = logging.getLogger("local.worker")

ENCODE_QUEUE = "encode"
"""The queue whose functions get processes of their own, one message at a time in each."""

_NICER = 5
"""Steps of niceness by which queues give way to requests, and to the storage that both wait for."""


class Worker:
    """The listeners, timers and site of one process."""

    def __init__(self, functions: list[Function], options: HostOptions) -> None:
        self.invoker = Invoker(options.function_timeout)
        self.queues = Queues(base64=options.queues.base64)
        self._functions = functions
        self._options = options
        self._lease = float(os.environ.get("QUEUE_LEASE_SECONDS") or 600)
        self._drain = float(os.environ.get("DRAIN_SECONDS") or 30)
        self._listeners: list[QueueListener] = []
        self._background: list[asyncio.Task[None]] = []
        self._serving: list[asyncio.Task[None]] = []
        self._timers: list[Timer] = []
        self._fired: set[asyncio.Task[None]] = set()
        self._site: Site | None = None

    async def start_encoder(self) -> None:
        one = replace(self._options, queues=replace(self._options.queues, batch_size=1, new_batch_threshold=0))
        for function in self._of_kind("queueTrigger"):
            if function.trigger["queueName"] == ENCODE_QUEUE:
                await self._listen(function, one)

    async def start_queues(self) -> None:
        for function in self._of_kind("queueTrigger"):
            if function.trigger["queueName"] != ENCODE_QUEUE:
                await self._listen(function, self._options)

    async def start_host(
        self, listening: socket.socket, data_dir: Path, keys: Keys | None, origins: Sequence[str]
    ) -> None:
        admin: dict[str, Fire] = {}
        for function in self._of_kind("queueTrigger"):
            admin[function.name.lower()] = self._fire_queue(function)
        for function in self._of_kind("timerTrigger"):
            timer = Timer(function, self.invoker, self.queues)
            self._timers.append(timer)
            self._background.append(asyncio.create_task(timer.run()))
            admin[function.name.lower()] = self._fire_timer(timer)
        triggers = [BlobTrigger(f, self.invoker, self.queues) for f in self._of_kind("blobTrigger")]
        dispatcher = BlobDispatcher(triggers, self.queues.client(EVENTS_QUEUE))
        for trigger in triggers:
            admin[trigger.function.name.lower()] = self._fire_blob(trigger, dispatcher)
        router = Router([Route.of(f) for f in self._of_kind("httpTrigger")], self._options.route_prefix)
        self._site = Site(
            router=router,
            invoker=self.invoker,
            queues=self.queues,
            blobs=dispatcher,
            admin=admin,
            keys=keys,
            origins=origins,
            home=os.environ.get("AzureWebJobsDisableHomepage", "").lower() != "true",  # noqa: SIM112 - the host's own name
        )
        await self._site.start(listening)
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
        listener = QueueListener(
            self.queues.client(EVENTS_QUEUE),
            self.queues.client(POISON_QUEUE),
            dispatcher.handle,
            replace(self._options.queues, base64=True),  # written and read by the host itself
            self._lease,
            told=True,
        )
        dispatcher.kept = listener.look
        await self._serve(listener)
        address = f"{base_url(listening.getsockname())}/runtime/webhooks/blobs"
        for trigger in triggers:
            receipts = data_dir / f"blob-receipts-{trigger.function.name}.json"
            watcher = BlobWatcher(trigger, address, key, receipts)
            self._background.append(asyncio.create_task(watcher.run()))

    def _of_kind(self, kind: str) -> list[Function]:
        return [function for function in self._functions if function.kind == kind]

    async def _listen(self, function: Function, options: HostOptions) -> None:
        async def handle(message: QueueMessage, text: str) -> None:
            result = await self.invoker.run(function, TypedData(string=text), metadata(message, text))
            await self.queues.write_outputs(function, result)

        name, connection = function.trigger["queueName"], function.trigger.get("connection")
        poison = poison_name(name)
        await self._serve(
            QueueListener(
                self.queues.client(name, connection),
                self.queues.client(poison, connection) if poison else None,
                handle,
                options.queues,
                self._lease,
            )
        )

    async def _serve(self, listener: QueueListener) -> None:
        await listener.prepare()
        self._listeners.append(listener)
        self._serving.append(asyncio.create_task(listener.run()))

    def _fire_queue(self, function: Function) -> Fire:
        async def run(given: str) -> None:
            with suppress(FunctionFailed, FunctionTimeoutError):
                result = await self.invoker.run(
                    function, TypedData(string=given), {"DequeueCount": TypedData(json="0")}
                )
                await self.queues.write_outputs(function, result)

        async def fire(given: str) -> None:
            self._fired.add(task := asyncio.create_task(run(given)))
            task.add_done_callback(self._fired.discard)

        return fire

    def _fire_timer(self, timer: Timer) -> Fire:
        async def fire(_: str) -> None:
            timer.fire()

        return fire

    def _fire_blob(self, trigger: BlobTrigger, dispatcher: BlobDispatcher) -> Fire:
        async def fire(given: str) -> None:
            container, _, name = given.partition("/")
            await dispatcher.enqueue(trigger.message(container, name))

        return fire

    async def until(self, signals: "asyncio.Queue[int]") -> int:
        """Serve until a signal or a function's timeout; answers the exit status.

        The first signal drains, a second one or the end of the grace period gives every message back and ends.
        """
        stop = asyncio.create_task(signals.get())
        timed_out = asyncio.create_task(self.invoker.timed_out.wait())
        watched: set[asyncio.Task[Any]] = {stop, timed_out, *self._background, *self._serving}
        done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # a listener or watcher that broke takes the process with it, loudly
        for task in self._background:
            task.cancel()
        closing = asyncio.create_task(self._close_site())
        if stop in done and not timed_out.done():
            for listener in self._listeners:
                listener.stop()
            ends: set[asyncio.Future[Any]] = {
                asyncio.gather(closing, *(timer.idle() for timer in self._timers), *self._serving),
                asyncio.create_task(signals.get()),
                timed_out,
            }
            await asyncio.wait(ends, timeout=self._drain, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*(listener.release() for listener in self._listeners))
        await asyncio.wait({closing}, timeout=3)
        await self.queues.close()
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
