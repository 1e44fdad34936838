"""Azurite, the storage emulator, as a child process that ends with its parent.

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
"""The emulator's fixed key, the same on every machine: https://learn.microsoft.com/azure/storage/common/storage-use-azurite"""

_PROJECT = Path(__file__).parent.parent
_TETHER = Path(__file__).with_name("tether.cjs")
_DURABLE = Path(__file__).with_name("durable.cjs")
_SCRIPT = _PROJECT / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
_LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at https?://.*:(\d+)")

_GROWTH = "--heap-growing-percent=300"
"""Of node. Bodies of requests count as growth of its heap: by default it looks for garbage every few requests, which is
half of what Azurite costs.
"""
_KEEP_ALIVE = "75"  # seconds; longer than clients keep idle connections, or they would meet closed ones


class AzuriteError(RuntimeError):
    """Azurite is not installed or did not start."""


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports of the three services; 0 lets the system choose."""

    blob: int = 0
    queue: int = 0
    table: int = 0


def connection_string(ports: Ports) -> str:
    """The full connection string of an Azurite on this machine."""
    host = "http://127.0.0.1"
    return (
        f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
        f"BlobEndpoint={host}:{ports.blob}/{ACCOUNT};"
        f"QueueEndpoint={host}:{ports.queue}/{ACCOUNT};"
        f"TableEndpoint={host}:{ports.table}/{ACCOUNT};"
    )


def command(ports: Ports, location: Path | None, options: Sequence[str] = (), *, durable: bool = False) -> list[str]:
    """The command line that starts Azurite; data is kept in memory when `location` is None.

    `durable`: not even `kill -9` takes back what it has confirmed; each write saves the whole index then.
    Whoever runs it must hold a pipe to its stdin: Azurite ends when that closes.
    Raises AzuriteError when node or Azurite is missing.
    """
    node = shutil.which("node")
    if node is None:
        raise AzuriteError("node was not found: run `make setup`.")
    if not _SCRIPT.is_file():
        raise AzuriteError("Azurite was not found in node_modules: run `make setup`.")
    place = ["--inMemoryPersistence"] if location is None else ["--location", str(location)]
    preloaded = ["--require", str(_TETHER)]
    if durable and location is not None:
        preloaded += ["--require", str(_DURABLE)]
    services: list[str] = []
    for name, port in (("blob", ports.blob), ("queue", ports.queue), ("table", ports.table)):
        services += [f"--{name}Host", "127.0.0.1", f"--{name}Port", str(port)]
        services += [f"--{name}KeepAliveTimeout", _KEEP_ALIVE]
    quiet = ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    return [node, _GROWTH, *preloaded, str(_SCRIPT), *place, *services, *quiet, *options]


def listening_ports(output: Sequence[str]) -> Ports | None:
    """The ports Azurite says it listens on, or None while its output does not name all three."""
    found = {match[1].lower(): int(match[2]) for line in output if (match := _LISTENING.search(line))}
    return Ports(**found) if len(found) == 3 else None


class Azurite:
    """A private Azurite on free ports, in memory unless a `location` is given. `options` go on its command line.

    Entering waits until it answers and raises AzuriteError when it does not start.
    """

    def __init__(self, location: Path | None = None, options: Sequence[str] = ()) -> None:
        self._location = location
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self.ports = Ports()

    @property
    def connection_string(self) -> str:
        return connection_string(self.ports)

    @property
    def pid(self) -> int:
        """Of the process; 0 when there is none."""
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
        # Data on disk wants an orderly end (Azurite saves its index then); data in memory does not.
        if self._location is None:
            process.kill()
        else:
            process.terminate()
        process.wait()  # before its stdin closes, for that would be a second signal and cut the saving short
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
