"""CPU of processes, with that of the processes they began, and that of those in turn."""

import os
import resource
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Spent:
    """Seconds, user and system."""

    own: float
    others: float
    """Of those that it began, and of those in turn, ended or not."""


def spent(pid: int, without: Collection[int] = ()) -> Spent:
    """By now. `without`: processes below it that count by themselves."""
    own, others = _read(pid)
    return Spent(own, others + sum(sum(_read(other)) for other in below(pid, without)))


def cpu(pid: int) -> float:
    """Seconds of a process and of all that it began."""
    found = spent(pid)
    return found.own + found.others


def ended() -> float:
    """Seconds of those that this process began and has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def below(pid: int, without: Collection[int] = ()) -> Iterator[int]:
    """The processes that it began, and those that they began in turn."""
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # it has just ended: whoever waited for it has its seconds
            for child in map(int, listed.read_text().split()):
                if child not in without:
                    yield child
                    yield from below(child, without)


def _read(pid: int) -> tuple[float, float]:
    """Seconds of the process itself, and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0, 0.0
    user, system, ended_user, ended_system = (int(field) / os.sysconf("SC_CLK_TCK") for field in fields[11:15])
    return user + system, ended_user + ended_system
