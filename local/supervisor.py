"""Starts Azurite, the host, the queues and the encoders, keeps them running, and ends them together.

Each is a process group, so that a Ctrl-C reaches the supervisor only, which ends them in order. None is a session:
Linux shares its processors among sessions first, and niceness would count for nothing.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from local import azurite
from local.azurite import Ports
from local.config import ConfigurationError, HostOptions, Role, StackOptions, base_url, site_origins
from local.secrets import development_keys

log = logging.getLogger("local.supervisor")

_PROJECT = Path(__file__).parent.parent
_FIRST_BACKOFF = 0.2  # seconds
_LONGEST_BACKOFF = 10.0


class StartError(Exception):
    """A process could not be started; the message tells what to change, as far as that is known."""


class _Child:
    """One process that is started again whenever it ends."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        running = self.process is not None and self.process.returncode is None
        return self.process.pid if self.process is not None and running else None

    async def start(self) -> None:
        """Returns when the process is up. Raises StartError when it ended before that."""
        raise NotImplementedError

    def signal(self, number: int) -> None:
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    async def ended(self) -> int:
        """Its exit status, once it ended. What it started itself is ended then, too."""
        if self.process is None:
            return 0
        status = await self.process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return status


class _Azurite(_Child):
    def __init__(self, ports: Ports, location: Path | None, *, durable: bool) -> None:
        super().__init__("azurite")
        self.ports = ports
        self._location = location
        self._durable = durable
        self._output: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.process = process = await asyncio.create_subprocess_exec(
            *azurite.command(self.ports, self._location, durable=self._durable),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self._location,
            process_group=0,
        )
        if process.stdout is None:
            raise StartError("azurite has no output.")
        lines: list[str] = []
        while line := await process.stdout.readline():
            lines.append(line.decode(errors="replace"))
            ports = azurite.listening_ports(lines)
            if ports is not None:
                self.ports = ports
                self._output = asyncio.create_task(self._pass_on(process.stdout))
                return
        raise StartError("azurite did not start: " + "".join(lines).strip())

    async def _pass_on(self, output: asyncio.StreamReader) -> None:
        while line := await output.readline():
            log.debug("azurite: %s", line.decode(errors="replace").rstrip())


class _Worker(_Child):
    def __init__(
        self,
        name: str,
        role: Role,
        arguments: Sequence[str],
        environment: dict[str, str],
        listening: socket.socket | None = None,
    ) -> None:
        super().__init__(name)
        self._role = role
        self._arguments = arguments
        self._environment = environment
        self._listening = listening

    async def start(self) -> None:
        reader, writer = os.pipe()
        passed = [writer]
        arguments = ["--name", self.name, "--role", self._role, "--ready", str(writer), *self._arguments]
        if self.process is None:
            # As the template in Azure, the stack creates what the app needs once: no host ever creates it again.
            arguments.append("--first")
        if self._listening is not None:
            passed.append(self._listening.fileno())
            arguments += ["--listen", str(self._listening.fileno())]
        try:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "local.worker",
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=sys.stderr.fileno(),
                env=self._environment,
                pass_fds=passed,
                process_group=0,
            )
        finally:
            os.close(writer)
        if not await _first_byte(reader):
            raise StartError(f"{self.name} did not start; the lines above tell why.")


async def _first_byte(reader: int) -> bytes:
    readable = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(reader, readable.set)
    try:
        await readable.wait()
        return os.read(reader, 1)
    finally:
        loop.remove_reader(reader)
        os.close(reader)


class Supervisor:
    """The whole stack. `environment` is the app's, to which the connection string is added."""

    def __init__(
        self,
        options: StackOptions,
        environment: dict[str, str],
        *,
        auth: bool,
        in_memory: bool,
        origins: str | None = None,
    ) -> None:
        """`origins` is the site's CORS setting; None: as infra/ sets it, the app's own address and CORS_ORIGINS."""
        self._origins = origins
        self._options = options
        self._environment = environment
        self._auth = auth
        self._in_memory = in_memory
        self._children: list[_Child] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._signals = 0

    async def run(self) -> None:
        """Until a signal.

        Raises ConfigurationError, AzuriteError or StartError when it cannot start; nothing is left running then.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)
        prefix = HostOptions.read(self._options.app_dir).route_prefix
        self._check_storage_ports()
        with _listen(self._options) as listening:
            base = base_url(listening.getsockname())
            starting = asyncio.create_task(self._start(listening))
            stopped = asyncio.create_task(self._stopping.wait())
            try:
                await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if starting.done():
                    starting.result()
                    self._api = f"{base}/{prefix}".rstrip("/")
                    self._write_state()
                    print(f"ready {self._api}", flush=True)
                    await stopped
            finally:
                starting.cancel()
                listening.close()
                await self._stop()

    async def _start(self, listening: socket.socket) -> None:
        options = self._options
        options.data_dir.mkdir(parents=True, exist_ok=True)
        location = None if self._in_memory else options.data_dir / "azurite"
        if location is not None:
            location.mkdir(exist_ok=True)
        storage = _Azurite(options.storage, location, durable=options.durable)
        await self._start_child(storage)
        self.connection_string = azurite.connection_string(storage.ports)
        # The host's own connection, and the app's.
        self._environment |= dict.fromkeys(("AzureWebJobsStorage", "MEDIA_STORAGE"), self.connection_string)
        prefix = HostOptions.read(options.app_dir).route_prefix
        defaults = {
            "AzureWebJobsDisableHomepage": "true",
            "PREPARE_STORAGE": "true",
            "SWEEP_SCHEDULE": "*/30 * * * * *",
            # So many the real host allows a worker that it starts (DefaultWorkerProcessFactory).
            "PYTHON_THREADPOOL_THREAD_COUNT": "1000",
            "PUBLIC_URL": f"{base_url(listening.getsockname())}/{prefix}".rstrip("/"),
            **development_keys(options.data_dir),
        }
        for name, value in defaults.items():
            self._environment.setdefault(name, value)
        paths = os.environ.get("PYTHONPATH")
        self._environment["PYTHONPATH"] = f"{_PROJECT}{os.pathsep}{paths}" if paths else str(_PROJECT)
        arguments = ["--app", str(options.app_dir), "--data", str(options.data_dir)]
        if self._auth:
            arguments.append("--auth")
        own = base_url(listening.getsockname())
        wanted = self._environment.get("CORS_ORIGINS", "")
        origins = site_origins(own, wanted) if self._origins is None else self._origins
        arguments += ["--origins", origins]
        workers = [
            _Worker("host", "host", arguments, self._environment, listening),
            _Worker("queues", "queues", arguments, self._environment),
        ]
        names = [f"encoder-{number}" for number in range(1, options.encoders + 1)]
        workers += [_Worker(name, "encoder", arguments, self._environment) for name in names]
        await asyncio.gather(*(self._start_child(worker) for worker in workers))

    async def _start_child(self, child: _Child) -> None:
        self._children.append(child)
        await child.start()
        self._keepers.append(asyncio.create_task(self._keep(child)))

    async def _keep(self, child: _Child) -> None:
        backoff = _FIRST_BACKOFF
        while True:
            since = time.monotonic()
            status = await child.ended()
            if self._stopping.is_set():
                return
            if time.monotonic() - since > _LONGEST_BACKOFF:
                backoff = _FIRST_BACKOFF
            log.warning("%s ended with status %s; it starts again in %.1f s", child.name, status, backoff)
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, _LONGEST_BACKOFF)
            if self._stopping.is_set():
                return
            with contextlib.suppress(StartError):
                await child.start()
                log.info("%s is up again", child.name)
                self._write_state()

    def _on_signal(self) -> None:
        self._signals += 1
        self._stopping.set()
        for child in self._children:
            if isinstance(child, _Worker):
                child.signal(signal.SIGTERM)

    async def _stop(self) -> None:
        """Workers first, for their last messages need the storage."""
        self._stopping.set()
        for keeper in self._keepers:
            keeper.cancel()
        workers = [child for child in self._children if isinstance(child, _Worker)]
        if not self._signals:
            for worker in workers:
                worker.signal(signal.SIGTERM)
        await _end(workers, self._options.drain_seconds + 5)
        rest = [child for child in self._children if not isinstance(child, _Worker)]
        for child in rest:
            child.signal(signal.SIGKILL if self._in_memory else signal.SIGTERM)
        await _end(rest, 10)

    def _check_storage_ports(self) -> None:
        ports = self._options.storage
        for variable, port in (("BLOB_PORT", ports.blob), ("QUEUE_PORT", ports.queue), ("TABLE_PORT", ports.table)):
            _bind("127.0.0.1", port, variable).close()

    def _write_state(self) -> None:
        """Tells tools where the stack is: `stack.json` beside the data."""
        pids = {"supervisor": os.getpid()} | {child.name: child.pid for child in self._children if child.pid}
        state = {"api": self._api, "connection_string": self.connection_string, "pids": pids}
        path = self._options.data_dir / "stack.json"
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(state, indent=2), "utf-8")
        temporary.replace(path)


async def _end(children: Sequence[_Child], seconds: float) -> None:
    waits = [asyncio.create_task(child.ended()) for child in children]
    if waits:
        _, late = await asyncio.wait(waits, timeout=seconds)
        if late:
            for child in children:
                child.signal(signal.SIGKILL)
            await asyncio.wait(late)


def _bind(address: str, port: int, variable: str) -> socket.socket:
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
    """The socket belongs to the supervisor, so that requests wait while the host is started again."""
    return _bind(options.bind, options.port, "PORT")
