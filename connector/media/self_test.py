"""Publishes a tiny clip in memory, to see whether the libraries work in a confined process."""

import io
from pathlib import Path

from connector.domain.job_blobs import JobBlob
from connector.domain.jobs import AudioJob, ChunkJob, ProbeJob
from connector.domain.limits import JobLimits, SourceLimits
from connector.domain.planner import Limits, make_plan
from connector.domain.task import EncodeOutput
from connector.media import audio, chunk, probe
from connector.sandbox.protocol import Channel

_CLIP = Path(__file__).with_name("self_test.mkv").read_bytes()
"""Half a second of 64×48 px, H.264 with B-frames and AAC. It is read before there is any confinement."""
_LIMITS = JobLimits(seconds=10, memory=1 << 30, threads=2)
_ACCEPTED = SourceLimits(minutes=1, pixels=64 * 48, frame_rate=25, tracks=1)


def self_test() -> None:
    """Probes, decodes and encodes the clip, with two threads. Raises what these jobs raise."""
    channel = _Memory()
    info = probe.probe(ProbeJob(limits=_LIMITS, accepted=_ACCEPTED), channel)
    plan = make_plan(info, Limits(segment_seconds=1, chunk_seconds=1, max_lines=144))
    chunk.encode_chunk(ChunkJob(limits=_LIMITS, info=info, plan=plan, index=0, preset="veryfast"), channel)
    audio.encode_audio(AudioJob(limits=_LIMITS, plan=plan, index=0, head_seconds=1, segment_seconds=1), channel)


class _Memory(Channel):
    """Reads the clip, and keeps nothing of what is written."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), io.BytesIO())

    def size(self, file: int) -> int:  # noqa: ARG002 - the clip is the only file
        return len(_CLIP)

    def read(self, file: int, offset: int, length: int) -> bytes:  # noqa: ARG002 - the clip is the only file
        return _CLIP[offset : offset + length]

    def put(self, blob: JobBlob, data: bytes) -> None:
        pass

    def progress(self, share: float, finished: EncodeOutput | None = None) -> None:
        pass
