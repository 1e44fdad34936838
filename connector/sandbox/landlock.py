"""Takes a process's rights to files, to TCP ports and to other processes' sockets, by Landlock (landlock(7)).

The system calls and structures are those of linux/landlock.h. glibc has no functions for them.
"""

import ctypes
import os
import struct

_CREATE_RULESET, _RESTRICT_SELF = 444, 446
"""Numbers of the system calls, which are the same on all architectures."""
_GET_VERSION = 1
_PR_SET_NO_NEW_PRIVS = 38


def version() -> int:
    """Returns the version of Landlock that the kernel offers; 0 or less when it offers none."""
    found: int = ctypes.CDLL(None).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _GET_VERSION)
    return found


def restrict() -> None:
    """Takes all rights that the kernel's Landlock can take, from this thread and all that it begins. Needs one free
    descriptor for a moment. Raises OSError.
    """
    attributes = _attributes(version())
    libc = ctypes.CDLL(None, use_errno=True)
    ruleset = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        raise _error()
    try:
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.syscall(_RESTRICT_SELF, ruleset, 0):
            raise _error()
    finally:
        os.close(ruleset)


def _attributes(version: int) -> bytes:
    """Returns struct landlock_ruleset_attr with all rights of this version. What no rule allows is forbidden then."""
    # Rights to files: 13 in version 1, then also refer (2), truncate (3), ioctl (5).
    files = 13 + (version >= 2) + (version >= 3) + (version >= 5)
    network = 0b11 if version >= 4 else 0  # binding and connecting TCP sockets
    scope = 0b11 if version >= 6 else 0  # abstract sockets of, and signals to, processes outside
    fields = 1 + (version >= 4) + (version >= 6)
    return struct.pack("QQQ", (1 << files) - 1, network, scope)[: 8 * fields]


def _error() -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number))
