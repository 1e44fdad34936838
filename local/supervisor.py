"""Starts the storage, the host, the queues and the encoders, keeps them running, and ends them together in order."""

import asyncio
import json
import os
import signal
import socket
from dataclasses import dataclass

from local import azurite
from local.callers import is_loopback
from local.child import AzuriteChild, WorkerChild
from local.children import Children, wait_for_end
from local.config import ConfigurationError, HostOptions, StackOptions, base_url, site_origins
from local.launch import worker_arguments, worker_environment

_WORKER_END_SECONDS = 5
"""Seconds that workers have to exit after the end of their grace period."""
_STORAGE_END_SECONDS = 10
"""Seconds that Azurite has to save its data."""


@dataclass(frozen=True, slots=True)
class _Addresses:
    """The addresses by which others reach a stack that is up."""

    api: str
    connection_string: str


class Supervisor:
    """Runs the whole stack."""

    def __init__(
        self,
        options: StackOptions,
        environment: dict[str, str],
        *,
        auth: bool,
        in_memory: bool,
        origins: str | None = None,
    ) -> None:
        """`environment` is that of the app.

        `origins` is the CORS setting of the site. With None it is what infra/ sets: the app's own origin and
        CORS_ORIGINS.
        """
        self._options = options
        self._environment = environment
        self._auth = auth
        self._in_memory = in_memory
        self._origins = origins
        self._children = Children(on_restart=self._write_state)
        self._addresses: _Addresses | None = None
        self._stopping = asyncio.Event()
        self._signals = 0

    async def run(self) -> None:
        """Runs the stack until a signal.

        Raises ConfigurationError, AzuriteError or StartError when the stack cannot start. No process is left running
        then.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)
        prefix = HostOptions.read(self._options.app_dir).route_prefix
        self._check_bind()
        self._check_storage_ports()
        with _listen(self._options) as listening:
            base = base_url(listening.getsockname())
            api = f"{base}/{prefix}".rstrip("/")
            starting = asyncio.create_task(self._start(listening, base, api))
            stopped = asyncio.create_task(self._stopping.wait())
            try:
                await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if starting.done():
                    self._addresses = starting.result()
                    self._write_state()
                    print(f"ready {api}", flush=True)
                    await stopped
            finally:
                starting.cancel()
                listening.close()
                await self._stop()

    async def _start(self, listening: socket.socket, base: str, api: str) -> _Addresses:
        """Starts the storage and then all workers. Returns when they are up."""
        options = self._options
        options.data_dir.mkdir(parents=True, exist_ok=True)
        location = None if self._in_memory else options.data_dir / "azurite"
        if location is not None:
            location.mkdir(exist_ok=True)
        storage = AzuriteChild(options.storage, location, durable=options.durable)
        await self._children.start(storage)
        connection_string = azurite.connection_string(storage.ports)
        environment = worker_environment(
            self._environment, connection_string=connection_string, api=api, data_dir=options.data_dir
        )
        origins = self._origins
        if origins is None:
            origins = site_origins(base, environment.get("CORS_ORIGINS", ""))
        arguments = worker_arguments(options, origins=origins, auth=self._auth)
        workers = [
            WorkerChild("host", "host", arguments, environment, listening),
            WorkerChild("queues", "queues", arguments, environment),
        ]
        names = [f"encoder-{number}" for number in range(1, options.encoders + 1)]
        workers += [WorkerChild(name, "encoder", arguments, environment) for name in names]
        await asyncio.gather(*(self._children.start(worker) for worker in workers))
        return _Addresses(api, connection_string)

    def _on_signal(self) -> None:
        self._signals += 1
        self._stopping.set()
        self._children.stop_restarting()
        for worker in self._children.of_type(WorkerChild):
            worker.signal(signal.SIGTERM)

    async def _stop(self) -> None:
        """Ends the workers before the storage, because they need it for their last messages."""
        self._stopping.set()
        self._children.stop_restarting()
        workers = self._children.of_type(WorkerChild)
        if not self._signals:
            for worker in workers:
                worker.signal(signal.SIGTERM)
        await wait_for_end(workers, self._options.drain_seconds + _WORKER_END_SECONDS)
        storage = self._children.of_type(AzuriteChild)
        for child in storage:
            child.signal(signal.SIGKILL if self._in_memory else signal.SIGTERM)
        await wait_for_end(storage, _STORAGE_END_SECONDS)

    def _check_bind(self) -> None:
        if not self._auth and not is_loopback(self._options.bind):
            raise ConfigurationError(
                f"BIND={self._options.bind} lets other machines call, which needs --auth with FUNCTIONS_KEY and "
                "FUNCTIONS_MASTER_KEY: without keys, everybody could read, delete and upload videos."
            )

    def _check_storage_ports(self) -> None:
        ports = self._options.storage
        for variable, port in (("BLOB_PORT", ports.blob), ("QUEUE_PORT", ports.queue), ("TABLE_PORT", ports.table)):
            _bind("127.0.0.1", port, variable).close()

    def _write_state(self) -> None:
        """Writes the addresses and process ids for tools to `stack.json` in the data folder, once the stack is up."""
        if self._addresses is None:
            return  # A child was started again while others were still starting.
        state = {
            "api": self._addresses.api,
            "connection_string": self._addresses.connection_string,
            "pids": {"supervisor": os.getpid(), **self._children.pids},
        }
        path = self._options.data_dir / "stack.json"
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(state, indent=2), "utf-8")
        temporary.replace(path)


def _bind(address: str, port: int, variable: str) -> socket.socket:
    """Listens on this port. Raises ConfigurationError, which names the setting, when it is not free."""
    bound = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
        bound.listen(512)
    except OSError as error:
        bound.close()
        raise ConfigurationError(
            f"Port {port} is not free ({error.strerror}): end what uses it, or choose another with {variable}."
        ) from error
    return bound


def _listen(options: StackOptions) -> socket.socket:
    """Opens the socket of the host. The supervisor owns it, so that requests wait while the host is started again."""
    return _bind(options.bind, options.port, "PORT")
