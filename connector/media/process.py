"""A media process as its parent sees it, and the one that is kept for its owner's next job."""

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

from connector.media.children import Child
from connector.media.jobs import Limits

logger = logging.getLogger(__name__)

IDLE_SECONDS = 10.0
"""For which a process waits for its owner's next job: longer than a queue takes to hand one out."""
MEMORY_SHARE = 1 / 3
"""Of what it may have, up to which a process is kept: those of pictures up to 1440 lines, by default."""


class Process:
    """A child that was begun, with what it says on its standard error."""

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
        """From any thread; harmless when it has ended."""
        self._child.kill()

    def ending(self) -> str:
        """How it ended, once it has closed its pipe; what it said last is logged."""
        try:
            code = self._child.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"
        # What a library or a traceback says is for operators: the sentence of an error reaches the video's owner.
        logger.warning("a media process ended with %s: %s", how, self._tail.last())
        return how

    def good_for_another(self, limits: Limits) -> bool:
        """Whether it is sure to have all the processor time that one more job with these limits is granted, and takes
        little of the memory: that grows a little with each job, because what is free lies scattered.
        """
        age = time.monotonic() - self._begun
        return age * limits.threads < limits.seconds and self._resident() < limits.memory * MEMORY_SHARE

    def _resident(self) -> int:
        """Bytes; 0 where the system does not tell."""
        try:
            pages = Path(f"/proc/{self._child.pid}/statm").read_text("ascii").split()[1]
        except OSError:
            return 0
        return int(pages) * resource.getpagesize()

    def close(self) -> None:
        self._child.kill()
        self._child.wait()
        for stream in (self.to, self.answers):
            # A broken pipe on the way out says nothing that the exit status did not.
            with contextlib.suppress(OSError):
                stream.close()
        self._tail.close()


class Kept:
    """At most one idle process. It has memory, whose pages the system need not clear again for its next job. That must
    be its owner's as well: hostile media may have taken it over.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: tuple[Hashable, Process] | None = None
        self._timer: threading.Timer | None = None

    def take(self, owner: Hashable) -> Process | None:
        """The owner's; it may have ended meanwhile. Another owner's is ended."""
        if (idle := self._swap(None)) is None:
            return None
        other, process = idle
        if other == owner:
            return process
        process.close()
        return None

    def keep(self, owner: Hashable, process: Process) -> None:
        """Until it is taken, or for a while."""
        if (idle := self._swap((owner, process))) is not None:
            idle[1].close()

    def _swap(self, idle: tuple[Hashable, Process] | None) -> tuple[Hashable, Process] | None:
        timer = None
        if idle is not None:
            timer = threading.Timer(IDLE_SECONDS, self._end, [idle])
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
