"""Single media jobs on a file, run as the pipeline runs them, by processes that a test can look at."""

import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from connector.domain.jobs import ChunkJob, ProbeJob
from connector.domain.limits import JobLimits, SourceLimits
from connector.domain.media_info import MediaInfo
from connector.domain.planner import Limits as PlanLimits
from connector.domain.planner import make_plan
from connector.sandbox.runner import Sandbox
from tests.support.apps import SANDBOX

ACCEPTED = SourceLimits(minutes=720, pixels=8192 * 4352, frame_rate=1000, tracks=16)
LIMITS = JobLimits(seconds=300, memory=3072 << 20, threads=1)


class FileSource:
    """A file on disk; counts the bytes that were read."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self.size = path.stat().st_size
        self.bytes_read = 0
        self.closed = False

    def read_at(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        data = self._file.read(length)
        self.bytes_read += len(data)
        return data

    def close(self) -> None:
        self._file.close()
        self.closed = True


@dataclass
class Collector:
    """A sink in memory. `seen` is called, with the child's process id, at each blob and each report."""

    seen: Callable[[int], None] = lambda pid: None
    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, area: str, name: str, data: bytes) -> None:
        with self._lock:
            assert (area, name) not in self.blobs, "nothing is written twice"
            self.blobs[area, name] = data
            self._see()

    def progress(self, share: float, finished: object) -> None:
        assert 0 <= share <= 1
        with self._lock:
            self._see()

    def _see(self) -> None:
        for pid in children():
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # it has just ended
                self.seen(pid)


def end_idle() -> None:
    """Ends the process that an earlier job may have left for the next one with its affinity key."""
    SANDBOX._idle.take(None)


def children() -> list[int]:
    """Process ids of this process's living media children."""
    return [pid for server in begun_by(os.getpid()) for pid in begun_by(server)]


def begun_by(parent: int) -> list[int]:
    """Process ids of the fork servers that a process has begun, or of the living children of a fork server."""
    return [pid for pid in _children(parent) if b"connector.sandbox.fork_server" in _read(f"/proc/{pid}/cmdline")]


def _children(parent: int) -> list[int]:
    threads = Path(f"/proc/{parent}/task").glob("*")
    return [int(pid) for thread in threads for pid in _read(f"{thread}/children").split()]


def _read(path: str) -> bytes:
    """Nothing of a process or thread that has just ended."""
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def probed(path: Path, sandbox: Sandbox = SANDBOX) -> MediaInfo:
    return sandbox.run(ProbeJob(limits=LIMITS, accepted=ACCEPTED), [lambda: FileSource(path)], Collector())


def chunk_job(
    path: Path,
    index: int = 0,
    *,
    segment_seconds: float = 1,
    chunk_seconds: float = 4,
    limits: JobLimits = LIMITS,
    trimmed: bool = True,
) -> ChunkJob:
    """With `trimmed=False` every rung is made, however few bits the source has."""
    info = probed(path)
    if not trimmed:
        info = info.model_copy(update={"size": None})
    plan = make_plan(info, PlanLimits(segment_seconds, chunk_seconds, 2160))
    return ChunkJob(limits=limits, info=info, plan=plan, index=index, preset="veryfast")


def run(job: ChunkJob, path: Path, sink: Collector | None = None) -> Collector:
    sink = sink or Collector()
    SANDBOX.run(job, [lambda: FileSource(path)], sink)
    return sink
