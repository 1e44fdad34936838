"""Runs one media job in a child process: a crash, hang or memory blow-up of a decoder costs that job, never the worker.

The child has no credentials, no environment worth reading, no network code and writes no file: it asks this process for
ranges of its source and hands back finished blobs. PyAV is imported in the child only.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any, Protocol

from connector.errors import MediaError, TaskCrashed
from connector.media.channel import answer, answer_number
from connector.media.jobs import Area, Job

WRITERS = 4
"""Blobs written at the same time, overlapping the encode."""
MAX_PENDING = 8
"""Finished blobs that may wait to be written; then the child waits too. Bounds memory."""
MAX_READ = 16 * 1024 * 1024
MAX_PUT = 256 * 1024 * 1024
MAX_LINE = 4 * 1024 * 1024


class Source(Protocol):
    """What a child may read: `size` in bytes, `read_at(offset, length)`."""

    @property
    def size(self) -> int: ...

    def read_at(self, offset: int, length: int) -> bytes: ...


class Sink(Protocol):
    """Where a child's blobs go. `put` is called from several threads."""

    def put(self, area: Area, name: str, data: bytes) -> None: ...

    def progress(self, share: float) -> None: ...


def run(job: Job, sources: Sequence[Callable[[], Source]], sink: Sink) -> Any:
    """The job's result, when all its blobs are written.

    `sources` open the job's files on first use. Raises MediaError when the media is at fault (final), TaskCrashed when
    the child died or ran out of time (worth another try), and whatever `sources` and `sink` raise.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", "connector.media.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "PATH": os.defpath},
        start_new_session=True,
    )
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        child.kill()

    timer = threading.Timer(job.limits.seconds, expire)
    timer.daemon = True
    timer.start()
    log = _Tail(child.stderr)
    try:
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="put") as writers:
            return _Parent(child, sources, sink, writers).serve(job)
    except (EOFError, BrokenPipeError):
        code = _exit_code(child)
        if expired.is_set():
            raise TaskCrashed(f"{job.limits.seconds} s were not enough") from None
        raise TaskCrashed(f"the media process ended with {_ending(code)}: {log.last()}") from None
    finally:
        timer.cancel()
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            # A broken pipe on the way out says nothing that the exit status did not.
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]  # all three were asked for
        log.close()


def _exit_code(child: subprocess.Popen[bytes]) -> int:
    """Of a child that closed its pipe, which it does when it ends."""
    try:
        return child.wait(timeout=2)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"


class _Parent:
    def __init__(
        self,
        child: subprocess.Popen[bytes],
        sources: Sequence[Callable[[], Source]],
        sink: Sink,
        writers: ThreadPoolExecutor,
    ) -> None:
        assert child.stdin  # noqa: S101 - for the type checker: pipes were asked for
        assert child.stdout  # noqa: S101
        self._to, self._from = child.stdin, child.stdout
        self._sources, self._sink, self._writers = sources, sink, writers
        self._open: dict[int, Source] = {}
        self._pending: deque[Future[None]] = deque()

    def serve(self, job: Job) -> Any:
        self._to.write(job.model_dump_json().encode() + b"\n")
        self._to.flush()
        while True:
            message = self._message()
            match message["op"]:
                case "open":
                    answer_number(self._to, self._source(message["file"]).size)
                case "read":
                    length = min(message["length"], MAX_READ)
                    answer(self._to, self._source(message["file"]).read_at(message["offset"], length))
                case "put":
                    self._put(message["area"], message["name"], self._payload(message["length"]))
                case "progress":
                    self._sink.progress(message["share"])
                case "result":
                    while self._pending:
                        self._pending.popleft().result()
                    return message["value"]
                case "error":
                    raise MediaError(message["code"], message["message"])
                case _:
                    raise TaskCrashed("the media process spoke nonsense")

    def _message(self) -> dict[str, Any]:
        line = self._from.readline(MAX_LINE)
        if not line.endswith(b"\n"):
            raise EOFError
        message: dict[str, Any] = json.loads(line)
        return message

    def _payload(self, length: int) -> bytes:
        if length > MAX_PUT:
            raise TaskCrashed("a single blob is over the limit")
        data = self._from.read(length)
        if len(data) != length:
            raise EOFError
        return data

    def _source(self, file: int) -> Source:
        if file not in self._open:
            self._open[file] = self._sources[file]()
        return self._open[file]

    def _put(self, area: Area, name: str, data: bytes) -> None:
        while self._pending and (len(self._pending) >= MAX_PENDING or self._pending[0].done()):
            self._pending.popleft().result()
        self._pending.append(self._writers.submit(self._sink.put, area, name, data))


class _Tail:
    """Drains a pipe and keeps its last lines, so that a chatty decoder neither blocks nor fills memory."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        assert stream  # noqa: S101 - for the type checker: the pipe was asked for
        self._stream = stream
        self._lines: deque[bytes] = deque(maxlen=20)
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def _drain(self) -> None:
        while line := self._stream.readline(2000):
            self._lines.append(line)

    def last(self) -> str:
        self._thread.join(timeout=1)
        return b"".join(list(self._lines)[-3:]).decode(errors="replace").strip() or "no message"

    def close(self) -> None:
        self._thread.join(timeout=1)
        self._stream.close()
