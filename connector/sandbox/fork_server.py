"""Runs the process that media children are forked from:

    python -m connector.sandbox.fork_server DESCRIPTOR MODULE required|best

It loads once what takes most of a child's start. It reads no media, knows no secret and has one thread. First it finds
out how far children can be confined, by MODULE's `self_test`, and says so over its socket, the DESCRIPTOR. If they
cannot be confined and must be (`required`), it ends. Then it receives orders to begin a child or to kill one
(`connector/sandbox/forking.py`). It ends with its parent, whose end closes that socket, and its children end with it. A
child runs `main` of MODULE, which gets the function that confines it.

The forkserver of `multiprocessing` is not used. It inherits its parent's environment, with the secrets in it. It
exchanges pickles, and its children outlive a killed parent.
"""

import gc

if __name__ == "__main__":
    # Modules are not garbage: looking for some while they are loaded takes a fifth of the start.
    gc.disable()

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
from functools import partial
from importlib import import_module

from connector.sandbox.confinement import Level, confine, set_dumpable
from connector.sandbox.forked import end_with_parent, keep_descriptors
from connector.sandbox.trial import establish

VERDICT = struct.Struct("!I")
"""Length of the first message, which is the level, a line break, and the problem: `trial.Verdict`."""

ORDER = struct.Struct("!q")
"""Order to begin or kill a child.

0 begins a child. Four descriptors come with it: the child's standard input, output and error, and one for its exit
status, which the child never sees. The answer is the child's process id, or an errno below 0. A process id kills that
child, without an answer.
"""
END = struct.Struct("!i")
"""Exit status of a child; below 0 it is the signal that ended the child."""


class ForkServer:
    """Forks and kills children as its parent orders."""

    def __init__(self, orders: socket.socket, main: Callable[[], None]) -> None:
        self._orders, self._main = orders, main
        self._children: dict[int, int] = {}
        """Descriptor for the exit status of each child, by process id."""

    def serve(self) -> None:
        """Serves until the other end of the socket is closed."""
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
                    self._report_ended()
                elif not self._handle_order():
                    return

    def _handle_order(self) -> bool:
        """Carries out one order. Returns False when there will be no more."""
        order, descriptors, _, _ = socket.recv_fds(self._orders, ORDER.size, 4)
        if not order:
            for pid in self._children:
                os.kill(pid, signal.SIGKILL)
            return False
        (pid,) = ORDER.unpack(order)
        if pid == 0:
            self._orders.sendall(ORDER.pack(self._begin(descriptors)))
        elif pid in self._children:  # the id of a child that was waited for may be another process's by now
            os.kill(pid, signal.SIGKILL)
        return True

    def _begin(self, descriptors: Sequence[int]) -> int:
        *standard, end = descriptors
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(end)
            pid = -(error.errno or errno.EAGAIN)
        else:
            if pid == 0:
                self._run_child(server, standard)
            self._children[pid] = end
        for descriptor in standard:
            os.close(descriptor)
        return pid

    def _run_child(self, parent: int, standard: Sequence[int]) -> None:
        """Runs as a child. Does not return."""
        status = 1
        try:
            end_with_parent(parent)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for place, descriptor in enumerate(standard):
                os.dup2(descriptor, place)
            keep_descriptors(len(standard))
            self._main()
            status = 0
        except BaseException:  # noqa: BLE001 - nothing may come back to the loop of the fork server
            traceback.print_exc()
        finally:
            os._exit(status)

    def _report_ended(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            end = self._children.pop(pid)
            with suppress(BrokenPipeError):  # the parent no longer waits for it
                os.write(end, END.pack(os.waitstatus_to_exitcode(status)))
            os.close(end)


def main() -> None:
    descriptor, module, policy = sys.argv[1:]
    child = import_module(module)
    gc.freeze()  # a collection in a child would write to pages that it shares with this process
    gc.enable()
    set_dumpable(False)
    orders = socket.socket(fileno=int(descriptor))
    verdict = establish(child.self_test)
    text = f"{verdict.level}\n{verdict.problem}".encode()
    orders.sendall(VERDICT.pack(len(text)) + text)
    if policy == "best" or verdict.level is not Level.LIMITS:
        ForkServer(orders, partial(child.main, partial(confine, level=verdict.level))).serve()


if __name__ == "__main__":
    main()
