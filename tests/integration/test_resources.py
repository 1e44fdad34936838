"""A media job takes what it was granted and leaves nothing behind, however it ends."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from connector.domain.jobs import ProbeJob
from connector.domain.limits import JobLimits
from connector.domain.media_info import Access
from connector.errors import StorageUnavailable, TaskCrashed, TaskLost
from connector.storage.read_ahead import ReadAhead
from tests.media.audio import Audio, sine
from tests.media.cache import cached
from tests.media.sources import PAL, Video, numbered, write
from tests.support.apps import SANDBOX
from tests.support.media_jobs import ACCEPTED, LIMITS, Collector, FileSource, children, chunk_job, end_idle, probed, run

pytestmark = pytest.mark.media

_SMALL = Video(fps=PAL, frames=150, size=(320, 240), b_frames=2)


@pytest.fixture(scope="module")
def small() -> Path:
    """Six seconds."""
    return cached("small.mp4", lambda p: numbered(p, _SMALL), repr(_SMALL))


@pytest.fixture(scope="module")
def job(small):
    return chunk_job(small)


@pytest.fixture(scope="module")
def large() -> Path:
    """4K. The encoders hold the most after about one second; what comes then only takes time."""
    video = Video(fps=PAL, frames=64, size=(3840, 2160), gop=50)
    return cached("large.mp4", partial(numbered, video=video), repr(video))


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(small, job):
    """No process, thread or descriptor more than before."""
    del small, job  # made first, so that what they do does not count
    end_idle()
    before = _held()
    yield
    assert children() == []
    assert _held() == before


def _held() -> tuple[int, int]:
    """Descriptors and threads of this process."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir()), threading.active_count()


class ReadingAhead:
    """As from Blob Storage."""

    def __init__(self, path: Path) -> None:
        self._file = FileSource(path)
        self.size = self._file.size
        self.fetched: list[int] = []
        """Bytes of each request."""
        self._cache = ReadAhead(self._fetch, self.size)
        self.read_at = self._cache.read_at

    def _fetch(self, offset: int, length: int) -> bytes:
        self.fetched.append(length)
        return self._file.read_at(offset, length)

    def close(self) -> None:
        self._cache.close()
        self._file.close()


def _noise(path: Path, **options: str) -> Path:
    """A minute in about 40 MB that cannot be compressed further, with sound."""
    video = Video(fps=PAL, frames=1500, size=(320, 240), codec="mpeg4", gop=25, options={"b": "5M", "maxrate": "5M"})
    random = np.random.default_rng(0)
    still = [random.integers(0, 256, (240, 320, 3), np.uint8) for _ in range(25)]
    audio = Audio()
    return write(
        path,
        video,
        (still[n % 25] for n in range(1500)),
        [(audio, sine(audio, Fraction(60)))],
        container_options=options,
    )


def test_a_chunk_reads_its_own_part_of_the_source():
    path = cached("noise.mp4", _noise)
    size = path.stat().st_size
    assert size > 30_000_000
    job = chunk_job(path, 5, segment_seconds=4, chunk_seconds=4)
    assert job.plan.chunks[5].start > 0.2 * job.plan.frames
    source = ReadingAhead(path)
    SANDBOX.run(job, [lambda: source], Collector())
    share = 4 / 60
    assert share * size < sum(source.fetched) < 0.25 * size


@pytest.mark.parametrize(
    ("options", "most"),
    [
        # Head and index, then the first pictures: one more fetch, and one ahead of it that nobody waits for.
        ({}, 4),
        ({"movflags": "faststart"}, 3),
    ],
    ids=["index at the end", "index first"],
)
def test_a_probe_reads_little_of_a_long_file(options, most):
    path = cached("noise.mp4", partial(_noise, **options), options)
    source = ReadingAhead(path)
    info = SANDBOX.run(ProbeJob(limits=LIMITS, accepted=ACCEPTED), [lambda: source], Collector())
    assert (info.access, info.video.end, round(info.audio[0].end)) == (Access.SEEK, 60, 60)
    assert len(source.fetched) <= most
    assert sum(source.fetched) < 3 * 1024 * 1024


def test_a_file_that_is_cut_off_is_not_taken_for_whole(tmp_path):
    whole = cached("noise.mp4", partial(_noise, movflags="faststart"), {"movflags": "faststart"})
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    info = probed(path)
    assert info.access is not Access.SEEK or info.video.end < 60


def test_a_task_that_is_repeated_writes_the_same_bytes(small, job):
    assert run(job, small).blobs == run(job, small).blobs


def _opened_and_closed(small, act):
    """Runs `act(sources)`; checks that what it opened was closed."""
    opened: list[FileSource] = []

    def open_source() -> FileSource:
        opened.append(FileSource(small))
        return opened[-1]

    act([open_source])
    assert [source.closed for source in opened] == [True] * len(opened)


@pytest.mark.parametrize(
    ("number", "kind"),
    [(signal.SIGKILL, TaskLost), (signal.SIGABRT, TaskCrashed), (signal.SIGSEGV, TaskCrashed)],
)
def test_a_child_that_dies_costs_its_task_only(small, job, number, kind):
    def die(sources):
        with pytest.raises(kind, match=f"the media process ended with signal {number.name}"):
            SANDBOX.run(job, sources, Collector(seen=lambda pid: os.kill(pid, number)))

    _opened_and_closed(small, die)


@pytest.mark.parametrize("megabytes", [120, 500])
def test_a_child_gets_no_more_memory_than_its_limit(large, megabytes, caplog):
    """The first is used up while libraries are loaded, the second while the encoders fill their buffers."""
    starved = JobLimits(seconds=60, memory=megabytes << 20, threads=1)
    job = chunk_job(large).model_copy(update={"limits": starved})
    with pytest.raises(TaskCrashed) as error:
        run(job, large)
    assert str(error.value) == "the media process ended with status 1", "no traceback for the video's owner"
    assert "line " in caplog.text, "but one for the operator"


def test_a_child_that_uses_up_its_processor_time_ends_with_a_signal_of_its_own():
    """At the hard limit it would be SIGKILL, as if somebody else had ended it."""
    code = (
        "from connector.domain.limits import JobLimits\n"
        "from connector.sandbox.confinement import Level, confine\n"
        "confine(JobLimits(seconds=4, memory=4 << 30, threads=0), Level.LIMITS)\n"
        "while True: pass"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGXCPU


def test_a_child_that_takes_too_long_is_stopped(small, job):
    hurried = job.model_copy(update={"limits": LIMITS.model_copy(update={"seconds": 1})})
    begin = time.monotonic()
    # Stopped, the child does nothing but exist.
    with pytest.raises(TaskCrashed, match="1 s were not enough"):
        run(hurried, small, Collector(seen=lambda pid: os.kill(pid, signal.SIGSTOP)))
    assert time.monotonic() - begin < 20


def test_an_error_of_the_source_ends_the_job(small, job):
    class Broken(FileSource):
        def read_at(self, offset: int, length: int) -> bytes:
            raise StorageUnavailable("storage is down")

    with pytest.raises(StorageUnavailable, match="storage is down"):
        SANDBOX.run(job, [lambda: Broken(small)], Collector())


def test_a_source_that_cannot_be_opened_ends_the_job(job):
    def missing():
        raise StorageUnavailable("storage is down")

    with pytest.raises(StorageUnavailable):
        SANDBOX.run(job, [missing], Collector())


def test_an_error_of_the_sink_ends_the_job(small, job):
    class Broken(Collector):
        def put(self, area: str, name: str, data: bytes) -> None:
            raise StorageUnavailable("storage is down")

    def fail(sources):
        with pytest.raises(StorageUnavailable, match="storage is down"):
            SANDBOX.run(job, sources, Broken())

    _opened_and_closed(small, fail)


def test_a_broken_pipe_of_the_sink_is_not_taken_for_a_crash(small, job):
    class Broken(Collector):
        def put(self, area: str, name: str, data: bytes) -> None:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run(job, small, Broken())


def test_the_child_is_confined(small, job, monkeypatch):
    monkeypatch.setenv("MEDIA_STORAGE", "AccountKey=secret")
    seen: dict[str, object] = {}

    def look(pid: int) -> None:
        folder = Path(f"/proc/{pid}")
        # glibc takes the value of its own variable apart, in place.
        environment = (folder / "environ").read_bytes().replace(b"\0glibc.", b":glibc.").split(b"\0")
        limits = (folder / "limits").read_text()
        files = {str(f.readlink()).partition(":")[0] for f in (folder / "fd").iterdir()}
        seen.update(environment=environment, limits=limits, files=files)

    run(job, small, Collector(seen=look))
    names = {v.partition(b"=")[0] for v in seen["environment"] if v}
    assert names <= {b"PATH", b"PYTHONPATH", b"GLIBC_TUNABLES"}
    assert seen["files"] == {"pipe"}
    limits = dict(re.findall(r"^(Max .+?)\s{2,}(\S+\s+\S+)", str(seen["limits"]), re.MULTILINE))
    assert limits["Max file size"].split() == ["0", "0"]
    assert limits["Max core file size"].split() == ["0", "0"]
    assert limits["Max address space"].split() == [str(LIMITS.memory)] * 2
    assert limits["Max cpu time"].split() == [str(LIMITS.seconds * 2), str(LIMITS.seconds * 2 + 5)]


def test_a_confined_process_writes_no_file(tmp_path):
    code = (
        "import sys\n"
        "from connector.domain.limits import JobLimits\n"
        "from connector.sandbox.confinement import Level, confine\n"
        "file = open(sys.argv[1], 'wb', 0)\n"
        "confine(JobLimits(seconds=9, memory=1 << 30, threads=1), Level.LIMITS)\n"
        "file.write(b'x')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "file")], capture_output=True, text=True, check=False
    )
    assert "File too large" in done.stderr
    assert (tmp_path / "file").read_bytes() == b""


def test_a_4k_chunk_with_the_whole_ladder_leaves_room_in_2_gib(large):
    """For the worker, the host and the system. A process that took so much makes no other."""
    peak = 0

    def look(pid: int) -> None:
        nonlocal peak
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        peak = max(peak, int(found[1]) if found else 0)

    job = chunk_job(large, 2, segment_seconds=2, chunk_seconds=30, trimmed=False)
    chunk = job.plan.chunks[job.index]
    assert [r.height for r in job.plan.renditions_of(chunk)] == [2160, 1440, 1080, 720, 480, 360]
    assert len(chunk.frames) > 35, "enough to fill what looks ahead"
    SANDBOX.run(job, [lambda: FileSource(large)], Collector(seen=look), affinity_key="4K")
    assert children() == []
    assert 1 << 20 < peak < 0.8 * (2 << 20), f"{peak} KiB"
