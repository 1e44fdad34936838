"""Encodes one rendition: pictures go in, finished CMAF segments come out."""

from __future__ import annotations  # PyAV's Packet is generic for type checkers only

from contextlib import suppress
from fractions import Fraction
from pathlib import Path

from av.codec.context import Flags
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from connector.domain.encoding import x264_options
from connector.domain.job_blobs import BlockBlob, SegmentBlob
from connector.domain.layout import frame_time
from connector.domain.plan import Plan, Rendition
from connector.domain.task import RenditionOutput, SegmentOutput
from connector.isobmff import h264
from connector.isobmff.fragment import first_sample_range, header_size, media_segment
from connector.isobmff.init import video_init
from connector.isobmff.samples import SampleTable, video_samples
from connector.sandbox.protocol import Channel

_BT709, _LIMITED = 1, 1


def _repeatable_parameters() -> tuple[str, ...]:
    """Returns x264 parameters that make a repeated encode equal.

    x264's AVX-512 code reads memory that nobody wrote, so that one encode in fifty differs from its repetition. AVX2
    does not, is as fast, and gives the same bytes as SSE. It is set on processors with AVX-512, which all have AVX2.
    """
    with suppress(OSError):
        if " avx512f " in Path("/proc/cpuinfo").read_text("utf-8"):
            return ("asm=AVX2",)
    return ()


SAME_BYTES = _repeatable_parameters()
"""Parameters of x264 with which a repeated task writes the same bytes."""


class RenditionEncoder:
    """Encodes output frames of one chunk, which begins at a segment, and writes each segment once it is complete."""

    def __init__(self, rendition: Rendition, plan: Plan, preset: str, threads: int, channel: Channel) -> None:
        self.rendition, self._plan, self._channel = rendition, plan, channel
        self._context = _open(rendition, plan, preset, threads)
        self._time_base = 1 / plan.frame_rate
        self._packets: list[tuple[int, bytes, bool]] = []
        self._segments: list[SegmentOutput] = []
        self.tables: list[SampleTable] = []

    def encode(self, number: int, frame: VideoFrame) -> None:
        """Encodes `frame` as output frame `number`. A frame may be shown several times."""
        frame.pts = number
        frame.time_base = self._time_base
        frame.pict_type = PictureType.NONE  # the type in the source must not decide the type in the output
        self._take(self._context.encode(frame))

    def finish(self) -> RenditionOutput:
        self._take(self._context.encode(None))
        self._write()
        return self.output()

    @property
    def finished(self) -> int:
        """The number of segments that are written."""
        return len(self._segments)

    def output(self) -> RenditionOutput:
        """Returns what is written by now."""
        sps, pps = h264.parameter_sets(bytes(self._context.extradata or b""))
        init = video_init(sps, pps, self.rendition.width, self.rendition.height)
        return RenditionOutput(id=self.rendition.id, init=init.hex(), segments=tuple(self._segments))

    def _take(self, packets: list[Packet[VideoStream]]) -> None:
        for packet in packets:
            if packet.is_keyframe and self._packets:
                self._write()
            # The encoder's clock counts output frames.
            number = packet.pts
            assert number is not None  # noqa: S101 - every picture went in with its number
            self._packets.append((number, h264.to_length_prefixed(bytes(packet)), packet.is_keyframe))

    def _write(self) -> None:
        packets, self._packets = self._packets, []
        if not packets:
            return
        first = packets[0][0]
        rate = self._plan.frame_rate
        time = frame_time(first, rate)
        samples = video_samples(first, rate, packets)
        data = media_segment("video", self._plan.segment_of(first) + 1, time, samples)
        self._channel.put(SegmentBlob(rendition=self.rendition.id, time=time), data)
        self._segments.append(
            SegmentOutput(
                time=time,
                duration=frame_time(first + len(packets), rate) - time,
                size=len(data),
                keyframe=first_sample_range(data, samples)[1],
            )
        )
        if self.rendition.id == self._plan.progressive:
            start = header_size(data)
            self._channel.put(BlockBlob(time=time), data[start:])
            self.tables.append(SampleTable.of(time, start, samples))


def _open(rendition: Rendition, plan: Plan, preset: str, threads: int) -> VideoCodecContext:
    context = VideoCodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = rendition.width, rendition.height, "yuv420p"
    context.time_base = 1 / plan.frame_rate
    context.framerate = plan.frame_rate
    context.gop_size = plan.gop
    context.color_primaries = context.color_trc = context.colorspace = _BT709
    context.color_range = _LIMITED
    context.sample_aspect_ratio = Fraction(1)
    # There is one SPS and PPS in the init segment, and none in the stream.
    context.flags |= Flags.global_header
    # The output's bytes depend on the number of threads, so it is pinned.
    context.thread_count = threads
    options = x264_options(rendition, plan.gop, preset)
    options["x264-params"] = ":".join((options["x264-params"], *SAME_BYTES))
    context.options = options
    context.open()
    return context
