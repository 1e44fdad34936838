"""Tests and measurements run the whole stack on free ports and in a folder of its own.

``with Stack(app_dir, data_dir) as stack: urlopen(stack.api + "/Videos")``
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_PROJECT = Path(__file__).parent.parent


class StackError(RuntimeError):
    """The stack did not start. The message ends with its log."""


class Stack:
    """Runs `python -m local` until the context is left. The log is `stack.log` in `data_dir`."""

    def __init__(
        self,
        app_dir: Path,
        data_dir: Path,
        *,
        encoders: int = 2,
        env: Mapping[str, str] | None = None,
        in_memory: bool = True,
        arguments: Sequence[str] = (),
    ) -> None:
        """`arguments` are added to the command line, for example `--auth`. `env` may set ports and other settings."""
        self.data_dir = data_dir
        self.log = data_dir / "stack.log"
        self.api = ""
        """The base URL of the API, without a slash at its end. It is empty before the context is entered."""
        free = dict.fromkeys(("PORT", "BLOB_PORT", "QUEUE_PORT", "TABLE_PORT"), "0")
        self.env = {
            **os.environ,
            **free,
            "ENCODERS": str(encoders),
            "DATA_DIR": str(data_dir),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(_PROJECT), os.environ.get("PYTHONPATH")))),
            **(env or {}),
        }
        memory = ["--in-memory"] if in_memory else []
        command = [sys.executable, "-m", "local", "--app", str(app_dir), "--tether", *memory, *arguments]
        self._command = command
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self.log.open("a", encoding="utf-8") as log:
            self._process = process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.env,
                text=True,
            )
        for line in process.stdout or ():
            if line.startswith("ready "):
                self.api = line.split()[1]
                return self
        status = self.stop()
        raise StackError(f"The stack ended with status {status}:\n{self.log.read_text('utf-8')[-4000:]}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def connection_string(self) -> str:
        """The connection string of the storage, which is `MEDIA_STORAGE` for the app."""
        return str(self._state()["connection_string"])

    @property
    def pids(self) -> dict[str, int]:
        """The current process ids by name: supervisor, azurite, host, queues, encoder-1 and so on."""
        pids = self._state()["pids"]
        return dict(pids) if isinstance(pids, dict) else {}

    def _state(self) -> dict[str, object]:
        state: dict[str, object] = json.loads((self.data_dir / "stack.json").read_text("utf-8"))
        return state

    def signal(self, number: int) -> None:
        """Sends a signal to the supervisor."""
        if self._process is not None:
            self._process.send_signal(number)

    def wait(self) -> int:
        """Waits for a stack that was told to end, and returns its exit status."""
        return self._process.wait() if self._process is not None else 0

    def stop(self) -> int:
        """Ends the stack in order if it still runs, and returns its exit status."""
        if self._process is None:
            return 0
        process = self._process
        process.terminate()
        status = process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
        return status
