"""A media process that does not keep to the rules: plain Python stands in for a child gone wrong."""

import subprocess
import sys
import threading

import pytest

from connector.domain.jobs import ProbeJob
from connector.domain.limits import JobLimits, SourceLimits
from connector.errors import MediaError, TaskCrashed
from connector.sandbox.runner import Sandbox

JOB = ProbeJob(
    limits=JobLimits(seconds=20, memory=1 << 30, threads=1),
    accepted=SourceLimits(minutes=1, pixels=100_000, frame_rate=60, tracks=1),
)


class NoSink:
    def put(self, area, name, data):
        raise AssertionError("nothing should be written")

    def progress(self, share, finished):
        pass


class CountingSink(NoSink):
    def __init__(self) -> None:
        self.taken = 0
        self._lock = threading.Lock()

    def put(self, area, name, data):
        with self._lock:
            self.taken += len(data)


class PythonProcesses:
    """In place of `Forking`: its children run this code."""

    def __init__(self, code: str) -> None:
        self._code = code

    def begin(self):
        pipe = subprocess.PIPE
        return subprocess.Popen([sys.executable, "-c", self._code], stdin=pipe, stdout=pipe, stderr=pipe)


def _run(code: str, sources=(), sink=None, **more):
    sandbox = Sandbox("no.module")
    sandbox.forking = PythonProcesses(code)
    return sandbox.run(JOB, sources, sink or NoSink(), **more)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("hello\\n", "the media process spoke nonsense"),
        ('{"op":"read","file":0}\\n', "the media process spoke nonsense"),
        ('{"op":"open","file":0}\\n', "the media process asked for a file that is none of its own"),
        ('{"op":"put","area":"output","name":"a","length":999999999999}\\n', "a single blob is over the limit"),
        ('{"op":"put","area":"output","name":"a","length":9}\\nshort', "the media process ended with status 0"),
        ('{"op":"progress"', "the media process ended with status 0"),
        ("", "the media process ended with status 0"),
    ],
)
def test_a_child_that_breaks_the_protocol_is_a_crash(said, sentence):
    with pytest.raises(TaskCrashed) as error:
        _run(f"import sys; sys.stdin.readline(); sys.stdout.write({said!r}.encode().decode('unicode_escape'))")
    assert str(error.value) == sentence


def test_a_child_can_be_stopped_from_outside():
    def on_start(stop):
        threading.Timer(0.2, stop).start()

    with pytest.raises(TaskCrashed, match="the media process was stopped"):
        _run("import time; time.sleep(30)", on_start=on_start)


def test_a_line_without_end_is_not_collected_without_end():
    with pytest.raises(TaskCrashed, match="nonsense"):
        _run("import sys\nwhile True: sys.stdout.write('x' * 65536)")


def test_a_flood_on_stderr_neither_blocks_the_child_nor_fills_memory(caplog):
    before = threading.active_count()
    code = "import os\nfor _ in range(400): os.write(2, b'z' * 65535 + b'\\n')\nos.write(2, b'the end\\n'); os._exit(3)"
    with pytest.raises(TaskCrashed, match="the media process ended with status 3"):
        _run(code)
    assert caplog.text.rstrip().endswith("the end")
    assert len(caplog.text) < 10_000
    assert threading.active_count() == before


def test_what_the_child_finds_wrong_with_the_media_is_passed_on():
    code = 'print(\'{"op":"error","code":"NoMedia","message":"Nothing there."}\', flush=True); input(); input()'
    with pytest.raises(MediaError, match="Nothing there") as error:
        _run(code)
    assert error.value.code == "NoMedia"


def test_a_child_that_writes_without_end_is_stopped():
    megabyte = '{"op":"put","area":"output","name":"a","length":1048576}\n'
    code = f"import sys; sys.stdin.readline()\nwhile True: sys.stdout.write({megabyte!r} + 'x' * 1048576)"
    sink = CountingSink()
    with pytest.raises(TaskCrashed, match="the output is over the limit"):
        _run(code, sink=sink)
    assert 0 < sink.taken <= JOB.most_output
