"""What a media process can do once an attacker's code runs in it. A module for the fork server.

All its processes run as an ordinary user without capabilities, even where the tests run as root.
"""

import ctypes
import errno
import json
import mmap
import os
import signal
import socket
import sys
from collections.abc import Callable

from connector.domain.limits import JobLimits
from connector.sandbox.confinement import Level
from tests.support.ordinary_user import become

_LIMITS = JobLimits(seconds=9, memory=1 << 30, threads=1)
_SEIZE = 0x4206
_CLONE3, _IO_URING_SETUP = 435, 425
"""Numbers that are the same on all architectures."""
_libc = ctypes.CDLL(None, use_errno=True)

become()


def self_test() -> None:
    pass


def main(confine: Callable[..., None]) -> None:
    """Reads what to try, tries it and tells: `done`, or the name of the error."""
    job = json.loads(sys.stdin.readline())
    out = os.dup(1)
    if job["confined"]:
        confine(_LIMITS)
    else:
        confine(_LIMITS, level=Level.LIMITS)
    try:
        said = _attempts(job)[job["attempt"]]() or "done"
    except OSError as error:
        said = errno.errorcode[error.errno or 0]
    os.write(out, str(said).encode())


def _attempts(job: dict[str, str]) -> dict[str, Callable[[], object]]:
    victim, file = int(job["victim"]), f"{job['folder']}/file".encode()
    return {
        "open": lambda: os.close(os.open("/etc/passwd", os.O_RDONLY)),
        "stat": lambda: _called("access", b"/etc/passwd", 4),
        "truncate": lambda: _called("truncate", file, 0),
        "chmod": lambda: _called("chmod", file, 0o700),
        "rename": lambda: _called("rename", file, file + b"2"),
        "unlink": lambda: _called("unlink", file),
        "mkdir": lambda: _called("mkdir", file + b"3", 0o700),
        "symlink": lambda: _called("symlink", b"/etc/passwd", file + b"4"),
        "socket": lambda: socket.socket().close(),
        "connect": lambda: _called("connect", 0, b"\0" * 16, 16),
        "sendto": lambda: _called("sendto", 0, b"x", 1, 0, None, 0),
        "kill": lambda: os.kill(victim, signal.SIGCONT),
        "tgkill": lambda: _called("tgkill", victim, victim, int(signal.SIGCONT)),
        "ptrace": lambda: _called("ptrace", _SEIZE, victim, None, None),
        "process_vm_readv": lambda: _secret_of(victim, int(job["address"]), int(job["length"])),
        "prlimit": lambda: _called("prlimit", victim, 4, (ctypes.c_ulong * 2)(0, 0), None),
        "fork": _fork,
        "clone3": lambda: _called("syscall", _CLONE3, None, 0),
        "execve": _execute,
        "memfd_create": lambda: _called("memfd_create", b"x", 0),
        "unshare": lambda: _called("unshare", 0),
        "io_uring_setup": lambda: _called("syscall", _IO_URING_SETUP, 0, None),
        "executable memory": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC).close(),
        "abort": os.abort,
    }


def _called(function: str, *arguments: object) -> None:
    """Calls a function of the C library. Raises OSError when it fails."""
    if getattr(_libc, function)(*arguments) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _execute() -> None:
    os.execve("/bin/echo", ["echo", "-n", "done"], {})  # noqa: S606 - this is what is tried


def _fork() -> None:
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _secret_of(victim: int, address: int, length: int) -> None:
    """Finds the victim's secret in its memory."""
    buffer = ctypes.create_string_buffer(length)
    ours = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), length)
    theirs = (ctypes.c_size_t * 2)(address, length)
    _called("process_vm_readv", victim, ours, 1, theirs, 1, 0)
    assert b"SECRET=of-the-worker" in buffer.raw
