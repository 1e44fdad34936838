"""An attacker's code in a media process reaches nothing."""

import ctypes
import json
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from connector.bootstrap import WORKER
from connector.errors import TaskLost
from connector.sandbox.forking import Forking
from connector.sandbox.runner import Sandbox
from tests.media.cache import cached
from tests.media.sources import PAL, Video, numbered
from tests.support.media_jobs import Collector, chunk_job, probed, run
from tests.support.ordinary_user import NOBODY

pytestmark = [
    pytest.mark.media,
    pytest.mark.skipif(sys.platform != "linux", reason="other systems have no seccomp"),
]

RESOURCE_LIMITS = {
    # With the operating system's resource limits alone.
    **dict.fromkeys(("open", "socket", "memfd_create"), "EMFILE"),
    **dict.fromkeys(("connect", "sendto"), "ENOTSOCK"),
    **dict.fromkeys(("stat", "truncate", "chmod", "rename", "unlink", "mkdir", "symlink"), "done"),
    **dict.fromkeys(("kill", "tgkill", "ptrace", "process_vm_readv", "prlimit"), "done"),
    **dict.fromkeys(("fork", "unshare", "executable memory"), "done"),
    "execve": "status 127",  # the program has begun, and cannot open its libraries
    "clone3": "EINVAL",
    "io_uring_setup": "EFAULT",
    "abort": "SIGABRT",
}
CONFINED = {
    **dict.fromkeys(RESOURCE_LIMITS, "SIGSYS"),
    # Calls that libraries make themselves, and survive.
    **dict.fromkeys(("open", "stat", "prlimit", "fork"), "EPERM"),
    "clone3": "ENOSYS",
    "abort": "SIGABRT",
}


class Worker:
    """A process of the same user, with a secret in its memory."""

    def __init__(self) -> None:
        root = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
        command = ["/bin/sleep", "600"]
        self._process = subprocess.Popen(command, env={"SECRET": "of-the-worker"}, cwd="/", **root)
        self.pid = self._process.pid

    def stack(self) -> tuple[int, int]:
        """Address and length of its stack, where the environment is."""
        maps = Path(f"/proc/{self.pid}/maps").read_text()
        start, end = (int(part, 16) for part in re.search(r"^(\w+)-(\w+) .*\[stack\]$", maps, re.MULTILINE).groups())
        return start, end - start

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="module")
def attackers() -> Iterator[Forking]:
    with closing(Forking("tests.hostile.attacker", required=True)) as forking:
        yield forking


@pytest.fixture
def worker() -> Iterator[Worker]:
    with closing(Worker()) as worker:
        yield worker


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a file, both of the same user."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        (folder / "file").write_bytes(b"content")
        if os.getuid() == 0:
            for path in (folder, folder / "file"):
                os.chown(path, NOBODY, NOBODY)
        yield folder


def _tried(forking, worker, folder, attempt, *, confined) -> str:
    address, length = worker.stack()
    child = forking.begin()
    job = {"attempt": attempt, "confined": confined, "victim": worker.pid, "folder": str(folder)}
    child.stdin.write(json.dumps({**job, "address": address, "length": length}).encode() + b"\n")
    child.stdin.flush()
    said = child.stdout.read().decode()
    status = child.wait(timeout=30)
    error = child.stderr.read().decode()
    for stream in (child.stdin, child.stdout, child.stderr):
        stream.close()
    assert status != 1, error
    return said if status == 0 else signal.Signals(-status).name if status < 0 else f"status {status}"


@pytest.mark.parametrize("attempt", RESOURCE_LIMITS)
def test_a_confined_process_can_do_nothing_to_others(attackers, worker, folder, attempt):
    assert _tried(attackers, worker, folder, attempt, confined=True) == CONFINED[attempt]
    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("file", b"content")]
    assert "(sleep) S" in Path(f"/proc/{worker.pid}/stat").read_text()
    assert re.search(r"^TracerPid:\s+0$", Path(f"/proc/{worker.pid}/status").read_text(), re.MULTILINE)


@pytest.mark.parametrize("attempt", RESOURCE_LIMITS)
def test_with_resource_limits_alone_it_could(attackers, worker, folder, attempt):
    """These attacks work, so what refuses them above is the confinement."""
    assert _tried(attackers, worker, folder, attempt, confined=False) == RESOURCE_LIMITS[attempt]


def test_even_then_the_memory_of_the_fork_server_is_out_of_reach(attackers, worker, folder):
    """Nor is that of a worker, which is not dumpable either."""
    worker.stack, worker.pid = (lambda: (4096, 4096)), attackers.pid()
    assert _tried(attackers, worker, folder, "process_vm_readv", confined=False) == "EPERM"
    assert ctypes.CDLL(None).prctl(3) == 0  # PR_GET_DUMPABLE, of this process


def test_a_process_that_encodes_is_confined():
    video = Video(fps=PAL, frames=25, size=(64, 48))
    path = cached("second.mp4", lambda p: numbered(p, video), repr(video))
    seen: set[tuple[str, str]] = set()

    def look(pid):
        seen.update(
            re.findall(r"^(Seccomp|NoNewPrivs):\s+(\d)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        )

    run(chunk_job(path), path, Collector(seen=look))
    assert seen == {("Seccomp", "2"), ("NoNewPrivs", "1")}


def _module(folder, monkeypatch, name, test) -> str:
    (folder / f"{name}.py").write_text(f"import ctypes, os, threading\ndef main(_): pass\ndef self_test(): {test}\n")
    monkeypatch.syspath_prepend(str(folder))
    return name


FAILING = {
    "a call": ("os.getppid()", "the media libraries need system call {} of {}, which is not allowed"),
    "a call of a library's thread": (
        "t = threading.Thread(target=os.getppid); t.start(); t.join()",
        "the media libraries need system call {} of {}, which is not allowed",
    ),
    "an error": ("raise ValueError('no such codec')", "the trial ended with ValueError"),
    "another processor": (
        "pass\nimport platform\nplatform.machine = lambda: 'riscv64'",
        "there is no list of system calls for the processor riscv64",
    ),
    "a crash": ("os.abort()", "the trial ended with SIGABRT"),
}


@pytest.mark.parametrize("kind", FAILING)
def test_where_a_trial_fails_the_reason_is_told(kind, tmp_path, monkeypatch, caplog):
    code, reason = FAILING[kind]
    machine = os.uname().machine
    reason = reason.format({"x86_64": 110, "aarch64": 173}.get(machine), machine)
    name = _module(tmp_path, monkeypatch, "failing_" + kind.replace(" ", "_").replace("'", ""), code)
    with closing(Forking(name, required=True)) as forking:
        for ask in (forking.begin, forking.confinement, forking.begin):
            with pytest.raises(TaskLost) as raised:
                ask()
            assert str(raised.value) == f"Media processes cannot be confined: {reason}."
    caplog.set_level(logging.INFO)
    with closing(Forking(name, required=False)) as forking:
        assert forking.confinement() == ("resource limits only", reason)
        child = forking.begin()
        assert child.wait(timeout=30) == 0
        for stream in (child.stdin, child.stdout, child.stderr):
            stream.close()
    assert [record.getMessage() for record in caplog.records] == [
        f"media processes are confined by resource limits only: {reason}"
    ]


def test_the_level_is_logged_once(caplog):
    caplog.set_level(logging.INFO)
    video = Video(fps=PAL, frames=25, size=(64, 48))
    path = cached("second.mp4", lambda p: numbered(p, video), repr(video))
    with closing(Sandbox(WORKER, required=True)) as sandbox:
        probed(path, sandbox)
        probed(path, sandbox)
        level, problem = sandbox.confinement()
    assert (level in {"seccomp", "seccomp and Landlock"}, problem) == (True, "")
    assert [record.getMessage() for record in caplog.records] == [f"media processes are confined by {level}"]
