"""Tries confinement in a child process, on media of our own, before hostile media meets it.

A library may need a system call on this machine that no list has, because its version is another one. Then a trial
fails and says which call it was, in place of every job.
"""

import ctypes
import os
import select
import signal
import struct
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from connector.domain.limits import JobLimits
from connector.sandbox.confinement import Level, best_level, confine
from connector.sandbox.forked import end_with_parent, keep_descriptors
from connector.sandbox.seccomp import Action, Unsupported

SECONDS = 20
"""Wall time of a trial. It takes a tenth of a second."""
_LIMITS = JobLimits(seconds=SECONDS, memory=1 << 30, threads=2)

_MACHINE = os.uname().machine
_SA_SIGINFO = 4
_SYSCALL = struct.Struct("24x i I")
"""siginfo_t of SIGSYS: the number of the system call, and the architecture it was made for."""


class Verdict(NamedTuple):
    """What the trial found."""

    level: Level
    """The level that works."""
    problem: str = ""
    """Why it is not a better one; empty if nothing failed."""


def establish(test: Callable[[], None]) -> Verdict:
    """Returns the best level at which `test` passes in a child."""
    level = best_level()
    if level is Level.LIMITS:
        return Verdict(level, "this system has no seccomp")
    problem = _try(level, test)
    return Verdict(Level.LIMITS, problem) if problem else Verdict(level)


def _try(level: Level, test: Callable[[], None]) -> str:
    """Returns why the test does not pass at this level; empty when it does."""
    status, said = _run(level, test, Action.KILL)
    if status == 0:
        return ""
    if status == -signal.SIGSYS:
        _, said = _run(level, test, Action.TRAP)
        return f"the media libraries need {said or 'a system call'}, which is not allowed"
    return said or f"the trial ended with {signal.Signals(-status).name if status < 0 else f'status {status}'}"


def _run(level: Level, test: Callable[[], None], others: Action) -> tuple[int, str]:
    """Runs the test in a confined child. Returns the child's exit status, and what it said."""
    reader, writer = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _child(parent, writer, level, test, others)
    os.close(writer)
    try:
        said = _read(reader, pid)
    finally:
        os.close(reader)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), said


def _read(reader: int, pid: int) -> str:
    """Returns what the child said, once it has ended. Kills a child that takes too long."""
    ended = select.poll()
    ended.register(reader, select.POLLIN)
    said = b""
    while ended.poll(SECONDS * 1000):
        if not (more := os.read(reader, 4096)):
            return said.decode()
        said += more
    os.kill(pid, signal.SIGKILL)
    return f"the trial took more than {SECONDS} s"


def _child(parent: int, writer: int, level: Level, test: Callable[[], None], others: Action) -> None:
    """Runs as the child. Does not return."""
    status = 1
    try:
        end_with_parent(parent)
        os.dup2(writer, 0)
        os.dup2(2, 1)
        keep_descriptors(3)
        handler = _name_calls(0) if others is Action.TRAP else None
        confine(_LIMITS, level, others)
        test()
        status = 0
        del handler
    except Unsupported as error:
        os.write(0, str(error).encode())
    except BaseException as error:  # noqa: BLE001 - nothing may come back to the parent's code
        os.write(0, f"the trial ended with {type(error).__name__}".encode())
        with suppress(OSError):  # where it goes may be a file, which a confined process cannot write
            traceback.print_exc()
    finally:
        os._exit(status)


def _name_calls(descriptor: int) -> object:
    """Makes a system call that is not allowed write its number to the descriptor, and end the process. Returns what
    must be kept while that may happen.

    Python's own handlers learn neither the number nor, in a library's thread, of the signal in time.
    """

    def write_number(_number: int, info: int, _context: int) -> None:
        call, _ = _SYSCALL.unpack(ctypes.string_at(info, _SYSCALL.size))
        os.write(descriptor, f"system call {call} of {_MACHINE}".encode())
        os._exit(1)

    handler = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(write_number)

    class SigAction(ctypes.Structure):
        """struct sigaction of glibc."""

        _fields_ = (
            ("handler", ctypes.c_void_p),
            ("mask", ctypes.c_ulong * 16),
            ("flags", ctypes.c_int),
            ("restorer", ctypes.c_void_p),
        )

    action = SigAction(ctypes.cast(handler, ctypes.c_void_p), flags=_SA_SIGINFO)
    ctypes.CDLL(None).sigaction(signal.SIGSYS, ctypes.byref(action), None)
    return handler
