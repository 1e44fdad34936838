"""Encodes one audio track: streams through the file once and writes AAC segments at 48 kHz, stereo."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction

from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream as AvAudio
from av.codec.context import Flags
from av.error import FFmpegError
from av.filter import Graph
from av.filter.context import FilterContext
from av.packet import Packet

from connector.domain.failures import media_error
from connector.domain.job_blobs import BlockBlob, SampleTablesBlob, SegmentBlob
from connector.domain.jobs import AudioJob
from connector.domain.layout import TIMESCALE
from connector.domain.plan import AudioRendition
from connector.domain.task import EncodeOutput, RenditionOutput, SegmentOutput
from connector.isobmff.fragment import header_size, media_segment
from connector.isobmff.init import audio_init
from connector.isobmff.samples import Sample, SampleTable
from connector.media.filters import audio_source, linear
from connector.media.report import Report
from connector.media.source import RemoteFile, discard_other_streams, open_container, until_unreadable
from connector.sandbox.protocol import Channel

RATE = 48_000
CHANNELS = 2
FRAME = 1024
"""Number of samples in an AAC frame."""
FRAME_TICKS = FRAME * TIMESCALE // RATE
HOLE = 5 * RATE // FRAME
"""AAC frames of the longest hole that is left to the filter, which holds all of its silence in memory at once."""
PROGRESS_EVERY = 500


def encode_audio(job: AudioJob, channel: Channel) -> EncodeOutput:
    """Encodes the track and writes its segments. Raises MediaError when no sound can be decoded.

    Beside a picture, the track is cut or filled with silence to the picture's length, so that all tracks end together.
    """
    plan, rendition = job.plan, job.plan.audio[job.index]
    length = math.ceil(plan.duration * RATE / FRAME) if plan.frames else None
    file = RemoteFile(channel, 0)
    with open_container(file) as container:
        stream = container.streams[rendition.stream]
        assert isinstance(stream, AvAudio)  # noqa: S101 - the probe saw it as one
        discard_other_streams(container, stream)
        decoder = _Decoder(stream)
        writer = _Writer(rendition, job, channel, length)
        sound = _Timeline(plan.origin)
        report = Report(channel)
        for n, frame in enumerate(decoder.frames(container.demux(stream))):
            writer.encode(sound.push(frame))
            share = min(1.0, float(writer.seconds / plan.duration)) if plan.duration else 0.0
            if n % PROGRESS_EVERY == 0:
                channel.progress(share)
            report.tell(share, writer.finished, writer.so_far)
            if writer.full:
                break
        writer.encode(sound.push(None))
        output = writer.finish()
    if output is None:
        raise media_error("UndecodableAudio")
    if job.index == 0:
        channel.put(SampleTablesBlob(), writer.tables)
    return EncodeOutput(renditions=(output,), damaged=decoder.damaged)


class _Decoder:
    """Decodes packets. Damaged frames are left out; the timeline fills the gap with silence."""

    def __init__(self, stream: AvAudio) -> None:
        self._context = stream.codec_context
        self.damaged = 0

    def frames(self, packets: Iterator[Packet[AvAudio]]) -> Iterator[AudioFrame]:
        for packet in until_unreadable(packets):
            yield from self._decode(packet)
        yield from self._decode(None)

    def _decode(self, packet: Packet[AvAudio] | None) -> list[AudioFrame]:
        try:
            return self._context.decode(packet)
        except MemoryError:
            raise  # it says nothing about the sound
        except FFmpegError:
            self.damaged += 1
            return []


class _Timeline:
    """Makes AAC frames of 48 kHz stereo that begin at time 0 and have no holes, whatever the timestamps say."""

    def __init__(self, origin: Fraction) -> None:
        self._origin = origin
        self._graph: Graph | None = None
        self._shape: tuple[object, ...] | None = None
        self._source: FilterContext | None = None
        self._sink: FilterContext | None = None
        self._made = 0

    def push(self, frame: AudioFrame | None) -> Iterator[AudioFrame]:
        """Yields what is finished by now. None ends the sound."""
        if frame is None:
            yield from self._end()
            return
        base = frame.time_base or Fraction(1, frame.sample_rate)
        if frame.pts is not None:
            frame.pts = round((frame.pts * base - self._origin) * frame.sample_rate)
        frame.time_base = Fraction(1, frame.sample_rate)
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        hole = self._frames_until(frame) - self._made > HOLE
        if shape != self._shape or hole:
            yield from self._end()
            while hole and self._made < self._frames_until(frame):
                self._made += 1
                yield _silence()
            self._build(frame)
            self._shape = shape
        self._source.push(frame)  # type: ignore[union-attr]  # _build made it
        yield from self._drain()

    def _frames_until(self, frame: AudioFrame) -> int:
        """Returns the number of whole AAC frames before `frame`."""
        return 0 if frame.pts is None else frame.pts * RATE // (frame.sample_rate * FRAME)

    def _end(self) -> list[AudioFrame]:
        if self._source is None:
            return []
        self._source.push(None)
        return self._drain()

    def _drain(self) -> list[AudioFrame]:
        out: list[AudioFrame] = []
        while True:
            try:
                frame = self._sink.pull()  # type: ignore[union-attr]  # _build made it
            except (BlockingIOError, EOFError):
                return out
            if isinstance(frame, AudioFrame):
                out.append(frame)
                self._made += 1

    def _build(self, frame: AudioFrame) -> None:
        graph = Graph()
        graph.threads = 1
        self._source = audio_source(graph, frame)
        # The filter counts in samples of its input.
        begin = round(Fraction(self._made * FRAME * frame.sample_rate, RATE))
        last = linear(
            graph,
            self._source,
            # It fills holes with silence and cuts overlaps, so that the sound stays with the picture. It begins exactly
            # at 0, or where the sound before it ended.
            ("aresample", f"{RATE}:async=1:min_hard_comp=0.04:first_pts={begin}"),
            ("aformat", f"sample_fmts=fltp:sample_rates={RATE}:channel_layouts=stereo"),
            ("asetnsamples", f"n={FRAME}:p=1"),
        )
        self._sink = graph.add("abuffersink")
        last.link_to(self._sink)
        graph.configure()
        self._graph = graph


class _Writer:
    """Puts frames into segments. Each segment begins at the first AAC frame at or after its place.

    The first segment has a length of its own; all others have the same length.
    """

    def __init__(self, rendition: AudioRendition, job: AudioJob, channel: Channel, length: int | None) -> None:
        self._rendition, self._channel, self._length = rendition, channel, length
        self._head_seconds, self._segment_seconds = job.head_seconds, job.segment_seconds
        self._blocks = job.index == 0
        self._context = _open(rendition)
        self._given = 0
        self._first = 0
        self._samples: list[Sample] = []
        self._segments: list[SegmentOutput] = []
        self._tables: list[SampleTable] = []

    @property
    def full(self) -> bool:
        return self._length is not None and self._given >= self._length

    @property
    def finished(self) -> int:
        """The number of segments that are written."""
        return len(self._segments)

    @property
    def seconds(self) -> Fraction:
        return Fraction(self._given * FRAME, RATE)

    @property
    def tables(self) -> bytes:
        return b"".join(table.pack() for table in self._tables)

    def encode(self, frames: Iterable[AudioFrame]) -> None:
        for frame in frames:
            if self.full:
                return
            # asetnsamples gives whole frames only, so the time follows from their number.
            frame.pts, frame.time_base = self._given * FRAME, Fraction(1, RATE)
            self._given += 1
            self._take(self._context.encode(frame))

    def finish(self) -> RenditionOutput | None:
        """Ends the track and returns its output, or None when there was no sound at all."""
        if not self._given:
            return None
        while self._length is not None and not self.full:
            self.encode([_silence()])
        self._take(self._context.encode(None))
        self._write()
        return self._output()

    def so_far(self) -> EncodeOutput:
        return EncodeOutput(renditions=(self._output(),))

    def _output(self) -> RenditionOutput:
        init = audio_init(
            bytes(self._context.extradata or b""), RATE, CHANNELS, self._rendition.language, self._rendition.bitrate
        )
        return RenditionOutput(id=self._rendition.id, init=init.hex(), segments=tuple(self._segments))

    def _take(self, packets: list[Packet[AvAudio]]) -> None:
        for packet in packets:
            # The first packet only primes the decoder; its time is before 0.
            if packet.pts is None or packet.pts < 0 or (self._length is not None and self._count >= self._length):
                continue
            if self._samples and self._count * FRAME >= self._boundary:
                self._write()
            self._samples.append(Sample(bytes(packet), FRAME_TICKS))

    @property
    def _count(self) -> int:
        """The number of AAC frames that are written or waiting."""
        return self._first + len(self._samples)

    @property
    def _boundary(self) -> Fraction:
        """The sample at or after which the next segment begins."""
        return (self._head_seconds + len(self._segments) * self._segment_seconds) * RATE

    def _write(self) -> None:
        samples, self._samples = self._samples, []
        if not samples:
            return
        time = self._first * FRAME_TICKS
        data = media_segment("audio", len(self._segments) + 1, time, samples)
        self._channel.put(SegmentBlob(rendition=self._rendition.id, time=time), data)
        self._segments.append(SegmentOutput(time=time, duration=len(samples) * FRAME_TICKS, size=len(data)))
        if self._blocks:
            start = header_size(data)
            self._channel.put(BlockBlob(time=time), data[start:])
            self._tables.append(SampleTable.of(time, start, samples))
        self._first += len(samples)


def _silence() -> AudioFrame:
    frame = AudioFrame(format="fltp", layout="stereo", samples=FRAME)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    frame.sample_rate = RATE
    return frame


def _open(rendition: AudioRendition) -> AudioCodecContext:
    context = AudioCodecContext.create("aac", "w")
    context.sample_rate = RATE
    context.layout = "stereo"
    context.format = "fltp"
    context.bit_rate = rendition.bitrate
    context.time_base = Fraction(1, RATE)
    context.thread_count = 1
    context.flags |= Flags.global_header
    context.open()
    return context
