"""`MediaRunner` without processes: answers at once, with blobs and results of the shape that the real one gives.

Segments are real CMAF with nonsense for pictures, so that everything after the encoders runs as it is.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from connector.domain import layout
from connector.domain.jobs import AudioJob, ChunkJob, ProbeJob, SplitJob, StillJob, StillOutput, StoryboardJob
from connector.domain.layout import frame_time
from connector.domain.media_info import Access, AudioStream, MediaInfo, VideoStream
from connector.domain.ports import Confinement
from connector.domain.step import Step, TaskId
from connector.domain.task import (
    EncodeOutput,
    PieceOutput,
    PosterOutput,
    RenditionOutput,
    SegmentOutput,
    SplitOutput,
    StoryboardOutput,
)
from connector.errors import TaskCrashed, TaskLost
from connector.isobmff.fragment import header_size, media_segment
from connector.isobmff.init import audio_init, video_init
from connector.isobmff.samples import Sample, SampleTable, video_samples
from connector.pipeline.media_task import TaskReporter

_CONFINED = Confinement("seccomp and Landlock")
SPS, PPS, CONFIG = b"\x67\x64\x00\x1f\xac", b"\x68\xeb", b"\x11\x90"
AAC_TICKS = 5120

PICTURE = VideoStream(
    index=0,
    codec="h264",
    width=800,
    height=450,
    display_width=800,
    display_height=450,
    frame_rate=Fraction(25),
    constant=True,
    start=Fraction(0),
    end=Fraction(4),
    tolerance=Fraction(1, 50),
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
    end=Fraction(4),
    language="en",
    title="",
)
INFO = MediaInfo(container="mov", access=Access.SEEK, video=PICTURE, audio=(SOUND,))
"""Four seconds of picture and sound."""
TASKS = [TaskId(Step.AUDIO), *(TaskId(Step.CHUNK, n) for n in range(5))]
"""What the plan for it has, with segments of one second."""


@dataclass
class FakeMediaRunner:
    info: MediaInfo = INFO
    ends: dict[int, Fraction] = field(default_factory=dict)
    """What the split finds, by stream."""
    before: Callable[[Any], None] = lambda job: None
    """Called before each job; may raise, or do what somebody else does meanwhile."""
    after: Callable[[Any], None] = lambda job: None
    """Called when all blobs of a job are written."""
    progress: Iterable[float] = ()
    """Shares that each job tells of; the heart of a task beats after each."""
    found: Confinement | TaskLost = _CONFINED
    """How its processes are said to be confined."""
    stopped: bool = False
    """Whether the last job was."""
    ran: list[str] = field(default_factory=list)
    """Which jobs were begun."""

    def run(
        self,
        job: Any,
        sources: Sequence[Callable[[], Any]],
        sink: Any,
        *,
        on_start: Callable[[Any], None] = lambda _: None,
        affinity_key: Any = None,
    ) -> Any:
        self.stopped = False
        on_start(self._stop)
        self.ran.append(f"{job.kind}-{job.index}" if hasattr(job, "index") else job.kind)
        self.before(job)
        for source in sources:
            reader = source()
            assert reader.read_at(0, reader.size)
        for share in self.progress:
            sink.progress(share, None)
            if isinstance(sink, TaskReporter):
                sink.beat()
        if self.stopped:
            raise TaskCrashed("the media process was stopped")
        result = self._do(job, sink)
        assert isinstance(result, job.result_type)
        assert job.accepts(result)
        self.after(job)
        return result

    def confinement(self) -> Confinement:
        if isinstance(self.found, TaskLost):
            raise self.found
        return self.found

    def _stop(self) -> None:
        self.stopped = True

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.ran)

    def _do(self, job: Any, sink: Any) -> Any:
        match job:
            case ProbeJob():
                return self.info
            case SplitJob():
                return _split(sink, self.ends)
            case ChunkJob():
                return _chunk(job, sink)
            case AudioJob():
                return _audio(job, sink)
            case StoryboardJob():
                sink.put("stills", layout.STORYBOARD, b"sprite of %d" % sum(job.tiles))
                return StoryboardOutput(size=11)
            case StillJob():
                sink.put("stills", job.name, b"%s of frame %d" % (job.form.encode(), job.frame))
                return StillOutput()


def _split(sink: Any, ends: dict[int, Fraction]) -> SplitOutput:
    pieces = [PieceOutput(start=Fraction(2 * n)) for n in range(2)]
    for n in range(len(pieces)):
        sink.put("work", layout.piece(n), layout.piece(n).encode())
    return SplitOutput(pieces=tuple(pieces), ends=ends)


def _chunk(job: ChunkJob, sink: Any) -> EncodeOutput:
    plan, chunk = job.plan, job.plan.chunks[job.index]
    frames = chunk.frames
    tables = b""
    renditions = []
    for rendition in plan.renditions_of(chunk):
        segments = []
        for n in range(plan.segment_of(frames.start), plan.segment_of(frames.stop - 1) + 1):
            first = plan.segment_start(n)
            numbers = range(first, min(plan.segment_start(n + 1), frames.stop))
            coded = [(n, b"%d/%d" % (rendition.id, n), n == first) for n in numbers]
            samples = video_samples(first, plan.frame_rate, coded)
            time = frame_time(first, plan.frame_rate)
            segment, table = _write(
                sink, "video", rendition.id, time, samples, progressive=rendition.id == plan.progressive
            )
            segments.append(segment)
            tables += table
        init = video_init(SPS, PPS, rendition.width, rendition.height).hex()
        renditions.append(RenditionOutput(id=rendition.id, init=init, segments=tuple(segments)))
    if tables:
        sink.put("work", layout.sample_tables(TaskId(Step.CHUNK, job.index)), tables)
    if not plan.makes_top(chunk):
        return EncodeOutput(renditions=tuple(renditions))
    assert plan.stills is not None
    for index, frame in enumerate(plan.stills.thumbnails, 1):
        if frame in frames:
            sink.put("stills", layout.indexed_thumbnail(index), b"still %d" % frame)
    tiles = [n for n in range(plan.stills.count) if n * plan.stills.interval * plan.frame_rate in frames]
    poster = None
    if tiles:
        sink.put("work", layout.tile_strip(job.index), b"strip of %d" % len(tiles))
        name = layout.poster_candidate(job.index)
        sink.put("work", name, name.encode())
        poster = PosterOutput(time=float(tiles[0]), score=0.9 if job.index == 2 else 0.1)
    return EncodeOutput(renditions=tuple(renditions), poster=poster, tiles=len(tiles))


def _audio(job: AudioJob, sink: Any) -> EncodeOutput:
    track = job.plan.audio[job.index]
    total = int(job.plan.duration * layout.TIMESCALE) // AAC_TICKS
    segments, tables = [], b""
    for first in range(0, total, 47):
        samples = [Sample(b"sound %d" % n, AAC_TICKS) for n in range(first, min(first + 47, total))]
        segment, table = _write(sink, "audio", track.id, first * AAC_TICKS, samples, progressive=job.index == 0)
        segments.append(segment)
        tables += table
    if job.index == 0:
        sink.put("work", layout.sample_tables(TaskId(Step.AUDIO)), tables)
    init = audio_init(CONFIG, 48_000, 2, track.language, track.bitrate).hex()
    return EncodeOutput(renditions=(RenditionOutput(id=track.id, init=init, segments=tuple(segments)),))


def _write(
    sink: Any, kind: Any, rendition: int, time: int, samples: list[Sample], *, progressive: bool
) -> tuple[SegmentOutput, bytes]:
    data = media_segment(kind, 1, time, samples)
    sink.put("output", layout.media_segment(kind, rendition, time), data)
    table = b""
    if progressive:
        start = header_size(data)
        sink.put("block", layout.progressive_block(kind, time), data[start:])
        table = SampleTable.of(time, start, samples).pack()
    duration = sum(s.duration for s in samples)
    return SegmentOutput(time=time, duration=duration, size=len(data), keyframe=header_size(data) + 5), table
