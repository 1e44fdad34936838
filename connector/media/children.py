"""Begins media child processes, by way of a process that has loaded what they need (`connector/media/zygote.py`)."""

import atexit
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from threading import Lock
from typing import IO

from connector.errors import TaskCrashed
from connector.media.zygote import END, ORDER

MODULE = "connector.media.child"
"""Loaded before children are forked; each runs its `main`."""
_ALLOCATOR = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=4294967296"
"""Pictures and encoders in huge pages, where the kernel has them: three per cent less CPU for a chunk, and a tenth
more memory. For that they must lie together on the heap, not each in a mapping of its own, and stay there: a child may
have another job (`connector/media/process.py`). Read by glibc from 2.35 on; others do not know these words.
"""
_LIBRARIES = ("LD_LIBRARY_PATH",)
"""Where Python may need to look for its own library: all that a media process gets of the app's environment."""
_NONE = "no media process could be started"


class Child:
    """As much of `subprocess.Popen` as there is of a grandchild."""

    def __init__(self, zygote: "_Zygote", pid: int, descriptors: Sequence[int]) -> None:
        stdin, stdout, stderr, end = descriptors
        self.pid = pid
        self.stdin: IO[bytes] = os.fdopen(stdin, "wb")
        self.stdout: IO[bytes] = os.fdopen(stdout, "rb")
        self.stderr: IO[bytes] = os.fdopen(stderr, "rb")
        self._zygote, self._end = zygote, end
        self._status: int | None = None

    def kill(self) -> None:
        """Harmless when it has ended."""
        if self._status is None:
            self._zygote.kill(self.pid)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, below 0 the signal that ended it. Raises subprocess.TimeoutExpired."""
        if self._status is None:
            ended = select.poll()
            ended.register(self._end, select.POLLIN)
            if not ended.poll(None if timeout is None else timeout * 1000):
                raise subprocess.TimeoutExpired(MODULE, timeout or 0)
            status = os.read(self._end, END.size)
            # When the zygote dies, so do its children.
            self._status = END.unpack(status)[0] if status else -signal.SIGKILL
            os.close(self._end)
        return self._status


class _Pipes:
    """Standard input, output and error of a child, and what tells of its end."""

    def __init__(self) -> None:
        pairs = [os.pipe() for _ in range(4)]
        self.ours = [pairs[0][1], *(read for read, _ in pairs[1:])]
        self.theirs = [pairs[0][0], *(write for _, write in pairs[1:])]


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


class _Zygote:
    """`child` raises ConnectionError once it is gone."""

    def __init__(self, module: str) -> None:
        self._orders, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "connector.media.zygote", str(theirs.fileno()), module],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={
                    "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
                    "PATH": os.defpath,
                    "GLIBC_TUNABLES": _ALLOCATOR,
                    **{name: os.environ[name] for name in _LIBRARIES if name in os.environ},
                },
                pass_fds=[theirs.fileno()],
                process_group=0,  # Ctrl-C is not for it; in a session of its own its niceness would count for nothing
            )

    def child(self) -> Child:
        """Raises TaskCrashed when there can be none."""
        pipes = _Pipes()
        try:
            pid = self._begin(pipes.theirs)
        except BaseException:
            _close(pipes.ours)
            raise
        finally:
            _close(pipes.theirs)
        return Child(self, pid, pipes.ours)

    def _begin(self, descriptors: Sequence[int]) -> int:
        socket.send_fds(self._orders, [ORDER.pack(0)], descriptors)
        answer = self._orders.recv(ORDER.size, socket.MSG_WAITALL)
        if len(answer) < ORDER.size:
            raise ConnectionResetError
        pid: int = ORDER.unpack(answer)[0]
        if pid < 0:
            raise TaskCrashed(f"{_NONE}: {os.strerror(-pid)}")
        return pid

    def kill(self, pid: int) -> None:
        with contextlib.suppress(OSError):
            self._orders.sendall(ORDER.pack(pid))

    def close(self) -> None:
        self._orders.close()
        self._process.wait()


_zygotes: dict[str, _Zygote] = {}
"""By the module that their children run; each stays as long as this process."""
_lock = Lock()


def begin() -> Child:
    """A child that waits for its job. Raises TaskCrashed when there is no way to begin one."""
    with _lock:
        for _ in range(2):
            zygote = _zygotes.get(MODULE)
            if zygote is None:
                zygote = _zygotes[MODULE] = _Zygote(MODULE)
                atexit.register(zygote.close)
            try:
                return zygote.child()
            except ConnectionError:  # it was killed, perhaps for want of memory
                del _zygotes[MODULE]
                zygote.close()
                atexit.unregister(zygote.close)
    raise TaskCrashed(_NONE)
