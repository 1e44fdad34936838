"""Encodes one chunk: decodes once, scales down the ladder and writes all renditions' segments as they are finished."""

from collections.abc import Iterator

from av.video.frame import VideoFrame

from connector.domain.failures import media_error
from connector.domain.job_blobs import SampleTablesBlob
from connector.domain.jobs import ChunkJob
from connector.domain.task import EncodeOutput, RenditionOutput
from connector.media.decode import Decoder, TimedFrame
from connector.media.encoder import RenditionEncoder
from connector.media.grid import on_grid
from connector.media.picture import Downscaler, FilterChain, Normalizer
from connector.media.report import Report
from connector.media.stills import Stills
from connector.sandbox.protocol import Channel

PROGRESS_EVERY = 30
"""Number of output frames between two reports of progress."""
BATCH_PIXELS = 8 * 1920 * 1080
"""Pixels of the highest rendition that wait for the encoders.

Each encoder takes all waiting frames in one go, while its data is in the cache.
"""
BATCH = 8
"""Number of frames that wait for the encoders at most."""


def encode_chunk(job: ChunkJob, channel: Channel) -> EncodeOutput:
    """Encodes the chunk. Raises MediaError when the source has no picture here that can be decoded."""
    plan, info = job.plan, job.info.video
    if info is None:
        raise media_error("NoMedia")
    chunk = plan.chunks[job.index]
    frames = chunk.frames
    ladder = _Ladder(job, channel)
    # The task that makes the highest rendition makes the stills, too.
    stills = Stills(plan, frames if ladder.has_top else range(0), channel)
    decoder = Decoder(info, job.limits.threads)
    place = plan.origin + frames.start / plan.frame_rate + plan.tolerance
    source = decoder.frames(channel, job.info.access, place, job.piece_starts)
    report = Report(channel)
    last: VideoFrame | None = None
    for number, frame in on_grid(_from_origin(source, job), frames, plan.frame_rate, plan.tolerance):
        # A picture that is shown again is not scaled again.
        if frame is not last:
            ladder.scale(frame)
            last = frame
        ladder.encode(number)
        stills.see(number, ladder.top)
        if (number - frames.start) % PROGRESS_EVERY == 0:
            share = (number - frames.start) / len(frames)
            channel.progress(share)
            report.tell(share, ladder.finished, ladder.so_far)
    if last is None:
        raise media_error("UndecodableVideo")
    renditions = ladder.finish()
    if ladder.tables:
        channel.put(SampleTablesBlob(), ladder.tables)
    poster, tiles = stills.finish()
    return EncodeOutput(renditions=renditions, poster=poster, tiles=tiles, damaged=decoder.damaged)


def _from_origin(frames: Iterator[TimedFrame], job: ChunkJob) -> Iterator[TimedFrame]:
    for time, frame in frames:
        yield time - job.plan.origin, frame


class _Ladder:
    """Scales pictures to all renditions, each from the one above it, and encodes the renditions that the task makes."""

    def __init__(self, job: ChunkJob, channel: Channel) -> None:
        plan, threads = job.plan, job.limits.threads
        top, *lower = plan.renditions
        rotation = job.info.video.rotation if job.info.video else 0
        scalers: list[FilterChain] = [
            Normalizer(top.width, top.height, rotation, threads),
            *(Downscaler(r.width, r.height, threads) for r in lower),
        ]
        ids = plan.chunks[job.index].renditions
        self._encoders = {
            n: RenditionEncoder(r, plan, job.preset, threads, channel)
            for n, r in enumerate(plan.renditions)
            if r.id in ids
        }
        self._scalers = scalers[: max(self._encoders) + 1]
        self.has_top = 0 in self._encoders
        self._pictures: list[VideoFrame] = []
        self._batch = max(1, min(BATCH, BATCH_PIXELS // (top.width * top.height)))
        self._waiting: list[tuple[int, list[VideoFrame]]] = []

    def scale(self, frame: VideoFrame) -> None:
        self._pictures = []
        for scaler in self._scalers:
            frame = scaler.through(frame)
            self._pictures.append(frame)

    @property
    def top(self) -> VideoFrame:
        return self._pictures[0]

    def encode(self, number: int) -> None:
        self._waiting.append((number, self._pictures))
        if len(self._waiting) >= self._batch:
            self._encode_all()

    def _encode_all(self) -> None:
        for n, encoder in self._encoders.items():
            for number, pictures in self._waiting:
                encoder.encode(number, pictures[n])
        self._waiting = []

    @property
    def finished(self) -> int:
        """The number of segments that every rendition has."""
        return min(encoder.finished for encoder in self._encoders.values())

    def so_far(self) -> EncodeOutput:
        return EncodeOutput(renditions=tuple(encoder.output() for encoder in self._encoders.values()))

    def finish(self) -> tuple[RenditionOutput, ...]:
        self._encode_all()
        return tuple(encoder.finish() for encoder in self._encoders.values())

    @property
    def tables(self) -> bytes:
        """The packed sample tables of the rendition that becomes the progressive file."""
        return b"".join(table.pack() for encoder in self._encoders.values() for table in encoder.tables)
