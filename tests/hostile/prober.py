"""Probes many files in one media process, which is confined and sealed as every media process is; starting one for each
file would take most of the time. The process is started again when it dies.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Self

from connector.domain.jobs import ProbeJob
from connector.domain.limits import JobLimits, SourceLimits
from connector.domain.media_info import MediaInfo
from connector.errors import MediaError, TaskCrashed
from connector.media import worker
from connector.sandbox import runner
from connector.sandbox.confinement import best_level, confine
from connector.sandbox.process import Process

ACCEPTED = SourceLimits(minutes=720, pixels=8192 * 4352, frame_rate=1000, tracks=16)
"""The settings' defaults."""
SECONDS = 20
"""For one file; a probe in the pipeline may take longer."""
FILES = 100
"""After so many a new process begins, so that what one leaves in memory is not laid to another."""


@dataclass(frozen=True)
class Outcome:
    info: MediaInfo | None = None
    refusal: MediaError | None = None
    crash: str = ""
    seconds: float = 0.0


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self.size, self._data = len(data), data

    def read_at(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]

    def close(self) -> None:
        pass


class _NoSink:
    def put(self, area: str, name: str, data: bytes) -> None:
        raise AssertionError("a probe writes nothing")

    def progress(self, share: float, finished: object) -> None:
        pass


class Prober:
    """Use as a context. Not `sealed`: the process could open what it likes, and only demuxers are kept from it."""

    def __init__(self, *, sealed: bool = True) -> None:
        self._sealed = sealed
        self._process: Process | None = None
        self._left = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def probe(self, data: bytes) -> Outcome:
        if self._process is None or self._left == 0:
            self._end()
            self._begin()
        self._left -= 1
        process = self._process
        assert process
        parent = runner._Parent(process, [lambda: _Bytes(data)], _NoSink())
        job = ProbeJob(limits=JobLimits(seconds=SECONDS * FILES, memory=3072 << 20, threads=1), accepted=ACCEPTED)
        begin = time.monotonic()
        try:
            with _killed_after(process, SECONDS):
                info = parent.serve(job)
            return Outcome(info=info, seconds=time.monotonic() - begin)
        except MediaError as error:
            return Outcome(refusal=error, seconds=time.monotonic() - begin)
        except (runner._ChildGone, TaskCrashed) as error:
            crash = str(error) or str(process.ending())
            self._end()
            return Outcome(crash=crash, seconds=time.monotonic() - begin)

    def _begin(self) -> None:
        self._left = FILES
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "tests.hostile.prober", "sealed" if self._sealed else "open"]
        self._process = Process(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe))

    def _end(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None


@contextmanager
def _killed_after(process: Process, seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def main() -> None:
    """The process: a media child, confined or not."""
    worker.main(partial(confine, level=best_level()) if sys.argv[1] == "sealed" else lambda _: None)


if __name__ == "__main__":
    main()
