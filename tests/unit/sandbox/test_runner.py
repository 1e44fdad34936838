"""A media process that does not keep to the rules: plain Python stands in for a child gone wrong."""

import json
import signal
import subprocess
import sys
import threading

import pytest

from connector.domain.jobs import ChunkJob, ProbeJob, SplitJob
from connector.domain.layout import TIMESCALE
from connector.domain.limits import JobLimits, SourceLimits
from connector.domain.planner import Limits, make_plan
from connector.errors import MediaError, TaskCrashed, TaskLost
from connector.sandbox.runner import Sandbox
from tests.fakes.media import INFO

LIMITS = JobLimits(seconds=20, memory=1 << 30, threads=1)
JOB = ProbeJob(limits=LIMITS, accepted=SourceLimits(minutes=1, pixels=100_000, frame_rate=60, tracks=1))
SPLIT = SplitJob(limits=LIMITS, stream=0, piece_seconds=8, size=1 << 30)
PLAN = make_plan(INFO, Limits(segment_seconds=1, chunk_seconds=4, max_lines=2160))
CHUNK = ChunkJob(limits=LIMITS, info=INFO, plan=PLAN, index=1, preset="veryfast")
TOP = PLAN.renditions[0].id
TIME = PLAN.chunks[1].start * TIMESCALE // 25
"""Start in ticks of the chunk's first segment."""
SEGMENT = {"t": TIME, "d": TIMESCALE, "s": 1000, "k": 100}
NONSENSE = "the media process spoke nonsense"


class NoSink:
    def put(self, area, name, data):
        raise AssertionError("nothing should be written")

    def progress(self, share, finished):
        pass


class CountingSink(NoSink):
    def __init__(self) -> None:
        self.taken = 0
        self.places = set()
        self._lock = threading.Lock()

    def put(self, area, name, data):
        with self._lock:
            self.taken += len(data)
            self.places.add((area, name))


class PythonProcesses:
    """In place of `Forking`: its children run this code."""

    def __init__(self, code: str) -> None:
        self._code = code

    def begin(self):
        pipe = subprocess.PIPE
        return subprocess.Popen([sys.executable, "-c", self._code], stdin=pipe, stdout=pipe, stderr=pipe)


def _run(code: str, sources=(), sink=None, job=JOB, **more):
    sandbox = Sandbox("no.module")
    sandbox.forking = PythonProcesses(code)
    return sandbox.run(job, sources, sink or NoSink(), **more)


def _say(*messages: dict[str, object] | str) -> str:
    """The code of a child that sends these messages, with a byte for each blob."""
    lines = [message if isinstance(message, str) else json.dumps(message) for message in messages]
    said = "".join(f"{line}\n" + "x" * ('"put"' in line) for line in lines)
    return f"import sys; sys.stdin.readline(); sys.stdout.write({said!r})"


def _put(kind: str, **numbers: object) -> dict[str, object]:
    return {"op": "put", "blob": {"kind": kind, **numbers}, "length": 1}


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("hello\\n", "the media process spoke nonsense"),
        ('{"op":"read","file":0}\\n', "the media process spoke nonsense"),
        ('{"op":"open","file":0}\\n', "the media process asked for a file that is none of its own"),
        ('{"op":"put","blob":{"kind":"piece","number":0},"length":999999999999}\\n', "a single blob is over the limit"),
        ('{"op":"put","blob":{"kind":"piece","number":0},"length":9}\\nshort', "the media process ended with status 0"),
        ('{"op":"progress"', "the media process ended with status 0"),
        ("", "the media process ended with status 0"),
    ],
)
def test_a_child_that_breaks_the_protocol_is_a_crash(said, sentence):
    with pytest.raises(TaskCrashed) as error:
        _run(
            f"import sys; sys.stdin.readline(); sys.stdout.write({said!r}.encode().decode('unicode_escape'))", job=SPLIT
        )
    assert str(error.value) == sentence


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_that_is_ended_from_outside_is_lost(number):
    with pytest.raises(TaskLost, match=f"the media process ended with signal {number.name}") as error:
        _run(_ends_by(number))
    assert error.value.code == "WorkerLost"


@pytest.mark.parametrize("name", ["SEGV", "ABRT", "BUS", "FPE", "ILL", "SYS", "XCPU"])
def test_a_child_that_dies_by_itself_has_crashed(name):
    with pytest.raises(TaskCrashed, match=f"the media process ended with signal SIG{name}"):
        _run(_ends_by(signal.Signals[f"SIG{name}"]))


def _ends_by(number):
    return f"import os; os.kill(os.getpid(), {int(number)})"


def test_a_child_that_closes_its_pipe_and_goes_on_has_crashed():
    with pytest.raises(TaskCrashed, match="closed its pipe and did not end"):
        _run("import os, time; os.close(1); time.sleep(60)")


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


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(_put("segment", rendition=TOP + 1, time=TIME), id="a rendition that is not planned"),
        pytest.param(_put("segment", rendition=TOP, time=TIME + 1), id="a time between segments"),
        pytest.param(_put("segment", rendition=TOP, time=0), id="a segment of another chunk"),
        pytest.param(_put("block", time=0), id="a block of another chunk"),
        pytest.param(_put("thumbnail", number=0), id="no thumbnail"),
        pytest.param(_put("thumbnail", number=9), id="a thumbnail of another chunk"),
        pytest.param(_put("piece", number=0), id="a blob of another kind of job"),
        pytest.param(_put("storyboard"), id="the storyboard"),
        pytest.param(_put("picture"), id="a picture"),
        pytest.param('{"op":"put","area":"output","name":"../uploads/a/a.mp4","length":1}', id="a name"),
        pytest.param({"op": "result", "value": {"renditions": [], "poster": None, "more": 1}}, id="more"),
        pytest.param(
            {"op": "result", "value": {"renditions": [{"id": TOP + 1, "init": "00", "segments": []}]}},
            id="a result with another rendition",
        ),
        pytest.param(
            {"op": "result", "value": {"renditions": [{"id": TOP, "init": "00", "segments": []}] * 2}},
            id="a result with a rendition twice",
        ),
        pytest.param(
            {"op": "result", "value": {"renditions": [{"id": TOP, "init": "00", "segments": [SEGMENT] * 2}]}},
            id="a result with a segment twice",
        ),
        pytest.param(
            {"op": "result", "value": {"renditions": [{"id": TOP, "init": "no hex", "segments": []}]}},
            id="an init segment that is none",
        ),
        pytest.param(
            {"op": "result", "value": {"renditions": [], "poster": {"time": 0, "score": 2}, "tiles": 1}},
            id="a score beyond 1",
        ),
        pytest.param({"op": "result", "value": {"renditions": [], "tiles": 10**6}}, id="tiles that are not planned"),
        pytest.param(
            {"op": "progress", "share": 0, "finished": {"renditions": [{"id": 1, "init": "", "segments": []}]}},
            id="progress with another rendition",
        ),
        pytest.param('{"op":"progress","share":NaN}', id="a share that is no number"),
    ],
)
def test_what_is_no_part_of_the_job_is_a_crash_and_reaches_no_storage(message):
    with pytest.raises(TaskCrashed, match=NONSENSE):
        _run(_say(message), job=CHUNK)


def test_what_is_part_of_the_job_is_its_result():
    rendition = {"id": TOP, "init": "00", "segments": [SEGMENT]}
    value = {"renditions": [rendition], "poster": {"time": 1.5, "score": 0.5}, "tiles": 1, "damaged": 2}
    assert _run(_say({"op": "result", "value": value}), job=CHUNK).model_dump(mode="json") == value


def test_a_blob_is_written_under_a_name_that_the_child_does_not_make():
    sink = CountingSink()
    segment = _put("segment", rendition=TOP, time=TIME)
    end = {"op": "result", "value": {"renditions": []}}
    _run(_say(segment, _put("poster-candidate"), end), job=CHUNK, sink=sink)
    assert sink.places == {("output", f"video/{TOP}/{TIME}.m4s"), ("work", "posters/000001.jpg")}


def test_no_blob_is_written_twice():
    sink = CountingSink()
    with pytest.raises(TaskCrashed, match=NONSENSE):
        _run(_say(*[_put("tile-strip")] * 2), job=CHUNK, sink=sink)
    assert sink.taken <= 1


@pytest.mark.parametrize(
    "info",
    [
        pytest.param({"video": {"frame_rate": "1e999999999"}}, id="a number without bounds"),
        pytest.param({"video": {"frame_rate": "1/0"}}, id="no fraction"),
        pytest.param({"video": {"frame_rate": "100000"}}, id="a frame rate beyond all"),
        pytest.param({"video": {"start": None}}, id="no start"),
        pytest.param({"video": {"width": 0}}, id="no width"),
        pytest.param({"video": {"width": 10_000}}, id="more pixels than are accepted"),
        pytest.param({"video": {"end": "-1"}}, id="an end before the start"),
        pytest.param({"audio": [INFO.audio[0].model_dump(mode="json")] * 2}, id="more tracks than are accepted"),
        pytest.param({"audio": [], "video": None}, id="no stream"),
    ],
)
def test_a_description_of_the_source_that_cannot_be_is_a_crash(info):
    value = INFO.model_dump(mode="json")
    changed = {k: {**value[k], **v} if isinstance(v, dict) else v for k, v in info.items()}
    job = JOB.model_copy(update={"accepted": JOB.accepted.model_copy(update={"pixels": 800 * 450})})
    assert _run(_say({"op": "result", "value": value}), job=job) == INFO
    with pytest.raises(TaskCrashed, match=NONSENSE):
        _run(_say({"op": "result", "value": value | changed}), job=job)


def test_a_text_of_the_media_is_cut():
    value = INFO.model_dump(mode="json")
    value["audio"][0] |= {"title": "t" * 10_000, "language": "l" * 10_000}
    job = JOB.model_copy(update={"accepted": JOB.accepted.model_copy(update={"pixels": 800 * 450})})
    (audio,) = _run(_say({"op": "result", "value": value}), job=job).audio
    assert (audio.title, audio.language) == ("t" * 64, "l" * 64)


def test_what_the_child_finds_wrong_with_the_media_is_passed_on_in_our_words():
    found = {"op": "error", "code": "TooManyTracks", "facts": {"found": 17, "most": 16}}
    with pytest.raises(MediaError) as error:
        _run(_say(found))
    assert error.value.code == "TooManyTracks"
    assert str(error.value) == "The file has 17 audio tracks; at most 16 are accepted."


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("Unheard", {}),
        ("Deleted", {}),
        ("UploadExpired", {}),
        ("StorageRefused", {"reason": 1}),
        ("TooManyTracks", {"found": 17}),
        ("TooManyTracks", {"found": 17, "most": 16, "kind": "audio"}),
        ("TooManyTracks", {"found": "video", "most": "x" * 100}),
        ("PictureTooLarge", {"width": 1, "height": 1, "most": "video"}),
    ],
)
def test_a_failure_that_is_none_of_the_media_s_is_a_crash(code, facts):
    with pytest.raises(TaskCrashed, match=NONSENSE):
        _run(_say({"op": "error", "code": code, "facts": facts}))


def test_a_child_that_writes_without_end_is_stopped():
    code = (
        "import sys; sys.stdin.readline()\n"
        "for n in range(1000000): sys.stdout.write("
        """'{"op":"put","blob":{"kind":"piece","number":%d},"length":1048576}\\n' % n + 'x' * 1048576)"""
    )
    job, sink = SPLIT.model_copy(update={"size": 1 << 20}), CountingSink()
    with pytest.raises(TaskCrashed, match="the output is over the limit"):
        _run(code, sink=sink, job=job)
    assert 0 < sink.taken <= job.most_output
