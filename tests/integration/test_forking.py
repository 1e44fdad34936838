"""Media processes and the fork server they come from: whoever dies, nobody is left and the next job runs."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from connector.bootstrap import WORKER
from connector.domain.jobs import ProbeJob
from connector.errors import TaskLost
from connector.sandbox.forking import Child, Forking
from connector.sandbox.runner import Sandbox
from tests.media.cache import cached
from tests.media.sources import PAL, Video, numbered
from tests.support.apps import SANDBOX
from tests.support.media_jobs import ACCEPTED, LIMITS, Collector, FileSource, begun_by, probed

pytestmark = pytest.mark.media

PROJECT = Path(__file__).parents[2]
_VIDEO = Video(fps=PAL, frames=25, size=(64, 48))


@pytest.fixture(scope="module")
def path() -> Path:
    return cached("second.mp4", lambda p: numbered(p, _VIDEO), repr(_VIDEO))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """While it lasts, this process has no other fork server."""
    SANDBOX.close()
    with closing(Sandbox(WORKER)) as sandbox:
        yield sandbox


@pytest.fixture
def forking(sandbox) -> Forking:
    return sandbox.forking


@pytest.fixture
def fork_server(sandbox, path) -> int:
    """Its process id."""
    probed(path, sandbox)
    (pid,) = begun_by(os.getpid())
    return pid


def _held(pid: int) -> set[str]:
    """What its descriptors lead to."""
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists them
            found.add(str(descriptor.readlink()))
    return found


def _gone(pid: int) -> bool:
    """Whether it ended, waited for or not."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def _wait(condition) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_all_jobs_of_a_sandbox_have_one_fork_server(path, sandbox, fork_server):
    jobs = [threading.Thread(target=probed, args=[path, sandbox]) for _ in range(4)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert begun_by(os.getpid()) == [fork_server]
    assert begun_by(fork_server) == []


def test_a_child_holds_nothing_but_its_own_pipes(forking, fork_server):
    first, second = forking.begin(), forking.begin()
    _wait(lambda: [len(_held(child.pid)) for child in (first, second)] == [3, 3])
    assert not _held(first.pid) & _held(second.pid)
    assert {first.pid, second.pid} == set(begun_by(fork_server))
    _end(first)
    _end(second)


def _output(folder, monkeypatch, name, code) -> str:
    """What a child writes whose fork server loads this code, as a module of that name, before it forks."""
    (folder / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(str(folder))
    with closing(Forking(name, required=False)) as forking:
        child = forking.begin()
        try:
            output = child.stdout.read().decode()
            assert child.wait(timeout=30) == 0, child.stderr.read().decode()
        finally:
            _end(child)
    return output


_HELD = """
import os
os.dup2(0, 700)
{}
def held(descriptor):
    try:
        return os.fstat(descriptor) is not None
    except OSError:
        return False
def self_test(): pass
def main(_):
    print([descriptor for descriptor in range(1000) if held(descriptor)], flush=True)
"""
"""A module for `_output`: the child tells which descriptors it holds."""


def test_a_child_does_not_close_every_number_up_to_the_limit(tmp_path, monkeypatch):
    """Python built with glibc before 2.34, as Azure's, calls close for each: up to 10^9 times."""
    code = _HELD.format("""
def closerange(first, last):
    raise OSError(f"{last - first} calls of close")
os.closerange = closerange
""")
    assert _output(tmp_path, monkeypatch, "slowly_closing", code) == "[0, 1, 2]\n"


def test_a_child_closes_all_descriptors_where_there_is_no_proc(tmp_path, monkeypatch):
    code = _HELD.format("""
def listdir(path):
    raise FileNotFoundError(path)
os.listdir = listdir
""")
    assert _output(tmp_path, monkeypatch, "without_proc", code) == "[0, 1, 2]\n"


def test_a_child_finds_the_libraries_of_its_python_and_sees_nothing_else_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/python/lib")
    monkeypatch.setenv("MASTER_KEYS", "secret")
    code = "import os\ndef self_test(): pass\n"
    code += "def main(_): print(os.environ.get('LD_LIBRARY_PATH'), *sorted(os.environ), flush=True)\n"
    found, *names = _output(tmp_path, monkeypatch, "telling_environment", code).split()
    assert found == "/opt/python/lib"
    assert set(names) - {"LC_CTYPE"} == {"GLIBC_TUNABLES", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH"}


def _end(child: Child) -> int:
    child.kill()
    status = child.wait()
    for stream in (child.stdin, child.stdout, child.stderr):
        stream.close()
    return status


def test_how_a_child_ended_is_told(forking, fork_server):
    child = forking.begin()
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(timeout=0.05)
    assert _end(child) == -signal.SIGKILL
    child.kill()
    assert child.wait() == -signal.SIGKILL
    unasked = forking.begin()
    unasked.stdin.write(b"no job\n")
    unasked.stdin.close()
    assert unasked.wait(timeout=30) == 1
    assert b"ValidationError" in unasked.stderr.read()
    _end(unasked)
    assert begun_by(os.getpid()) == [fork_server]


def test_a_fork_server_that_was_killed_takes_its_children_along_and_is_replaced(path, sandbox, fork_server):
    child = sandbox.forking.begin()
    os.kill(fork_server, signal.SIGKILL)
    _wait(lambda: _gone(child.pid))
    assert _end(child) == -signal.SIGKILL
    assert probed(path, sandbox).video is not None
    (other,) = begun_by(os.getpid())
    assert other != fork_server
    assert not Path(f"/proc/{fork_server}").exists(), "it was waited for"


def test_a_job_whose_fork_server_is_killed_is_lost(path, sandbox, fork_server):
    class Killing(FileSource):
        def read_at(self, offset: int, length: int) -> bytes:
            if length > 1:
                (child,) = begun_by(fork_server)
                os.kill(fork_server, signal.SIGKILL)
                _wait(lambda: _gone(child))  # otherwise a short job might end before the signal comes
            return super().read_at(offset, length)

    with pytest.raises(TaskLost, match="the media process ended with signal SIGKILL"):
        sandbox.run(ProbeJob(limits=LIMITS, accepted=ACCEPTED), [lambda: Killing(path)], Collector())


def test_without_a_fork_server_there_is_no_child():
    before = _held(os.getpid())
    with pytest.raises(TaskLost, match="no media process could be started"):
        Forking("connector.media.no_such_module", required=False).begin()
    assert _held(os.getpid()) == before


def test_who_has_no_descriptor_left_takes_no_other_job_down(forking, fork_server, monkeypatch):
    other = forking.begin()

    def none_left():
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as trouble:
        trouble.setattr(os, "pipe", none_left)
        with pytest.raises(OSError, match="Too many open files"):
            forking.begin()
    assert begun_by(fork_server) == [other.pid]
    _end(other)


def test_a_fork_server_that_may_begin_no_process_says_so(tmp_path, monkeypatch):
    refusing = """
import errno, os
forks = [os.fork]
def fork():
    if forks:
        return forks.pop()()
    raise OSError(errno.EAGAIN, "")
os.fork = fork
def main(_): pass
def self_test(): pass
"""
    (tmp_path / "unforkable.py").write_text(refusing)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = _held(os.getpid())
    with closing(Forking("unforkable", required=False)) as forking:
        with pytest.raises(TaskLost, match="no media process could be started: Resource temporarily unavailable"):
            forking.begin()
    assert _held(os.getpid()) == before


def test_nothing_outlives_the_process_that_the_children_are_for():
    code = (
        "import time\nfrom connector.sandbox.forking import Forking\n"
        f"child = Forking({WORKER!r}, required=False).begin()\nprint(child.pid, flush=True)\ntime.sleep(60)"
    )
    environment = {"PYTHONPATH": str(PROJECT), "PATH": os.defpath}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        child = int(parent.stdout.readline())
        (fork_server,) = begun_by(parent.pid)
        parent.kill()
        parent.wait()
        _wait(lambda: _gone(child) and _gone(fork_server))
