"""What media processes really did, once, so that it can be done again and again at no cost.

Only the child process is replaced: what its parent does for it (opening and reading sources, writing blobs) are the
same calls of the app, in the order they had. Blobs that the real parent writes at the same time are written one by one.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from connector.domain.jobs import Job
from connector.domain.ports import JobSink, SourceReader
from tests.support.apps import SANDBOX


@dataclass
class _Events:
    """Of one job: ("read", file, offset, length), ("put", area, name, data), ("progress", share); and its result."""

    happened: list[tuple[Any, ...]] = field(default_factory=list)
    result: Any = None
    lock: Lock = field(default_factory=Lock)

    def add(self, *event: Any) -> None:
        with self.lock:
            self.happened.append(event)


class _Source:
    def __init__(self, source: SourceReader, events: _Events, file: int) -> None:
        self._source, self._events, self._file = source, events, file
        self.size = source.size

    def read_at(self, offset: int, length: int) -> bytes:
        self._events.add("read", self._file, offset, length)
        return self._source.read_at(offset, length)

    def close(self) -> None:
        self._source.close()


class _Sink:
    def __init__(self, sink: JobSink, events: _Events) -> None:
        self._sink, self._events = sink, events

    def put(self, area: Any, name: str, data: bytes) -> None:
        self._events.add("put", area, name, data)
        self._sink.put(area, name, data)

    def progress(self, share: float, finished: Any) -> None:  # a heartbeat, which comes when it comes, publishes that
        self._events.add("progress", share, None)
        self._sink.progress(share, None)


@dataclass
class Recording:
    """A `MediaRunner`; a job that is new to it is really done, and remembered."""

    jobs: dict[str, _Events] = field(default_factory=dict)
    runs: Counter[str] = field(default_factory=Counter)
    """How often each job was begun, by the name of its task."""
    upload: str = ""
    """Which upload the jobs are for: they do not tell."""
    before: Callable[[str], None] = lambda name: None
    """Called with that name before each job; may raise."""

    def run(
        self,
        job: Job[Any],
        sources: Sequence[Callable[[], SourceReader]],
        sink: JobSink,
        *,
        on_start: Callable[[Callable[[], None]], None] = lambda _: None,
        affinity_key: Hashable = None,
    ) -> Any:
        name = f"{job.kind}-{getattr(job, 'index', 0):06d}"
        self.runs[name] += 1
        self.before(name)
        key = self.upload + job.model_dump_json()
        if key not in self.jobs:
            self.jobs[key] = self._record(job, sources, sink)
        else:
            self._replay(self.jobs[key], sources, sink)
        return self.jobs[key].result

    def _record(self, job: Job[Any], sources: Sequence[Callable[[], SourceReader]], sink: JobSink) -> _Events:
        events = _Events()
        opened = [lambda n=n, source=source: _Source(source(), events, n) for n, source in enumerate(sources)]
        events.result = SANDBOX.run(job, opened, _Sink(sink, events))
        return events

    def _replay(self, events: _Events, sources: Sequence[Callable[[], SourceReader]], sink: JobSink) -> None:
        opened: dict[int, SourceReader] = {}
        try:
            for kind, *facts in events.happened:
                if kind == "read":
                    file, offset, length = facts
                    if file not in opened:
                        opened[file] = sources[file]()
                    opened[file].read_at(offset, length)
                else:
                    getattr(sink, kind)(*facts)
        finally:
            for source in opened.values():
                source.close()
