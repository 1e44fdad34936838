"""CPU of processes, with that of the processes they began, and that of those in turn."""

import os
import resource
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class CpuTime:
    """Seconds, user and system."""

    own: float
    others: float
    """Of those that it began, and of those in turn, ended or not."""


def cpu_time(pid: int, without: Collection[int] = ()) -> CpuTime:
    """What a process has used by now. `without`: processes below it that count by themselves."""
    own, others = _read(pid)
    return CpuTime(own, others + sum(sum(_read(other)) for other in descendants(pid, without)))


def total_cpu(pid: int) -> float:
    """Seconds of a process and of all that it began."""
    found = cpu_time(pid)
    return found.own + found.others


def ended_children_cpu() -> float:
    """Seconds of the processes that this one began and has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def descendants(pid: int, without: Collection[int] = ()) -> Iterator[int]:
    """The processes that it began, and those that they began in turn."""
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # it has just ended: whoever waited for it has its seconds
            for child in map(int, listed.read_text().split()):
                if child not in without:
                    yield child
                    yield from descendants(child, without)


def _read(pid: int) -> tuple[float, float]:
    """Seconds of the process itself, and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0, 0.0
    user, system, ended_user, ended_system = (int(field) / os.sysconf("SC_CLK_TCK") for field in fields[11:15])
    return user + system, ended_user + ended_system
