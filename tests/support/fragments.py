"""A second opinion on fragmented MP4: reads segments with nothing but ISO/IEC 14496-12 in mind, not with our own code.

FFmpeg shows fragmented video late by its largest negative composition offset, so times are computed from the boxes and
only the pictures are taken from the decoder.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from struct import unpack_from

import av
import numpy as np
from numpy.typing import NDArray

TICKS = 240_000


@dataclass(frozen=True)
class Sample:
    size: int
    duration: int
    composition: int
    sync: bool


@dataclass(frozen=True)
class Fragment:
    time: int
    """tfdt, ticks."""
    samples: tuple[Sample, ...]
    payload: bytes

    @property
    def duration(self) -> int:
        return sum(s.duration for s in self.samples)

    @property
    def presented(self) -> list[int]:
        """Ticks at which the samples are shown, in that order."""
        times, decode = [], self.time
        for sample in self.samples:
            times.append(decode + sample.composition)
            decode += sample.duration
        return sorted(times)


def children(data: bytes) -> list[tuple[bytes, bytes]]:
    """(type, payload) of each box."""
    found, at = [], 0
    while at < len(data):
        size, kind = unpack_from(">I4s", data, at)
        assert 8 <= size <= len(data) - at, kind
        found.append((kind, data[at + 8 : at + size]))
        at += size
    return found


def parse(segment: bytes) -> Fragment:
    """A media segment: exactly one moof with one track run, and the mdat that it describes, nothing else."""
    (moof_kind, moof), (mdat_kind, mdat) = children(segment)
    assert (moof_kind, mdat_kind) == (b"moof", b"mdat")
    (_, _), (traf_kind, traf) = children(moof)
    assert traf_kind == b"traf"
    (tfhd_kind, tfhd), (tfdt_kind, tfdt), (trun_kind, trun) = children(traf)
    assert (tfhd_kind, tfdt_kind, trun_kind) == (b"tfhd", b"tfdt", b"trun")
    _, _, _, default_duration, _, default_flags = unpack_from(">6I", tfhd)
    version_flags, count, data_offset = unpack_from(">IIi", trun)
    assert version_flags >> 24 == 1, "composition offsets are signed in version 1 only"
    assert data_offset == 8 + len(moof) + 8
    flags, at = version_flags & 0xFFFFFF, 12
    first_flags = None
    if flags & 0x004:
        (first_flags,) = unpack_from(">I", trun, at)
        at += 4
    samples = []
    for i in range(count):
        row = {}
        for bit, form in ((0x100, ">I"), (0x200, ">I"), (0x400, ">I"), (0x800, ">i")):
            if flags & bit:
                (row[bit],) = unpack_from(form, trun, at)
                at += 4
        sample_flags = row.get(0x400, default_flags)
        if i == 0 and first_flags is not None:
            sample_flags = first_flags
        samples.append(
            Sample(row[0x200], row.get(0x100, default_duration), row.get(0x800, 0), not sample_flags & 0x10000)
        )
    assert at == len(trun)
    assert sum(s.size for s in samples) == len(mdat)
    (time,) = unpack_from(">Q", tfdt, 4)
    return Fragment(time, tuple(samples), mdat)


def nal_types(access_unit: bytes) -> list[int]:
    """Types of the length-prefixed H.264 NAL units of one sample."""
    found, at = [], 0
    while at < len(access_unit):
        (size,) = unpack_from(">I", access_unit, at)
        found.append(access_unit[at + 4] & 0x1F)
        at += 4 + size
    assert at == len(access_unit)
    return found


def pictures(init: bytes, segments: Sequence[bytes]) -> Iterator[av.VideoFrame]:
    """Decoded, in order of presentation."""
    with av.open(io.BytesIO(init + b"".join(segments)), format="mp4") as container:
        yield from container.decode(video=0)


def seconds(ticks: int) -> Fraction:
    return Fraction(ticks, TICKS)


def decoded_sound(init: bytes, segments: Sequence[bytes]) -> NDArray[np.float32]:
    """Channels by samples. What the first packet decodes to stands at the first segment's time."""
    with av.open(io.BytesIO(init + b"".join(segments)), format="mp4") as container:
        return np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
