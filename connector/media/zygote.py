"""The process that media children are forked from: `python -m connector.media.zygote DESCRIPTOR MODULE`.

It loads once what takes most of a child's start. It reads no media, knows no secret and has one thread; over its
socket, the DESCRIPTOR, it is told to begin a child and to kill one (`connector/media/children.py`). It ends with its
parent, whose end closes that socket, and its children end with it. A child runs `main` of MODULE.
"""

import gc

if __name__ == "__main__":
    # Modules are no garbage: looking for some while they are loaded takes a fifth of the start.
    gc.disable()

import ctypes
import errno
import os
import select
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module

_PR_SET_PDEATHSIG = 1

ORDER = struct.Struct("!q")
"""To begin a child: 0, with four descriptors: its standard input, output and error, and where its end is written to,
which it never sees. Answered by its process id, or by an errno below 0. To kill one: its process id; no answer.
"""
END = struct.Struct("!i")
"""Exit status of a child, below 0 the signal that ended it."""


class Zygote:
    def __init__(self, orders: socket.socket, main: Callable[[], None]) -> None:
        self._orders, self._main = orders, main
        self._children: dict[int, int] = {}
        """Process id: where its end is written to."""

    def serve(self) -> None:
        """Until the other end of the socket is closed."""
        ended, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        events = select.poll()
        events.register(self._orders, select.POLLIN)
        events.register(ended, select.POLLIN)
        while True:
            for descriptor, _ in events.poll():
                if descriptor == ended:
                    os.read(ended, 4096)
                    self._bury()
                elif not self._obey():
                    return

    def _obey(self) -> bool:
        """One order. False when there will be none any more."""
        order, descriptors, _, _ = socket.recv_fds(self._orders, ORDER.size, 4)
        if not order:
            for pid in self._children:
                os.kill(pid, signal.SIGKILL)
            return False
        (pid,) = ORDER.unpack(order)
        if pid == 0:
            self._orders.sendall(ORDER.pack(self._begin(descriptors)))
        elif pid in self._children:  # those that were waited for are not: their number may be another's by now
            os.kill(pid, signal.SIGKILL)
        return True

    def _begin(self, descriptors: Sequence[int]) -> int:
        *standard, end = descriptors
        zygote = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(end)
            pid = -(error.errno or errno.EAGAIN)
        else:
            if pid == 0:
                self._live(zygote, standard)
            self._children[pid] = end
        for descriptor in standard:
            os.close(descriptor)
        return pid

    def _live(self, parent: int, standard: Sequence[int]) -> None:
        """As a child. Does not return."""
        status = 1
        try:
            _end_with(parent)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for place, descriptor in enumerate(standard):
                os.dup2(descriptor, place)
            _close_from(len(standard))
            self._main()
            status = 0
        except BaseException:  # noqa: BLE001 - nothing may come back to the loop of the zygote
            traceback.print_exc()
        finally:
            os._exit(status)

    def _bury(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            end = self._children.pop(pid)
            with suppress(BrokenPipeError):  # nobody wants to know
                os.write(end, END.pack(os.waitstatus_to_exitcode(status)))
            os.close(end)


def _end_with(parent: int) -> None:
    """Linux ends this process with its parent, even one that is killed. Elsewhere it ends at its next word, for nobody
    answers.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # it was killed before


def _close_from(first: int) -> None:
    """Closes every descriptor from `first` on.

    os.closerange up to the limit would call close for each number where Python was built with glibc before 2.34, as in
    Azure's image for Python 3.11, and the limit of a container may be 10^9.
    """
    try:
        opened = [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208 - nothing is loaded for this
    except OSError:  # there is no /proc, or it may not be read
        os.closerange(first, os.sysconf("SC_OPEN_MAX"))
        return
    for descriptor in opened:
        if descriptor >= first:
            with suppress(OSError):  # the list's own is closed already
                os.close(descriptor)


def main() -> None:
    descriptor, module = sys.argv[1:]
    child = import_module(module)
    gc.freeze()  # a collection in a child would write to pages that it shares with this process
    gc.enable()
    Zygote(socket.socket(fileno=int(descriptor)), child.main).serve()


if __name__ == "__main__":
    main()
