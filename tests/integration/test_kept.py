"""A media process that is kept for its owner's next job: saves clearing memory, and shows in nothing else."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from connector.errors import MediaError, TaskCrashed
from connector.media import process, sandbox
from connector.media.jobs import ChunkJob
from tests.integration.jobs import LIMITS, Collector, FileSource, children, chunk_job, end_idle, run
from tests.media.cache import cached
from tests.media.sources import PAL, Video, numbered

pytestmark = pytest.mark.media

_VIDEO = Video(fps=PAL, frames=150, size=(640, 480), b_frames=2)


@pytest.fixture(scope="module")
def path() -> Path:
    """Six seconds."""
    return cached("kept.mp4", lambda p: numbered(p, _VIDEO), repr(_VIDEO))


@pytest.fixture(scope="module")
def job(path) -> ChunkJob:
    return chunk_job(path, trimmed=False)


@pytest.fixture(autouse=True)
def _kept(job):
    """None is idle before; none is left behind."""
    del job
    end_idle()
    threads = threading.active_count()
    yield
    end_idle()
    assert children() == []
    assert threading.active_count() == threads, "nothing waits"


def of(job: ChunkJob, path: Path, owner: str | None, sink: Collector | None = None) -> Collector:
    sink = sink or Collector()
    sandbox.run(job, [lambda: FileSource(path)], sink, owner=owner)
    return sink


def each(job: ChunkJob) -> list[ChunkJob]:
    return [job.model_copy(update={"index": index}) for index in range(len(job.plan.chunks))]


def test_one_process_does_an_owners_jobs_and_writes_what_fresh_ones_write(path, job):
    assert len(job.plan.chunks) >= 4
    pids = set()
    for chunk in each(job):
        assert of(chunk, path, "one").blobs == run(chunk, path).blobs
        pids.update(children())
    assert len(pids) == 1


def test_a_job_without_an_owner_leaves_none(path, job):
    run(job, path)
    assert children() == []


def test_an_owner_never_gets_the_process_of_another(path, job):
    of(job, path, "one")
    (first,) = children()
    of(job, path, "other")
    (second,) = children()
    assert second != first


def test_a_job_without_an_owner_does_not_get_it_either(path, job):
    of(job, path, "one")
    (kept,) = children()
    seen: set[int] = set()
    run(job, path, Collector(seen=seen.add))
    assert len(seen - {kept}) == 1
    assert children() == [kept]


def test_an_idle_one_ends(path, job, monkeypatch):
    monkeypatch.setattr(process, "IDLE_SECONDS", 0.2)
    of(job, path, "one")
    end = time.monotonic() + 20
    while children():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_when_an_idle_one_was_killed_the_next_job_begins_another(path, job):
    of(job, path, "one")
    (kept,) = children()
    os.kill(kept, signal.SIGKILL)
    assert of(job, path, "one").blobs
    assert children() != [kept]


class Twice(Collector):
    """What is written again is the same."""

    def put(self, area: str, name: str, data: bytes) -> None:
        known = self.blobs.pop((area, name), data)
        super().put(area, name, data)
        assert known == data


def test_what_a_used_process_fails_at_a_fresh_one_does(path, job):
    of(job, path, "one")
    (kept,) = children()

    def die(pid: int) -> None:
        if pid == kept:
            os.kill(pid, signal.SIGSEGV)

    assert of(job, path, "one", Twice(seen=die)).blobs == run(job, path).blobs
    assert children() != [kept]


def test_what_a_fresh_one_fails_at_is_a_failure(path, job):
    of(job, path, "one")
    broken = job.model_copy(update={"info": job.info.model_copy(update={"video": None})})
    with pytest.raises(MediaError, match="neither"):
        of(broken, path, "one")
    with pytest.raises(TaskCrashed, match="SIGSEGV"):
        of(job, path, "one", Twice(seen=lambda pid: os.kill(pid, signal.SIGSEGV)))
    assert children() == []


def test_a_used_one_can_be_stopped(path, job):
    of(job, path, "one")
    stops = []
    seen: list[int] = []

    def stop(pid: int) -> None:
        seen.append(pid)
        stops[0]()

    with pytest.raises(TaskCrashed, match="the media process was stopped"):
        sandbox.run(job, [lambda: FileSource(path)], Collector(seen=stop), stops.append, "one")
    assert children() == []


def test_what_stopped_a_job_does_not_stop_the_next_one(path, job):
    stops = []
    sandbox.run(job, [lambda: FileSource(path)], Collector(), stops.append, "one")
    (kept,) = children()
    stops[0]()
    of(job, path, "one")
    assert children() == [kept]


def test_one_is_kept_only_while_its_processor_time_is_enough_for_another_job(path, job):
    hurried = job.model_copy(update={"limits": LIMITS.model_copy(update={"seconds": 3})})
    of(hurried, path, "one")
    assert children() != []
    time.sleep(hurried.limits.seconds)
    of(hurried, path, "one")
    assert children() == []


def test_one_that_takes_much_memory_is_not_kept(path, job, monkeypatch):
    monkeypatch.setattr(process, "MEMORY_SHARE", 0.01)
    of(job, path, "one")
    assert children() == []


def test_a_used_one_takes_no_more_memory_than_the_first_job(path, job):
    def peak() -> int:
        (kept,) = children()
        status = Path(f"/proc/{kept}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0])

    of(job, path, "one")
    first = peak()
    for _ in range(3):
        of(job, path, "one")
    assert peak() < 1.1 * first
