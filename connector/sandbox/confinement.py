"""Confines media processes, which decode hostile files: a memory bug in a decoder may make any of its code run.

A confined process can do no more than compute, talk through its three pipes and end. The levels:

- LIMITS: limits of the operating system. No file, socket or pipe can be opened, because there is no descriptor for it,
  and memory and processor time are bounded. This stops demuxers, but not an attacker's code that attacks processes.
- SECCOMP: in addition, the kernel ends the process at any system call but a few dozen (`seccomp.py`).
- FULL: in addition, Landlock refuses access to files and other processes, should a list of system calls be wrong.
"""

import ctypes
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from connector.domain.limits import JobLimits
from connector.sandbox import landlock, seccomp

_PR_SET_DUMPABLE = 4


class Level(StrEnum):
    """How media processes are confined, in words for operators."""

    LIMITS = "resource limits only"
    SECCOMP = "seccomp"
    FULL = "seccomp and Landlock"


def best_level() -> Level:
    """Returns the highest level that this system may offer. Whether it works is seen in a process that tries it."""
    if sys.platform != "linux":
        return Level.LIMITS
    return Level.FULL if landlock.version() >= 1 else Level.SECCOMP


def confine(limits: JobLimits, level: Level, others: seccomp.Action = seccomp.Action.KILL) -> None:
    """Confines this process for good. It must have one thread only.

    `others` is what happens at a system call that is not allowed. Raises seccomp.Unsupported or OSError when the system
    does not offer the level.
    """
    if level is not Level.LIMITS:
        set_dumpable(False)
    if level is Level.FULL:
        landlock.restrict()  # this needs a descriptor
    _limit(limits)
    if level is not Level.LIMITS:
        seccomp.install(others)  # the last, because it forbids all of the above


def _limit(limits: JobLimits) -> None:
    """Sets hard limits: memory, processor time, no file written, no core dump, no new descriptor."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    cpu = limits.seconds * (limits.threads + 1)
    # The soft limit sends SIGXCPU. The hard one sends SIGKILL, which looks as if somebody else ended the process.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Processes that answer HTTP on the same machine take precedence.
    os.nice(5)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def set_dumpable(dumpable: bool) -> None:
    """Says whether other processes of the same user may read this one's memory, and whether /proc shows it to them
    (PR_SET_DUMPABLE of prctl(2)). Does nothing where there is no such thing.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, int(dumpable), 0, 0, 0)


@contextmanager
def dumpable() -> Iterator[None]:
    """Lets this process see its own descriptors in /proc for a moment: those of a process that is not dumpable belong
    to root. Without them, whoever closes all must try each number there may be.
    """
    set_dumpable(True)
    try:
        yield
    finally:
        set_dumpable(False)
