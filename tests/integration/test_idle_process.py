"""A media process that is kept for the next job with the same key: saves clearing memory, and shows in nothing else."""

import os
import signal
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from connector.bootstrap import WORKER
from connector.domain.jobs import ChunkJob
from connector.errors import MediaError, TaskCrashed
from connector.sandbox.process import IdleProcess
from connector.sandbox.runner import Sandbox
from tests.media.cache import cached
from tests.media.sources import PAL, Video, numbered
from tests.support.apps import SANDBOX
from tests.support.media_jobs import LIMITS, Collector, FileSource, children, chunk_job, end_idle, run

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
def _nothing_idle(job):
    """None is idle before; none is left behind."""
    del job
    end_idle()
    threads = threading.active_count()
    yield
    end_idle()
    assert children() == []
    assert threading.active_count() == threads, "nothing waits"


def keyed(job: ChunkJob, path: Path, key: str, sink: Collector | None = None, sandbox: Sandbox = SANDBOX) -> Collector:
    """Runs a job with this affinity key."""
    sink = sink or Collector()
    sandbox.run(job, [lambda: FileSource(path)], sink, affinity_key=key)
    return sink


def each(job: ChunkJob) -> list[ChunkJob]:
    return [job.model_copy(update={"index": index}) for index in range(len(job.plan.chunks))]


def test_one_process_does_all_jobs_with_a_key_and_writes_what_fresh_ones_write(path, job):
    assert len(job.plan.chunks) >= 4
    pids = set()
    for chunk in each(job):
        assert keyed(chunk, path, "one").blobs == run(chunk, path).blobs
        pids.update(children())
    assert len(pids) == 1


def test_a_job_without_a_key_leaves_none(path, job):
    run(job, path)
    assert children() == []


def test_a_job_never_gets_the_process_of_another_key(path, job):
    keyed(job, path, "one")
    (first,) = children()
    keyed(job, path, "other")
    (second,) = children()
    assert second != first


def test_a_job_without_a_key_does_not_get_it_either(path, job):
    keyed(job, path, "one")
    (kept,) = children()
    seen: set[int] = set()
    run(job, path, Collector(seen=seen.add))
    assert len(seen - {kept}) == 1
    assert children() == [kept]


def test_an_idle_one_ends(path, job):
    with closing(Sandbox(WORKER, IdleProcess(0.2))) as sandbox:
        keyed(job, path, "one", sandbox=sandbox)
        assert children() != []
        end = time.monotonic() + 20
        while children():
            assert time.monotonic() < end
            time.sleep(0.02)


def test_when_an_idle_one_was_killed_the_next_job_begins_another(path, job):
    keyed(job, path, "one")
    (kept,) = children()
    os.kill(kept, signal.SIGKILL)
    assert keyed(job, path, "one").blobs
    assert children() != [kept]


class Twice(Collector):
    """What is written again is the same."""

    def put(self, area: str, name: str, data: bytes) -> None:
        known = self.blobs.pop((area, name), data)
        super().put(area, name, data)
        assert known == data


def test_what_a_used_process_fails_at_a_fresh_one_does(path, job):
    keyed(job, path, "one")
    (kept,) = children()

    def die(pid: int) -> None:
        if pid == kept:
            os.kill(pid, signal.SIGSEGV)

    assert keyed(job, path, "one", Twice(seen=die)).blobs == run(job, path).blobs
    assert children() != [kept]


def test_what_a_fresh_one_fails_at_is_a_failure(path, job):
    keyed(job, path, "one")
    broken = job.model_copy(update={"info": job.info.model_copy(update={"video": None})})
    with pytest.raises(MediaError, match="neither"):
        keyed(broken, path, "one")
    with pytest.raises(TaskCrashed, match="SIGSEGV"):
        keyed(job, path, "one", Twice(seen=lambda pid: os.kill(pid, signal.SIGSEGV)))
    assert children() == []


def test_a_used_one_can_be_stopped(path, job):
    keyed(job, path, "one")
    stops = []
    seen: list[int] = []

    def stop(pid: int) -> None:
        seen.append(pid)
        stops[0]()

    with pytest.raises(TaskCrashed, match="the media process was stopped"):
        SANDBOX.run(job, [lambda: FileSource(path)], Collector(seen=stop), on_start=stops.append, affinity_key="one")
    assert children() == []


def test_what_stopped_a_job_does_not_stop_the_next_one(path, job):
    stops = []
    SANDBOX.run(job, [lambda: FileSource(path)], Collector(), on_start=stops.append, affinity_key="one")
    (kept,) = children()
    stops[0]()
    keyed(job, path, "one")
    assert children() == [kept]


def test_one_is_kept_only_while_its_processor_time_is_enough_for_another_job(path, job):
    hurried = job.model_copy(update={"limits": LIMITS.model_copy(update={"seconds": 3})})
    keyed(hurried, path, "one")
    assert children() != []
    time.sleep(hurried.limits.seconds)
    keyed(hurried, path, "one")
    assert children() == []


def test_one_that_takes_much_of_its_memory_is_not_kept(path, job):
    keyed(job, path, "one")
    (kept,) = children()
    # It has half of its addresses in memory: more than a third of a limit that is only a little above them.
    tight = job.limits.model_copy(update={"memory": kilobytes(kept, "VmPeak") * 1024 * 5 // 4})
    keyed(job.model_copy(update={"limits": tight}), path, "other")
    assert children() == []


def kilobytes(pid: int, what: str) -> int:
    """What the system tells of a process' memory."""
    return int(Path(f"/proc/{pid}/status").read_text().partition(f"{what}:")[2].split()[0])


def test_a_used_one_takes_no_more_memory_than_the_first_job(path, job):
    def peak() -> int:
        (kept,) = children()
        return kilobytes(kept, "VmHWM")

    keyed(job, path, "one")
    first = peak()
    for _ in range(3):
        keyed(job, path, "one")
    assert peak() < 1.1 * first
