"""What there is to do for a video: the tasks of the real plan, with what each asks of a core and of storage."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from bench.model.times import Line, Times
from connector.domain.estimate import early_writes, gigapixels
from connector.domain.media_info import Access, AudioStream, MediaInfo, VideoStream
from connector.domain.plan import Plan, Rendition
from connector.domain.planner import Limits, make_plan, tasks
from connector.domain.step import Step, TaskId
from connector.pipeline.context import Pace
from connector.settings import Settings
from connector.storage.read_ahead import CELL, LONGEST_RUN

SETTINGS = Settings.model_validate({"storage": "unused"})
RATE = Fraction(30)
FETCH = CELL * LONGEST_RUN
HEARTBEAT_SECONDS = Pace().heartbeat_seconds
OPENING = 7
"""Requests before a task reads in sequence: head and index, and the short fetches at first."""
STEP_ROWS = 5
"""Table requests around every task: the video twice, its own row read once and written twice (pipeline/encode.py)."""
PAGE = 1000
"""Rows that one answer of a table holds."""


@dataclass(frozen=True)
class Load:
    """What a task asks of storage. Requests in a row are waited for; the others overlap the work."""

    reads: int = 0
    """Of blobs."""
    source_reads: int = 0
    """Those of them that go to the upload, which is one blob."""
    writes: int = 0
    """Of blobs, and blocks staged."""
    blocks: int = 0
    """Those of them that go to the progressive file, which is one blob."""
    table_reads: int = 0
    table_writes: int = 0
    in_a_row: int = 0
    bytes_in: float = 0
    bytes_out: float = 0

    @property
    def requests(self) -> int:
        return self.reads + self.writes + self.table_reads + self.table_writes


@dataclass(frozen=True)
class Task:
    """The work that one message asks for."""

    id: TaskId
    source: float
    """Seconds of source."""
    cpu: float
    """Seconds of one core."""
    ideal: float
    """Without what a task costs beside its source."""
    begin: float
    """Of `cpu`, before anything is made."""
    load: Load

    @property
    def step(self) -> Step:
        return self.id.step


@dataclass(frozen=True)
class Work:
    plan: Plan
    tasks: tuple[Task, ...]
    """In the order in which the product sends them."""
    probe: Task
    package: Task

    @property
    def ideal(self) -> float:
        return sum(task.ideal for task in self.tasks)


PICTURE = VideoStream(
    index=0,
    codec="h264",
    width=1920,
    height=1080,
    display_width=1920,
    display_height=1080,
    frame_rate=RATE,
    constant=True,
    start=Fraction(0),
    end=Fraction(1),
    tolerance=1 / (2 * RATE),
    rotation=0,
    interlaced=False,
    hdr=False,
)
SOUND = AudioStream(
    index=1,
    codec="aac",
    channels=2,
    sampling_rate=48_000,
    start=Fraction(0),
    end=Fraction(1),
    language="und",
    title="",
)


def plan_of(minutes: float, chunk_seconds: float = SETTINGS.chunk_seconds) -> Plan:
    """Of 1080p30 with one audio track, as the product plans it."""
    length = {"end": Fraction(minutes) * 60}
    info = MediaInfo(
        container="mov",
        access=Access.SEEK,
        video=PICTURE.model_copy(update=length),
        audio=(SOUND.model_copy(update=length),),
    )
    limits = Limits(
        segment_seconds=SETTINGS.segment_seconds, chunk_seconds=chunk_seconds, max_lines=SETTINGS.max_resolution
    )
    return make_plan(info, limits)


def work_of(minutes: float, times: Times, chunk_seconds: float = SETTINGS.chunk_seconds) -> Work:
    plan = plan_of(minutes, chunk_seconds)
    encoding = tuple(_encoding_task(plan, task, times) for task in tasks(plan))
    length = float(plan.duration)
    probe = Load(reads=OPENING, source_reads=OPENING, writes=2)
    package = packaging_load(plan, len(encoding))
    return Work(
        plan=plan,
        tasks=encoding,
        probe=_short_task(Step.PROBE, length, times.probe, probe),
        package=_short_task(Step.PACKAGE, length, times.package.at(package.requests), package),
    )


def _encoding_task(plan: Plan, task: TaskId, times: Times) -> Task:
    return (_chunk_task if task.step is Step.CHUNK else _audio_task)(plan, task, times)


def _chunk_task(plan: Plan, task: TaskId, times: Times) -> Task:
    chunk = plan.chunks[task.index]
    frames = chunk.frames
    renditions = plan.renditions_of(chunk)
    size = gigapixels(PICTURE, renditions, len(frames))
    seconds = float(len(frames) / plan.frame_rate)
    segments = plan.segment_of(frames.stop - 1) - plan.segment_of(frames.start) + 1
    stills = plan.stills
    assert stills
    top = plan.makes_top(chunk)
    progressive = any(r.id == plan.progressive for r in renditions)
    early = early_publication_writes(plan) if task.index == 0 else 0
    pictures = top and sum(frame in frames for frame in stills.thumbnails)
    tiles = top and any(round(i * stills.interval * plan.frame_rate) in frames for i in range(stills.count))
    load = Load(
        # Segments of every rendition; sample table, poster, strip of tiles, thumbnails; once, the beginning.
        writes=segments * (len(renditions) + progressive) + progressive + top + tiles + pictures + early,
        blocks=segments * progressive,
        bytes_in=seconds * times.stored_bytes * _pixels(renditions) / _pixels(plan.renditions),
    )
    load = _with_source(load, seconds * times.source_bytes)
    return _measured_task(task, seconds, times.chunk, size, load)


def _pixels(renditions: Iterable[Rendition]) -> int:
    return sum(r.width * r.height for r in renditions)


def _audio_task(plan: Plan, task: TaskId, times: Times) -> Task:
    seconds = float(plan.duration)
    segments = plan.segments
    # The first track is part of the progressive file as well. Its bytes are counted with the chunks'.
    first = task.index == 0
    load = Load(writes=segments * (2 if first else 1) + first, blocks=segments if first else 0)
    # Sound lies between the pictures: all of the file is read for it.
    load = _with_source(load, seconds * times.source_bytes)
    return _measured_task(task, seconds, times.audio, seconds, load)


def _with_source(load: Load, size: float) -> Load:
    reads = OPENING + math.ceil(size / FETCH)
    return replace(load, reads=reads, source_reads=reads, bytes_out=size)


def _measured_task(task: TaskId, seconds: float, line: Line, size: float, load: Load) -> Task:
    """An encoding task whose CPU time lies on the line that was measured."""
    cpu = line.at(size)
    beats = int(cpu / HEARTBEAT_SECONDS)
    load = replace(
        load,
        table_reads=STEP_ROWS - 2 + beats,
        table_writes=2 + beats,
        in_a_row=STEP_ROWS + OPENING,
    )
    return Task(task, seconds, cpu, ideal=line.rate * size, begin=line.base, load=load)


def early_publication_writes(plan: Plan) -> int:
    """Writes that publish the beginning: its manifests and init segments. Nobody watches here while it is encoded."""
    return early_writes(plan) + len(plan.renditions) + len(plan.audio)


def early_publication_requests(plan: Plan) -> int:
    """Requests in a row until the beginning can be played (pipeline/early.py): the video, the task before, all rows,
    what was published; init segments; the manifests, each after a look at what is there.
    """
    return 4 + early_publication_writes(plan) + early_writes(plan)


def packaging_load(plan: Plan, rows: int) -> Load:
    """Of a video with so many tasks: reads sample tables and strips of tiles; writes manifests, init segments, stills
    and the progressive file.
    """
    tracks = len(plan.renditions) + len(plan.audio)
    strips = min(len(plan.chunks), plan.stills.count if plan.stills else 0)
    reads = len(plan.chunks) + len(plan.audio) + 2 * strips + 1
    # Init segment and playlist of each track, I-frame playlist of each rendition, three manifests, poster, storyboard
    # with its index, head and list of blocks.
    writes = 2 * tracks + len(plan.renditions) + 3 + 3 + 2
    return Load(
        reads=reads,
        writes=writes,
        blocks=2,
        table_reads=2 + math.ceil(rows / PAGE),
        table_writes=2,
    )


def _short_task(step: Step, seconds: float, measured: float, load: Load) -> Task:
    """The measured time includes the waiting for its requests."""
    return Task(TaskId(step), seconds, measured, ideal=0.0, begin=measured, load=load)
