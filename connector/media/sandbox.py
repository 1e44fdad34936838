"""Runs one media job in a child process: a crash, hang or memory blow-up of a decoder costs that job, never the worker.

The child has no credentials, no environment worth reading and no network code, and can open neither file nor socket: it
asks this process for ranges of its source and hands back finished blobs. PyAV is never imported here.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

from pydantic import ValidationError

from connector.deadline import carried
from connector.errors import MediaError, TaskCrashed
from connector.media import children
from connector.media.channel import (
    Error,
    Message,
    Open,
    Progress,
    Put,
    Read,
    Result,
    answer,
    answer_number,
    parse,
)
from connector.media.jobs import Area, Job
from connector.media.process import Kept, Process

WRITERS = 4
"""Blobs written at the same time, overlapping the encode."""
MAX_PENDING = 8
"""Finished blobs that may wait to be written; then the child waits too. Bounds memory."""
MAX_READ = 16 * 1024 * 1024
FIRST_READ = 1
"""Bytes; readers fetch far more at a time, and keep it."""
MAX_PUT = 256 * 1024 * 1024
MAX_LINE = 4 * 1024 * 1024


class Source(Protocol):
    """What a child may read: `size` in bytes, `read_at(offset, length)`. Closed when the job is over."""

    @property
    def size(self) -> int: ...

    def read_at(self, offset: int, length: int) -> bytes: ...

    def close(self) -> None: ...


class Sink(Protocol):
    """Where a child's blobs go. `put` is called from several threads.

    `progress` is told what is finished when all its blobs are written; in between, None.
    """

    def put(self, area: Area, name: str, data: bytes) -> None: ...

    def progress(self, share: float, finished: Any) -> None: ...


_kept = Kept()


def run(
    job: Job,
    sources: Sequence[Callable[[], Source]],
    sink: Sink,
    begun: Callable[[Callable[[], None]], None] = lambda _: None,
    owner: Hashable = None,
) -> Any:
    """The job's result, when all its blobs are written.

    `sources` open the job's files on first use; `begun` is told what stops the job, from any thread. With an `owner`
    the process stays for a while, for that owner's next job; the limits of all these jobs are the same. Raises
    MediaError when the media is at fault (final), TaskCrashed when the child died, ran over a limit (worth another try)
    or was stopped, and whatever `sources` and `sink` raise.
    """
    watch = _Watch(job.limits.seconds)
    begun(watch.stop)
    try:
        used = None if owner is None else _kept.take(owner)
        if used is not None:
            # What goes wrong may be left from the job before: a fresh process has the last word.
            with contextlib.suppress(MediaError, TaskCrashed):
                return _do(_Parent(used, sources, sink), job, watch, owner)
        return _do(_Parent(Process(children.begin()), sources, sink), job, watch, owner)
    finally:
        watch.close()


def _do(parent: "_Parent", job: Job, watch: "_Watch", owner: Hashable) -> Any:
    """The job's result. Closes the process, or keeps it for its owner."""
    process, keep = parent.process, False
    try:
        watch.over(process)
        value = parent.serve(job)
        keep = owner is not None and process.good_for_another(job.limits)
    except _ChildGone:
        raise TaskCrashed(watch.reason or f"the media process ended with {process.ending()}") from None
    else:
        return value
    finally:
        if not keep:
            process.kill()
        parent.close()
        watch.over(None)
        if keep:
            _kept.keep(owner, process)
        else:
            process.close()


class _Watch:
    """Ends a job's process from outside: when its time is over, or when the job is stopped."""

    def __init__(self, seconds: int) -> None:
        self.reason = ""
        """Why it was ended."""
        self._lock = threading.Lock()
        self._process: Process | None = None
        self._timer = threading.Timer(seconds, self._end, [f"{seconds} s were not enough"])
        self._timer.daemon = True
        self._timer.start()

    def over(self, process: Process | None) -> None:
        """The process that works for the job now; None when it is done."""
        with self._lock:
            self._process = process
            if process is not None and self.reason:
                process.kill()

    def stop(self) -> None:
        self._end("the media process was stopped")

    def _end(self, reason: str) -> None:
        with self._lock:
            self.reason = self.reason or reason
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        self._timer.cancel()
        self._timer.join()


class _ChildGone(Exception):
    """The other end of the pipes is closed."""


@contextlib.contextmanager
def _talking() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise _ChildGone from None


class _Parent:
    def __init__(self, process: Process, sources: Sequence[Callable[[], Source]], sink: Sink) -> None:
        self.process = process
        self._to, self._from = process.to, process.answers
        self._sources, self._sink = sources, sink
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="put")
        self._open: dict[int, Source] = {}
        self._pending: deque[Future[None]] = deque()
        self._written = 0

    def serve(self, job: Job) -> Any:
        with _talking():
            self._to.write(job.model_dump_json().encode() + b"\n")
            self._to.flush()
        if len(self._sources) == 1:
            # While the child begins: it will ask for the size and the first bytes.
            self._source(0).read_at(0, FIRST_READ)
        while True:
            match self._message():
                case Open(file=file):
                    size = self._source(file).size
                    with _talking():
                        answer_number(self._to, size)
                case Read(file=file, offset=offset, length=length):
                    data = self._source(file).read_at(offset, min(length, MAX_READ))
                    with _talking():
                        answer(self._to, data)
                case Put() as put:
                    data = self._payload(put.length)
                    self._written += put.length
                    if self._written > job.most_output:
                        raise TaskCrashed("the output is over the limit")
                    self._settle(MAX_PENDING - 1)
                    self._pending.append(self._writers.submit(carried(self._sink.put), put.area, put.name, data))
                case Progress(share=share, finished=finished):
                    self._settle(MAX_PENDING if finished is None else 0)
                    self._sink.progress(share, finished)
                case Result(value=value):
                    self._settle(0)
                    return value
                case Error(code=code, message=message):
                    raise MediaError(code, message)

    def _message(self) -> Message:
        line = self._from.readline(MAX_LINE)
        if not line.endswith(b"\n") and len(line) < MAX_LINE:
            raise _ChildGone
        try:
            return parse(line)
        except ValidationError:
            raise TaskCrashed("the media process spoke nonsense") from None

    def _payload(self, length: int) -> bytes:
        if length > MAX_PUT:
            raise TaskCrashed("a single blob is over the limit")
        data = self._from.read(length)
        if len(data) != length:
            raise _ChildGone
        return data

    def _source(self, file: int) -> Source:
        if file not in self._open:
            if file >= len(self._sources):
                raise TaskCrashed("the media process asked for a file that is none of its own")
            self._open[file] = self._sources[file]()
        return self._open[file]

    def _settle(self, waiting: int) -> None:
        """Until at most so many blobs wait to be written. Raises what writing one of the others raised."""
        while self._pending and (len(self._pending) > waiting or self._pending[0].done()):
            self._pending.popleft().result()

    def close(self) -> None:
        """Waits for blobs that are being written, so that none appears after the task is over."""
        self._writers.shutdown(cancel_futures=True)
        for source in self._open.values():
            source.close()
