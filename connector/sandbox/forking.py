"""Begins media child processes: they are forked from a process that has loaded what they need (`fork_server.py`)."""

import atexit
import contextlib
import logging
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import IO, TypeVar

from connector.domain.ports import Confinement
from connector.errors import TaskLost
from connector.sandbox.confinement import Level, dumpable
from connector.sandbox.fork_server import END, ORDER, VERDICT

log = logging.getLogger(__name__)

_ALLOCATOR = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=4294967296"
"""Settings of glibc that put pictures and encoders in huge pages, where the kernel has them.

A chunk takes three per cent less CPU for it, and a tenth more memory. The pages must lie together on the heap, not each
in a mapping of its own, and stay there, because a child may get another job (`connector/sandbox/process.py`). glibc
reads these settings from 2.35 on; older versions ignore them.
"""
_LIBRARIES = ("LD_LIBRARY_PATH",)
"""All that a media process inherits of the app's environment: Python may need it to find its own library."""
R = TypeVar("R")

_NOT_STARTED = "no media process could be started"


class Child:
    """Offers as much of `subprocess.Popen` as a grandchild allows."""

    def __init__(self, server: "_ForkServer", pid: int, descriptors: Sequence[int]) -> None:
        stdin, stdout, stderr, end = descriptors
        self.pid = pid
        self.stdin: IO[bytes] = os.fdopen(stdin, "wb")
        self.stdout: IO[bytes] = os.fdopen(stdout, "rb")
        self.stderr: IO[bytes] = os.fdopen(stderr, "rb")
        self._server, self._end = server, end
        self._status: int | None = None

    def kill(self) -> None:
        """Kills the child, or does nothing when it has ended."""
        if self._status is None:
            self._server.kill(self.pid)

    def wait(self, timeout: float | None = None) -> int:
        """Returns the exit status, below 0 the signal that ended the child. Raises subprocess.TimeoutExpired."""
        if self._status is None:
            ended = select.poll()
            ended.register(self._end, select.POLLIN)
            if not ended.poll(None if timeout is None else timeout * 1000):
                raise subprocess.TimeoutExpired("media process", timeout or 0)
            status = os.read(self._end, END.size)
            # When the fork server dies, so do its children.
            self._status = END.unpack(status)[0] if status else -signal.SIGKILL
            os.close(self._end)
        return self._status


class _Pipes:
    """Holds the pipes of a child: its standard input, output and error, and one for its exit status."""

    def __init__(self) -> None:
        pairs = [os.pipe() for _ in range(4)]
        self.ours = [pairs[0][1], *(read for read, _ in pairs[1:])]
        self.theirs = [pairs[0][0], *(write for _, write in pairs[1:])]


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


class _ForkServer:
    """Controls the process that children are forked from. All but `close` raise ConnectionError once it is gone."""

    def __init__(self, module: str, policy: str) -> None:
        self._confinement: Confinement | None = None
        self._orders, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-m", "connector.sandbox.fork_server", str(theirs.fileno()), module, policy]
        # From its first child on, no process of the same user may read this one's memory.
        with theirs, dumpable():
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={
                    "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
                    "PATH": os.defpath,
                    "GLIBC_TUNABLES": _ALLOCATOR,
                    **{name: os.environ[name] for name in _LIBRARIES if name in os.environ},
                },
                pass_fds=[theirs.fileno()],
                process_group=0,  # Ctrl-C must not reach it; in a session of its own its niceness would have no effect
            )

    def confinement(self) -> Confinement:
        """Returns how its children are confined. Waits until it has begun."""
        if self._confinement is None:
            (length,) = VERDICT.unpack(self._receive(VERDICT.size))
            level, _, problem = self._receive(length).decode().partition("\n")
            self._confinement = Confinement(level, problem)
        return self._confinement

    def _receive(self, length: int) -> bytes:
        data = self._orders.recv(length, socket.MSG_WAITALL)
        if len(data) < length:
            raise ConnectionResetError
        return data

    def child(self) -> Child:
        """Returns a new child. Raises TaskLost when none can be started."""
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
        pid: int = ORDER.unpack(self._receive(ORDER.size))[0]
        if pid < 0:
            raise TaskLost(f"{_NOT_STARTED}: {os.strerror(-pid)}")
        return pid

    def pid(self) -> int:
        return self._process.pid

    def kill(self, pid: int) -> None:
        with contextlib.suppress(OSError):
            self._orders.sendall(ORDER.pack(pid))

    def close(self) -> None:
        self._orders.close()
        self._process.wait()


class Forking:
    """Begins children that run `main` of a module, which is loaded once, before they are forked.

    The fork server begins with the first child, is replaced when it was killed, and ends with this process. With
    `required`, there are no children where the kernel cannot confine them.
    """

    def __init__(self, module: str, *, required: bool) -> None:
        self._module, self._required = module, required
        self._server: _ForkServer | None = None
        self._lock = Lock()

    def begin(self) -> Child:
        """Returns a child that waits for its job. Raises TaskLost when none can be started, or none may be."""
        with self._lock:
            return self._with_server(_ForkServer.child)

    def confinement(self) -> Confinement:
        """Returns how children are confined. Begins the fork server, which takes a second. Raises as `begin` does."""
        with self._lock:
            return self._with_server(_ForkServer.confinement)

    def pid(self) -> int:
        """Returns the process id of the fork server. Begins it. Raises as `begin` does."""
        with self._lock:
            return self._with_server(_ForkServer.pid)

    def close(self) -> None:
        """Ends the fork server and all its children. The next child begins another fork server."""
        with self._lock:
            self._end()

    def _with_server(self, ask: Callable[[_ForkServer], R]) -> R:
        for _ in range(2):
            try:
                return ask(self._confining())
            except ConnectionError:  # it was killed, perhaps for lack of memory
                self._end()
        raise TaskLost(_NOT_STARTED)

    def _confining(self) -> _ForkServer:
        """Returns the fork server, which confines its children as it has to."""
        if self._server is not None:
            return self._server
        self._server = server = _ForkServer(self._module, "required" if self._required else "best")
        atexit.register(server.close)
        level, problem = server.confinement()
        if level != Level.LIMITS:
            log.info("media processes are confined by %s", level)
        elif not self._required:
            log.warning("media processes are confined by %s: %s", level, problem)
        else:
            self._end()  # the next job tries again: the reason may have been a lack of memory
            raise TaskLost(f"Media processes cannot be confined: {problem}.", "ConfinementUnavailable")
        return server

    def _end(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            server.close()
            atexit.unregister(server.close)
