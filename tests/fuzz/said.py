"""A media process that says given bytes and ends: `Sandbox` without the processes."""

import io
from fractions import Fraction

from connector.domain.jobs import AudioJob, ChunkJob, ProbeJob, SplitJob, StillJob, StoryboardJob
from connector.domain.limits import JobLimits, SourceLimits
from connector.domain.plan import Size
from connector.domain.planner import Limits, make_plan
from connector.sandbox.runner import Sandbox
from tests.fakes.media import INFO, PICTURE, SOUND

LIMITS = JobLimits(seconds=60, memory=1 << 30, threads=1)
ACCEPTED = SourceLimits(minutes=720, pixels=8192 * 4352, frame_rate=1000, tracks=16)
_STREAM = {"end": Fraction(12)}
LONG = INFO.model_copy(
    update={"video": PICTURE.model_copy(update=_STREAM), "audio": (SOUND.model_copy(update=_STREAM),)}
)
"""Twelve seconds of picture and sound."""
PLAN = make_plan(LONG, Limits(segment_seconds=1, chunk_seconds=2, max_lines=2160))
PROBE = ProbeJob(limits=LIMITS, accepted=ACCEPTED)
CHUNKS = [ChunkJob(limits=LIMITS, info=LONG, plan=PLAN, index=i, preset="fast") for i in range(len(PLAN.chunks))]
TWO = 2
"""Index of a chunk of two segments."""
AUDIO = AudioJob(limits=LIMITS, plan=PLAN, index=0, segment_seconds=1, head_seconds=0.5)
JOBS = {
    "probe": PROBE,
    "split": SplitJob(limits=LIMITS, stream=0, piece_seconds=8, size=1 << 20),
    "chunk": CHUNKS[TWO],
    "audio": AUDIO,
    "storyboard": StoryboardJob(limits=LIMITS, plan=PLAN, tiles=(1, 3)),
    "still": StillJob(limits=LIMITS, frame=0, size=Size(width=64, height=36), form="jpg", name="thumbnails/a.jpg"),
}


class Child:
    """As much of a process as the sandbox uses."""

    pid = 0  # no process has this id

    def __init__(self, said: bytes) -> None:
        self.stdin, self.stdout, self.stderr = io.BytesIO(), io.BytesIO(said), io.BytesIO()

    def kill(self) -> None:
        """It has ended."""

    def wait(self, timeout: float | None = None) -> int:
        return 0


class Forking:
    """In place of the sandbox's own: begins children that say `said`."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    def begin(self) -> Child:
        return Child(self._said)


def sandbox(said: bytes) -> Sandbox:
    made = Sandbox("no.module")
    made.forking = Forking(said)
    return made


def result_line(value: bytes) -> bytes:
    """The message that ends a job with this JSON."""
    return b'{"op":"result","value":' + value.replace(b"\n", b" ") + b"}\n"


class Sink:
    """Takes blobs and reports."""

    def __init__(self) -> None:
        self.taken = 0

    def put(self, area: str, name: str, data: bytes) -> None:
        self.taken += len(data)

    def progress(self, share: float, finished: object) -> None:
        assert 0 <= share <= 1
