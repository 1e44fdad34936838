"""One child process of the stack: how it is started, when it is up, and when it has ended.

Each child is the leader of its own process group, so that Ctrl-C reaches the supervisor only. None leads a session:
Linux shares its processors among sessions first, and niceness would have no effect.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from local import azurite
from local.azurite import Ports
from local.config import Role

log = logging.getLogger("local.child")


class StartError(Exception):
    """A process could not be started. The message says what to change, as far as that is known."""


class Child:
    """A process that can be started again after it has ended."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The id of the process; it is None while no process runs."""
        running = self.process is not None and self.process.returncode is None
        return self.process.pid if self.process is not None and running else None

    async def start(self) -> None:
        """Starts the process and returns when it is up. Raises StartError when it ended before that."""
        raise NotImplementedError

    def signal(self, number: int) -> None:
        """Sends a signal to the process, if it runs."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    async def ended(self) -> int:
        """Waits for the end of the process, ends the processes that it has started, and returns its exit status."""
        if self.process is None:
            return 0
        status = await self.process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return status


class AzuriteChild(Child):
    """The process of the storage emulator. Data is kept in memory when `location` is None."""

    def __init__(self, ports: Ports, location: Path | None, *, durable: bool) -> None:
        super().__init__("azurite")
        self.ports = ports
        """The ports as configured, and those in use once the process is up."""
        self._location = location
        self._durable = durable
        self._output: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts Azurite and returns when it listens. Raises StartError when it ended before that."""
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
                self._output = asyncio.create_task(self._log_output(process.stdout))
                return
        raise StartError("azurite did not start: " + "".join(lines).strip())

    async def _log_output(self, output: asyncio.StreamReader) -> None:
        while line := await output.readline():
            log.debug("azurite: %s", line.decode(errors="replace").rstrip())


class WorkerChild(Child):
    """A process that runs `python -m local.worker`."""

    def __init__(
        self,
        name: str,
        role: Role,
        arguments: Sequence[str],
        environment: dict[str, str],
        listening: socket.socket | None = None,
    ) -> None:
        """`listening` is the socket of the host; the other roles have none."""
        super().__init__(name)
        self._role = role
        self._arguments = arguments
        self._environment = environment
        self._listening = listening

    async def start(self) -> None:
        """Starts the worker and returns when it is ready. Raises StartError when it ended before that."""
        reader, writer = os.pipe()
        passed = [writer]
        arguments = ["--name", self.name, "--role", self._role, "--ready", str(writer), *self._arguments]
        if self.process is None:
            # In Azure the template creates the queues once, and a host never creates them again.
            arguments.append("--create-queues")
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
            raise StartError(f"{self.name} did not start; the lines above say why.")


async def _first_byte(reader: int) -> bytes:
    """Waits for the first byte of a pipe and closes the pipe. The result is empty when nothing was written."""
    readable = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(reader, readable.set)
    try:
        await readable.wait()
        return os.read(reader, 1)
    finally:
        loop.remove_reader(reader)
        os.close(reader)
