"""What there is to do for a video: the tasks of the real plan, with what each asks of a core and of storage."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from bench.model.times import Line, Times
from connector.domain.estimate import gigapixels, growing
from connector.domain.media_info import Access, AudioStream, MediaInfo, VideoStream
from connector.domain.plan import Plan, Rendition
from connector.domain.planner import Limits, chunk_range, chunk_renditions, make_plan, tasks
from connector.pipeline.run import HEARTBEAT_SECONDS
from connector.settings import Settings
from connector.storage.read_ahead import CELL, LONGEST_RUN

SETTINGS = Settings.model_validate({"storage": "unused"})
RATE = Fraction(30)
FETCH = CELL * LONGEST_RUN
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
    """One message's worth of work."""

    step: str
    index: int
    source: float
    """Seconds of source."""
    cpu: float
    """Seconds of one core."""
    ideal: float
    """Without what a task costs beside its source."""
    begin: float
    """Of `cpu`, before anything is made."""
    load: Load


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
    made = tuple((_chunk if step == "chunk" else _audio)(plan, index, times) for step, index in tasks(plan))
    length = float(plan.duration)
    parts = packaging(plan, len(made))
    return Work(
        plan=plan,
        tasks=made,
        probe=_short("probe", length, times.probe, Load(reads=OPENING, source_reads=OPENING, writes=2)),
        package=_short("package", length, times.package.at(parts.requests), parts),
    )


def _chunk(plan: Plan, index: int, times: Times) -> Task:
    frames = chunk_range(plan, index)
    made = chunk_renditions(plan, index)
    size = gigapixels(PICTURE, made, len(frames))
    seconds = float(len(frames) / plan.frame_rate)
    segments = plan.segment_of(frames.stop - 1) - plan.segment_of(frames.start) + 1
    stills = plan.stills
    assert stills
    top = made[0] == plan.renditions[0]
    progressive = any(r.id == plan.progressive for r in made)
    pictures = top and sum(frame in frames for frame in stills.thumbnails)
    tiles = top and any(round(i * stills.interval * plan.frame_rate) in frames for i in range(stills.count))
    load = Load(
        # Segments of every rendition; sample table, poster, strip of tiles, thumbnails; once, the beginning.
        writes=segments * (len(made) + progressive) + progressive + top + tiles + pictures + (index == 0) * begun(plan),
        blocks=segments * progressive,
        bytes_in=seconds * times.stored_bytes * _pixels(made) / _pixels(plan.renditions),
    )
    load = _with_source(load, seconds * times.source_bytes)
    return _encoding(("chunk", index), seconds, times.chunk, size, load)


def _pixels(made: Iterable[Rendition]) -> int:
    return sum(r.width * r.height for r in made)


def _audio(plan: Plan, index: int, times: Times) -> Task:
    seconds = float(plan.duration)
    segments = plan.segments
    # The first track is part of the progressive file as well. Its bytes are counted with the chunks'.
    load = Load(writes=segments * (2 if index == 0 else 1) + (index == 0), blocks=segments if index == 0 else 0)
    # Sound lies between the pictures: all of the file is read for it.
    load = _with_source(load, seconds * times.source_bytes)
    return _encoding(("audio", index), seconds, times.audio, seconds, load)


def _with_source(load: Load, size: float) -> Load:
    reads = OPENING + math.ceil(size / FETCH)
    return replace(load, reads=reads, source_reads=reads, bytes_out=size)


def _encoding(task: tuple[str, int], seconds: float, line: Line, size: float, load: Load) -> Task:
    cpu = line.at(size)
    beats = int(cpu / HEARTBEAT_SECONDS)
    load = replace(
        load,
        table_reads=STEP_ROWS - 2 + beats,
        table_writes=2 + beats,
        in_a_row=STEP_ROWS + OPENING,
    )
    return Task(*task, seconds, cpu, ideal=line.rate * size, begin=line.base, load=load)


def begun(plan: Plan) -> int:
    """Writes that publish the beginning: its manifests and init segments. Nobody watches here while it is encoded."""
    return growing(plan) + len(plan.renditions) + len(plan.audio)


def shown(plan: Plan) -> int:
    """Requests in a row until the beginning can be played (pipeline/grow.py): the video, the task before, all rows,
    what was published; init segments; the manifests, each after a look at what is there.
    """
    return 4 + begun(plan) + growing(plan)


def packaging(plan: Plan, rows: int) -> Load:
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


def _short(step: str, seconds: float, measured: float, load: Load) -> Task:
    """What is measured holds the waiting for its requests as well."""
    return Task(step, 0, seconds, measured, ideal=0.0, begin=measured, load=load)
