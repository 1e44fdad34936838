"""Runs media jobs in child processes: a crash, hang or memory blow-up of a decoder costs one job, never the worker.

The child has no credentials, no environment worth reading and no network code, and can open neither file nor socket. It
asks this process for ranges of its source and hands back finished blobs. What it says is believed only as far as the
job allows. PyAV is never imported here.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from pydantic import ValidationError

from connector.deadline import carried
from connector.domain.failures import Facts, reported
from connector.domain.job_blobs import JobBlob
from connector.domain.jobs import Job, Place
from connector.domain.ports import Confinement, JobSink, SourceReader
from connector.domain.types import Model
from connector.errors import MediaError, TaskCrashed, TaskLost
from connector.sandbox.forking import Forking
from connector.sandbox.process import IdleProcess, Process
from connector.sandbox.protocol import (
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

R = TypeVar("R", bound=Model)

WRITERS = 4
"""Number of blobs that are written at the same time, while the encode goes on."""
MAX_PENDING = 8
"""Number of finished blobs that may wait to be written; then the child waits too. This bounds memory."""
MAX_READ = 16 * 1024 * 1024
FIRST_READ = 1
"""Bytes of the first read. Readers fetch far more at a time, and keep it."""
MAX_PUT = 256 * 1024 * 1024
MAX_LINE = 4 * 1024 * 1024

_BAD_MESSAGE = "the media process spoke nonsense"


class Sandbox:
    """Implements `MediaRunner` by child processes that run `main` of the module `worker`.

    With `required`, no job runs where the kernel cannot confine these processes.
    """

    def __init__(self, worker: str, idle: IdleProcess | None = None, *, required: bool = False) -> None:
        self.forking = Forking(worker, required=required)
        self._idle = idle or IdleProcess()

    def run(
        self,
        job: Job[R],
        sources: Sequence[Callable[[], SourceReader]],
        sink: JobSink,
        *,
        on_start: Callable[[Callable[[], None]], None] = lambda _: None,
        affinity_key: Hashable = None,
    ) -> R:
        """Runs a job as `MediaRunner.run` says."""
        watchdog = _Watchdog(job.limits.seconds)
        on_start(watchdog.stop)
        try:
            used = None if affinity_key is None else self._idle.take(affinity_key)
            if used is not None:
                # A failure may come from what the job before left, so a fresh process has the last word.
                with contextlib.suppress(MediaError, TaskCrashed, TaskLost):
                    return self._do(_Parent(used, sources, sink), job, watchdog, affinity_key)
            return self._do(_Parent(Process(self.forking.begin()), sources, sink), job, watchdog, affinity_key)
        finally:
            watchdog.close()

    def confinement(self) -> Confinement:
        """Returns how media processes are confined, as `MediaRunner.confinement` says."""
        return self.forking.confinement()

    def close(self) -> None:
        """Ends all processes. The next job begins others."""
        self._idle.take(None)
        self.forking.close()

    def _do(self, parent: "_Parent", job: Job[R], watchdog: "_Watchdog", affinity_key: Hashable) -> R:
        """Returns the job's result. Closes the process, or keeps it for another job."""
        process, keep = parent.process, False
        try:
            watchdog.over(process)
            value = parent.serve(job)
            keep = affinity_key is not None and process.reusable(job.limits)
        except _ChildGone:
            ending = process.ending()
            raise (TaskCrashed(watchdog.reason) if watchdog.reason else ending) from None
        else:
            return value
        finally:
            if not keep:
                process.kill()
            parent.close()
            watchdog.over(None)
            if keep:
                self._idle.keep(affinity_key, process)
            else:
                process.close()


class _Watchdog:
    """Ends a job's process from outside: when its time is over, or when the job is stopped."""

    def __init__(self, seconds: int) -> None:
        self.reason = ""
        """Reason why the process was ended; empty if it was not."""
        self._lock = threading.Lock()
        self._process: Process | None = None
        self._timer = threading.Timer(seconds, self._end, [f"{seconds} s were not enough"])
        self._timer.daemon = True
        self._timer.start()

    def over(self, process: Process | None) -> None:
        """Sets the process that works for the job now; None when it is done."""
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
def _child_gone_on_broken_pipe() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise _ChildGone from None


def _accepted(job: Job[R], value: object) -> R:
    """Returns the job's result, or what is finished of it. Raises TaskCrashed for what the job cannot have made."""
    try:
        result = job.result_type.model_validate(value)
    except ValidationError:
        raise TaskCrashed(_BAD_MESSAGE) from None
    if not job.accepts(result):
        raise TaskCrashed(_BAD_MESSAGE)
    return result


def _media_error(code: str, facts: Facts) -> MediaError:
    try:
        return reported(code, facts)
    except ValueError:
        raise TaskCrashed(_BAD_MESSAGE) from None


class _Parent:
    def __init__(self, process: Process, sources: Sequence[Callable[[], SourceReader]], sink: JobSink) -> None:
        self.process = process
        self._to, self._from = process.to, process.answers
        self._sources, self._sink = sources, sink
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="put")
        self._open: dict[int, SourceReader] = {}
        self._pending: deque[Future[None]] = deque()
        self._places: set[Place] = set()
        """Places of the blobs that the job has handed back."""
        self._written = 0

    def serve(self, job: Job[R]) -> R:
        with _child_gone_on_broken_pipe():
            self._to.write(job.model_dump_json().encode() + b"\n")
            self._to.flush()
        if len(self._sources) == 1:
            # This overlaps with the child's start: it will ask for the size and the first bytes.
            self._source(0).read_at(0, FIRST_READ)
        while True:
            match self._message():
                case Open(file=file):
                    size = self._source(file).size
                    with _child_gone_on_broken_pipe():
                        answer_number(self._to, size)
                case Read(file=file, offset=offset, length=length):
                    data = self._source(file).read_at(offset, min(length, MAX_READ))
                    with _child_gone_on_broken_pipe():
                        answer(self._to, data)
                case Put(blob=blob, length=length):
                    area, name = self._place(job, blob)
                    data = self._payload(length)
                    self._written += length
                    if self._written > job.most_output:
                        raise TaskCrashed("the output is over the limit")
                    self._wait_for_writes(MAX_PENDING - 1)
                    self._pending.append(self._writers.submit(carried(self._sink.put), area, name, data))
                case Progress(share=share, finished=finished):
                    if finished is not None:
                        _accepted(job, finished)
                    self._wait_for_writes(MAX_PENDING if finished is None else 0)
                    self._sink.progress(share, finished)
                case Result(value=value):
                    self._wait_for_writes(0)
                    return _accepted(job, value)
                case Error(code=code, facts=facts):
                    raise _media_error(code, facts)

    def _message(self) -> Message:
        line = self._from.readline(MAX_LINE)
        if not line.endswith(b"\n") and len(line) < MAX_LINE:
            raise _ChildGone
        try:
            return parse(line)
        except ValidationError:
            raise TaskCrashed(_BAD_MESSAGE) from None

    def _place(self, job: Job[R], blob: JobBlob) -> Place:
        """Returns where the blob is written. Raises TaskCrashed for one that is no part of the job, or came before."""
        place = job.place(blob)
        if place is None or place in self._places:
            raise TaskCrashed(_BAD_MESSAGE)
        self._places.add(place)
        return place

    def _payload(self, length: int) -> bytes:
        if length > MAX_PUT:
            raise TaskCrashed("a single blob is over the limit")
        data = self._from.read(length)
        if len(data) != length:
            raise _ChildGone
        return data

    def _source(self, file: int) -> SourceReader:
        if file not in self._open:
            if file >= len(self._sources):
                raise TaskCrashed("the media process asked for a file that is none of its own")
            self._open[file] = self._sources[file]()
        return self._open[file]

    def _wait_for_writes(self, waiting: int) -> None:
        """Waits until at most `waiting` blobs wait to be written. Raises what writing one of the others raised."""
        while self._pending and (len(self._pending) > waiting or self._pending[0].done()):
            self._pending.popleft().result()

    def close(self) -> None:
        """Waits for blobs that are being written, so that none appears after the task is over."""
        self._writers.shutdown(cancel_futures=True)
        for source in self._open.values():
            source.close()
