"""Azurite, the storage emulator, runs as a child process that ends with its parent.

``with Azurite() as azurite: BlobServiceClient.from_connection_string(azurite.connection_string)``
"""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The emulator's key, which is the same on every machine.

https://learn.microsoft.com/azure/storage/common/storage-use-azurite
"""

_PROJECT = Path(__file__).parent.parent
_TETHER = Path(__file__).with_name("tether.cjs")
_DURABLE = Path(__file__).with_name("durable.cjs")
_SCRIPT = _PROJECT / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
_LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at https?://.*:(\d+)")

_HEAP_OPTION = "--heap-growing-percent=300"
"""An option of node that makes garbage collections rarer.

The bodies of requests count as growth of the heap. By default node collects garbage every few requests, which is half
of the CPU time that Azurite takes.
"""
_KEEP_ALIVE = "75"
"""Seconds that Azurite keeps idle connections. Clients keep theirs for less, so they never use a closed one."""


class AzuriteError(RuntimeError):
    """Azurite is not installed, or it did not start."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The TCP ports of the three services. The system chooses a free port for each port of 0."""

    blob: int = 0
    queue: int = 0
    table: int = 0


def connection_string(ports: Ports) -> str:
    """Returns the full connection string of an Azurite on this machine."""
    host = "http://127.0.0.1"
    return (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
        f"BlobEndpoint={host}:{ports.blob}/{ACCOUNT};"
        f"QueueEndpoint={host}:{ports.queue}/{ACCOUNT};"
        f"TableEndpoint={host}:{ports.table}/{ACCOUNT};"
    )


def command(ports: Ports, location: Path | None, options: Sequence[str] = (), *, durable: bool = False) -> list[str]:
    """Returns the command line that starts Azurite. It keeps its data in memory when `location` is None.

    With `durable`, no confirmed write is lost even if Azurite is killed; each write then saves the whole index.
    The caller must hold a pipe to the stdin of the process: Azurite ends when that closes.
    Raises AzuriteError when node or Azurite is missing.
    """
    node = shutil.which("node")
    if node is None:
        raise AzuriteError("node was not found: run `make setup`.")
    if not _SCRIPT.is_file():
        raise AzuriteError("Azurite was not found in node_modules: run `make setup`.")
    persistence = ["--inMemoryPersistence"] if location is None else ["--location", str(location)]
    preloaded = ["--require", str(_TETHER)]
    if durable and location is not None:
        preloaded += ["--require", str(_DURABLE)]
    services: list[str] = []
    for name, port in (("blob", ports.blob), ("queue", ports.queue), ("table", ports.table)):
        services += [f"--{name}Host", "127.0.0.1", f"--{name}Port", str(port)]
        services += [f"--{name}KeepAliveTimeout", _KEEP_ALIVE]
    quiet = ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    return [node, _HEAP_OPTION, *preloaded, str(_SCRIPT), *persistence, *services, *quiet, *options]


def listening_ports(output: Sequence[str]) -> Ports | None:
    """Returns the ports that Azurite listens on, or None while its output does not name all three."""
    found = {match[1].lower(): int(match[2]) for line in output if (match := _LISTENING.search(line))}
    return Ports(**found) if len(found) == 3 else None


class Azurite:
    """A private Azurite on free ports. It keeps its data in memory unless a `location` is given.

    `options` are added to its command line. Entering the context waits until Azurite listens, and raises AzuriteError
    when it does not start.
    """

    def __init__(self, location: Path | None = None, options: Sequence[str] = ()) -> None:
        self._location = location
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self.ports = Ports()

    @property
    def connection_string(self) -> str:
        """The full connection string of this Azurite."""
        return connection_string(self.ports)

    @property
    def pid(self) -> int:
        """The id of the process; it is 0 before the context is entered."""
        return self._process.pid if self._process is not None else 0

    def __enter__(self) -> Self:
        self._process = process = subprocess.Popen(
            command(Ports(), self._location, self._options),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._location or os.curdir,
            text=True,
        )
        output: list[str] = []
        for line in process.stdout or ():
            output.append(line)
            ports = listening_ports(output)
            if ports is not None:
                self.ports = ports
                return self
        self._stop(process)
        raise AzuriteError("Azurite did not start: " + "".join(output).strip())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._stop(self._process)

    def _stop(self, process: subprocess.Popen[str]) -> None:
        # Azurite saves the index of its data on disk when it is terminated. Data in memory needs no orderly end.
        if self._location is None:
            process.kill()
        else:
            process.terminate()
        # Its stdin stays open until it has ended: closing it would be a second signal and interrupt the saving.
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
