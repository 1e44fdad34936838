"""The system calls that a media process may make: a seccomp filter, which ends the process at any other (seccomp(2)).

The lists hold what the libraries call after a process is sealed (seen with strace over all formats), and what glibc
2.31 to 2.41 call for the same functions by their source (nptl, malloc, stdlib, sysdeps/unix/sysv/linux).
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_PR_SET_NAME = 15
_PROT_EXEC = 4
_PTHREAD = 0x003D0F00
"""Flags of `clone` in pthread_create: CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID and
CHILD_CLEARTID.
"""


class Action(IntEnum):
    """What happens at a system call (SECCOMP_RET_… of linux/seccomp.h)."""

    KILL = 0x80000000
    TRAP = 0x00030000
    ERROR = 0x00050000
    ALLOW = 0x7FFF0000


class Architecture(NamedTuple):
    """Numbers of the system calls on one processor architecture, by name. The most frequent calls come first."""

    audit: int
    """AUDIT_ARCH_… of linux/audit.h."""
    allowed: dict[str, int]
    refused: dict[str, int]
    """Calls that get an error: a library makes them, and goes on without."""


ARCHITECTURES = {
    "x86_64": Architecture(
        0xC000003E,
        {
            "futex": 202, "read": 0, "write": 1, "mmap": 9, "munmap": 11, "madvise": 28, "mprotect": 10, "brk": 12,
            "mremap": 25, "rt_sigprocmask": 14, "rt_sigaction": 13, "rt_sigreturn": 15, "clock_gettime": 228,
            "clock_getres": 229, "clock_nanosleep": 230, "nanosleep": 35, "gettimeofday": 96, "time": 201,
            "sched_yield": 24, "sched_getaffinity": 204, "clone": 56, "set_robust_list": 273, "rseq": 334,
            "membarrier": 324, "sigaltstack": 131, "getpid": 39, "gettid": 186, "tgkill": 234, "prctl": 157,
            "getrandom": 318, "getrusage": 98, "readv": 19, "writev": 20, "close": 3, "fstat": 5, "lseek": 8,
            "restart_syscall": 219, "exit": 60, "exit_group": 231,
        },
        {
            "clone3": 435, "openat": 257, "open": 2, "newfstatat": 262, "stat": 4, "lstat": 6, "statx": 332,
            "access": 21, "faccessat": 269, "faccessat2": 439, "readlink": 89, "readlinkat": 267, "ioctl": 16,
            "uname": 63, "sysinfo": 99, "getrlimit": 97, "prlimit64": 302, "getcpu": 309, "sched_setaffinity": 203,
            "get_mempolicy": 239,
        },
    ),
    "aarch64": Architecture(
        0xC00000B7,
        {
            "futex": 98, "read": 63, "write": 64, "mmap": 222, "munmap": 215, "madvise": 233, "mprotect": 226,
            "brk": 214, "mremap": 216, "rt_sigprocmask": 135, "rt_sigaction": 134, "rt_sigreturn": 139,
            "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115, "nanosleep": 101, "gettimeofday": 169,
            "sched_yield": 124, "sched_getaffinity": 123, "clone": 220, "set_robust_list": 99, "rseq": 293,
            "membarrier": 283, "sigaltstack": 132, "getpid": 172, "gettid": 178, "tgkill": 131, "prctl": 167,
            "getrandom": 278, "getrusage": 165, "readv": 65, "writev": 66, "close": 57, "fstat": 80, "lseek": 62,
            "restart_syscall": 128, "exit": 93, "exit_group": 94,
        },
        {
            "clone3": 435, "openat": 56, "newfstatat": 79, "statx": 291, "faccessat": 48, "faccessat2": 439,
            "readlinkat": 78, "ioctl": 29, "uname": 160, "sysinfo": 179, "getrlimit": 163, "prlimit64": 261,
            "getcpu": 168, "sched_setaffinity": 122, "get_mempolicy": 236,
        },
    ),
}  # fmt: skip


class Unsupported(Exception):
    """The kernel or the processor does not offer this kind of confinement."""


def install(others: Action = Action.KILL) -> None:
    """Filters the system calls of this process for good. Raises Unsupported.

    The filter holds for the calling thread and all that it begins, so the process must have one thread only.
    """
    code = program(platform.machine(), os.getpid(), others)
    buffer = ctypes.create_string_buffer(code, len(code))
    wanted = _Program(len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(wanted), 0, 0
    ):
        raise Unsupported(f"the kernel does not filter system calls: {os.strerror(ctypes.get_errno())}")


class _Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


_LOAD, _JUMP_EQUAL, _JUMP_SET, _RETURN = 0x20, 0x15, 0x45, 0x06
"""Classic BPF (linux/bpf_common.h): load a word, jump if equal, jump if one of the bits is set, return."""
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Offsets in struct seccomp_data. An argument has 8 bytes, of which the low four come first on both architectures."""


def program(machine: str, pid: int, others: Action = Action.KILL) -> bytes:
    """Returns the filter of the process with this id, as an array of struct sock_filter.

    `others` is what happens at calls that are on no list. Raises Unsupported for an unknown `machine`.
    """
    if machine not in ARCHITECTURES:
        raise Unsupported(f"there is no list of system calls for the processor {machine}")
    architecture = ARCHITECTURES[machine]
    end = _step(_RETURN, others)
    steps = [_step(_LOAD, _ARCHITECTURE), _step(_JUMP_EQUAL, architecture.audit, 1, 0), end, _step(_LOAD, _NUMBER)]
    for name, number in architecture.allowed.items():
        answer = [*_condition(name, pid, end), _step(_RETURN, Action.ALLOW)]
        steps += [_step(_JUMP_EQUAL, number, 0, len(answer)), *answer]
    for name, number in architecture.refused.items():
        # Without clone3, whose flags a filter cannot read, glibc uses clone.
        error = errno.ENOSYS if name == "clone3" else errno.EPERM
        steps += [_step(_JUMP_EQUAL, number, 0, 1), _step(_RETURN, Action.ERROR | error)]
    return b"".join([*steps, end])


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _condition(name: str, pid: int, end: bytes) -> Iterator[bytes]:
    """Yields what must hold for an allowed call: otherwise it ends the process, or gets an error."""
    refuse = _step(_RETURN, Action.ERROR | errno.EPERM)
    match name:
        case "mmap" | "mprotect":  # no memory whose content can be run as code
            yield from (_load(2), _step(_JUMP_SET, _PROT_EXEC, 0, 1), end)
        case "tgkill":  # signals to itself only, as abort does
            yield from (_load(0), _step(_JUMP_EQUAL, pid, 1, 0), end)
        case "clone":  # threads only
            yield from (_load(0), _step(_JUMP_EQUAL, _PTHREAD, 1, 0), refuse)
        case "prctl":  # names of threads only
            yield from (_load(0), _step(_JUMP_EQUAL, _PR_SET_NAME, 1, 0), refuse)


def _load(argument: int) -> bytes:
    """Loads the low half of an argument. No constant above has bits in the high half."""
    return _step(_LOAD, _ARGUMENTS + 8 * argument)
