"""Controls a media process from its parent, and keeps an idle one for another job of the same video."""

import contextlib
import logging
import resource
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Hashable
from pathlib import Path
from typing import IO

from connector.domain.limits import JobLimits
from connector.errors import TaskCrashed, TaskLost
from connector.sandbox.forking import Child

logger = logging.getLogger(__name__)

IDLE_SECONDS = 10.0
"""Seconds for which a process waits for another job: longer than a queue takes to hand one out."""
MEMORY_SHARE = 1 / 3
"""Share of its memory limit up to which a process is reused: by default for pictures of up to 1440 lines."""

FROM_OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM})
"""Signals that end a process from outside: the kernel's when memory is short, the platform's when an instance ends.
"""


class Process:
    """Controls a child, and collects what it writes to its standard error."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._tail = _Tail(self._child.stderr)
        self._begun = time.monotonic()

    @property
    def to(self) -> IO[bytes]:
        return self._child.stdin

    @property
    def answers(self) -> IO[bytes]:
        return self._child.stdout

    def kill(self) -> None:
        """Kills the process, from any thread, or does nothing when it has ended."""
        self._child.kill()

    def ending(self) -> TaskCrashed | TaskLost:
        """Returns how the process ended, once it has closed its pipe. Logs the last lines of its standard error."""
        try:
            code = self._child.wait(timeout=2)
            how = f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
            return TaskCrashed("the media process closed its pipe and did not end")
        # The text of a library or a traceback is for operators, because an error's sentence reaches the video's owner.
        logger.warning("a media process ended with %s: %s", how, self._tail.last())
        kind = TaskLost if -code in FROM_OUTSIDE else TaskCrashed
        return kind(f"the media process ended with {how}")

    def reusable(self, limits: JobLimits, memory_share: float = MEMORY_SHARE) -> bool:
        """Returns whether the process may do one more job with these limits.

        It must be sure to have all the processor time that the job is granted, and use little of the memory. Memory
        grows a little with each job, because the free parts of it are scattered.
        """
        age = time.monotonic() - self._begun
        return age * limits.threads < limits.seconds and self._resident() < limits.memory * memory_share

    def _resident(self) -> int:
        """Returns the resident memory in bytes, or 0 where the system does not tell."""
        try:
            pages = Path(f"/proc/{self._child.pid}/statm").read_text("ascii").split()[1]
        except OSError:
            return 0
        return int(pages) * resource.getpagesize()

    def close(self) -> None:
        self._child.kill()
        self._child.wait()
        for stream in (self.to, self.answers):
            # A broken pipe at the end says no more than the exit status does.
            with contextlib.suppress(OSError):
                stream.close()
        self._tail.close()


class IdleProcess:
    """Keeps at most one idle process, for the next job with the same affinity key.

    The process has memory whose pages the system need not clear again. No other key gets it, because hostile media may
    have taken it over.
    """

    def __init__(self, seconds: float = IDLE_SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._idle: tuple[Hashable, Process] | None = None
        self._timer: threading.Timer | None = None

    def take(self, affinity_key: Hashable) -> Process | None:
        """Returns the process of this key, which may have ended meanwhile. Ends a process of another key."""
        if (idle := self._swap(None)) is None:
            return None
        key, process = idle
        if key == affinity_key:
            return process
        process.close()
        return None

    def keep(self, affinity_key: Hashable, process: Process) -> None:
        """Keeps the process until it is taken, for a limited time."""
        if (idle := self._swap((affinity_key, process))) is not None:
            idle[1].close()

    def _swap(self, idle: tuple[Hashable, Process] | None) -> tuple[Hashable, Process] | None:
        timer = None
        if idle is not None:
            timer = threading.Timer(self._seconds, self._end, [idle])
            timer.daemon = True
            timer.start()
        with self._lock:
            before, self._idle = self._idle, idle
            old, self._timer = self._timer, timer
        if old is not None:
            old.cancel()
            old.join()
        return before

    def _end(self, idle: tuple[Hashable, Process]) -> None:
        with self._lock:
            if self._idle is not idle:
                return
            self._idle = None
        idle[1].close()


class _Tail:
    """Drains a pipe and keeps its last lines, so that a chatty decoder neither blocks nor fills memory."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._lines: deque[bytes] = deque(maxlen=20)
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def _drain(self) -> None:
        while line := self._stream.readline(2000):
            self._lines.append(line)

    def last(self) -> str:
        self._thread.join(timeout=1)
        return b"".join(self._lines)[-4000:].decode(errors="replace").strip()

    def close(self) -> None:
        self._thread.join(timeout=1)
        self._stream.close()
