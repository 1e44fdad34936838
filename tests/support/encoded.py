"""Real H.264 and AAC in small amounts, and two decoders to look at the result."""

import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np

from connector.isobmff.fragment import header_size, media_segment
from connector.isobmff.h264 import parameter_sets, to_length_prefixed
from connector.isobmff.init import audio_init, video_init
from connector.isobmff.samples import Sample, SampleTable, video_samples
from connector.media.encoder import SAME_BYTES

AAC_FRAME = 5120
"""Ticks of 1024 samples at 48 kHz."""


@dataclass(frozen=True)
class Encoded:
    """One packaged track."""

    init: bytes
    segments: tuple[bytes, ...]
    tables: tuple[SampleTable, ...]
    samples: tuple[tuple[Sample, ...], ...]


def encode_video(
    frames: int, rate: Fraction, gop: int, *, size: tuple[int, int] = (160, 90), first: int = 0
) -> Encoded:
    """A moving gradient, cut at each keyframe; `first` is the number of the first frame."""
    width, height = size
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuv420p"
    encoder.framerate = rate
    encoder.time_base = 1 / rate
    encoder.gop_size = gop
    encoder.max_b_frames = 3
    encoder.thread_count = 1
    encoder.flags |= av.codec.context.Flags.global_header | av.codec.context.Flags.closed_gop
    encoder.options = {"preset": "veryfast", "keyint_min": str(gop), "sc_threshold": "0"}
    encoder.options["x264-params"] = ":".join(("open-gop=0", *SAME_BYTES))

    packets: list[av.Packet] = []
    plane = np.add.outer(np.arange(height), np.arange(width))
    for n in range(frames):
        picture = np.full((height * 3 // 2, width), 128, np.uint8)
        picture[:height] = (plane * 2 + n * 7) % 200 + 20
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = first + n
        packets += encoder.encode(frame)
    packets += encoder.encode(None)

    gops: list[list[tuple[int, bytes, bool]]] = []
    for packet in packets:
        if packet.is_keyframe:
            gops.append([])
        gops[-1].append((packet.pts, to_length_prefixed(bytes(packet)), packet.is_keyframe))
    groups = [video_samples(first + i * gop, rate, group) for i, group in enumerate(gops)]
    times = [int(Fraction(first + i * gop) * 240_000 / rate + Fraction(1, 2)) for i in range(len(groups))]
    sps, pps = parameter_sets(encoder.extradata)
    return _package("video", video_init(sps, pps, width, height), times, groups)


def encode_audio(seconds: float, frames_per_segment: int, *, channels: int = 2, language: str = "en") -> Encoded:
    """A tone at 48 kHz without the encoder's priming packet."""
    layout = {1: "mono", 2: "stereo"}[channels]
    encoder = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, layout, "fltp"
    encoder.bit_rate = 96_000
    encoder.time_base = Fraction(1, 48_000)
    encoder.flags |= av.codec.context.Flags.global_header
    packets: list[av.Packet] = []
    for n in range(int(seconds * 48_000 / 1024)):
        wave = np.sin(2 * np.pi * 440 * (np.arange(1024) + n * 1024) / 48_000).astype(np.float32) / 2
        frame = av.AudioFrame.from_ndarray(np.stack([wave] * channels), format="fltp", layout=layout)
        frame.sample_rate, frame.pts = 48_000, n * 1024
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    samples = [Sample(bytes(p), AAC_FRAME) for p in packets if p.pts >= 0]
    groups = [samples[i : i + frames_per_segment] for i in range(0, len(samples), frames_per_segment)]
    times = [i * frames_per_segment * AAC_FRAME for i in range(len(groups))]
    init = audio_init(bytes(encoder.extradata), 48_000, channels, language, 96_000)
    return _package("audio", init, times, groups)


def _package(kind: str, init: bytes, times: list[int], groups: list[list[Sample]]) -> Encoded:
    segments = tuple(
        media_segment(kind, number, time, group)
        for number, (time, group) in enumerate(zip(times, groups, strict=True), 1)
    )
    tables = tuple(
        SampleTable.of(time, header_size(segment), group)
        for time, segment, group in zip(times, segments, groups, strict=True)
    )
    return Encoded(init, segments, tables, tuple(tuple(group) for group in groups))


def presentation_times(file: Path, kind: str) -> list[Fraction]:
    """Seconds at which each decoded frame stands, in the order of presentation."""
    with av.open(str(file)) as container:
        stream = next(s for s in container.streams if s.type == kind)
        return [frame.pts * frame.time_base for frame in container.decode(stream)]


def ffmpeg_complaints(*source: object) -> str:
    """What FFmpeg says while it decodes everything; empty when there is nothing to complain about."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "warning", "-xerror"]
    done = subprocess.run(
        [*command, *map(str, source), "-map", "0", "-f", "null", "-"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stderr + ("" if done.returncode == 0 else f"exit status {done.returncode}")


def ffmpeg_frame_count(source: Path, stream: str) -> int:
    """Frames that FFmpeg decodes of one stream, e.g. `v:0`."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", str(source)]
    passthrough = ["-map", f"0:{stream}", "-fps_mode", "passthrough"] if stream[0] == "v" else ["-map", f"0:{stream}"]
    done = subprocess.run(
        [*command, *passthrough, "-f", "framecrc", "-"], capture_output=True, text=True, check=True, timeout=60
    )
    return sum(not line.startswith("#") for line in done.stdout.splitlines())
