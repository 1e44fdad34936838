"""Describes the samples of one segment: their content, their time grid, and the table that outlives the bytes."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from struct import Struct
from sys import byteorder
from typing import Self

from connector.domain.layout import frame_time

_HEADER = Struct("<QIIIII")
_LATEST = 1 << 62
"""Tick from which on the sum of a time and a duration may not fit into 64 bits."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Holds one coded frame. `duration` and `composition_offset` (may be negative) are in ticks."""

    data: bytes
    duration: int
    composition_offset: int = 0
    sync: bool = True


def video_samples(first_frame: int, frame_rate: Fraction, frames: Iterable[tuple[int, bytes, bool]]) -> list[Sample]:
    """Returns the samples of one closed-GOP segment from (frame number, data, is keyframe) in decode order.

    The i-th decoded sample gets the decode time of output frame `first_frame + i`. A signed composition offset holds
    the difference to its presentation time. So decoding and presentation both begin at the segment's time, and no edit
    list is needed. Raises ValueError unless the frames are consecutive and the first one is a keyframe.
    """
    frames = list(frames)
    if sorted(number for number, _, _ in frames) != list(range(first_frame, first_frame + len(frames))):
        raise ValueError("a segment's frames must be consecutive")
    if not frames or frames[0][0] != first_frame or not frames[0][2]:
        raise ValueError("a segment must begin with the keyframe that is shown first")
    times = [frame_time(first_frame + i, frame_rate) for i in range(len(frames) + 1)]
    return [
        Sample(data, times[i + 1] - times[i], times[number - first_frame] - times[i], key)
        for i, (number, data, key) in enumerate(frames)
    ]


@dataclass(frozen=True, slots=True)
class SampleTable:
    """Holds what the head of a progressive file must know of one segment, without the segment.

    `time` is in ticks, `header_size` is the number of bytes before the first sample. `sizes` in bytes, `durations` and
    (composition) `offsets` in ticks are per sample, in decode order; `syncs` has the positions of sync samples.
    Equal durations are stored once. Without composition offsets, `offsets` is empty. If all samples are sync samples,
    `syncs` is empty.
    """

    time: int
    header_size: int
    sizes: "array[int]"
    durations: "array[int]"
    offsets: "array[int]"
    syncs: "array[int]"

    @classmethod
    def of(cls, time: int, header_size: int, samples: Sequence[Sample]) -> Self:
        durations = array("I", (s.duration for s in samples))
        if durations and durations.count(durations[0]) == len(durations):
            durations = durations[:1]
        offsets = array("i", (s.composition_offset for s in samples))
        syncs = array("I", (i for i, s in enumerate(samples) if s.sync))
        return cls(
            time=time,
            header_size=header_size,
            sizes=array("I", (len(s.data) for s in samples)),
            durations=durations,
            offsets=offsets if any(offsets) else array("i"),
            syncs=array("I") if len(syncs) == len(samples) else syncs,
        )

    @property
    def payload_size(self) -> int:
        """The bytes of all samples: the mdat payload, which begins at `header_size` in the segment."""
        return sum(self.sizes)

    @property
    def duration(self) -> int:
        """The duration of the segment in ticks."""
        return self.durations[0] * len(self.sizes) if len(self.durations) == 1 else sum(self.durations)

    def pack(self) -> bytes:
        """Returns bytes for `unpack`. They are self-delimiting, so that packed tables may be concatenated."""
        columns = (self.sizes, self.durations, self.offsets, self.syncs)
        header = _HEADER.pack(self.time, self.header_size, *(len(column) for column in columns))
        return header + b"".join(_little_endian(column).tobytes() for column in columns)

    @classmethod
    def unpack(cls, data: bytes) -> list[Self]:
        """Returns all tables of a concatenation of packed tables.

        Raises ValueError when it is truncated, and for a table that describes no samples.
        """
        tables: list[Self] = []
        at = 0
        while at < len(data):
            if len(data) - at < _HEADER.size:
                raise ValueError("truncated sample table")
            time, header_size, *lengths = _HEADER.unpack_from(data, at)
            at += _HEADER.size
            columns: list[array[int]] = []
            for code, length in zip("IIiI", lengths, strict=True):
                end = at + 4 * length
                if end > len(data):
                    raise ValueError("truncated sample table")
                columns.append(_little_endian(array(code, data[at:end])))
                at = end
            tables.append(cls(time, header_size, *columns))
            if not _describes_samples(tables[-1]):
                raise ValueError("a sample table that describes no samples")
        return tables


def _describes_samples(table: SampleTable) -> bool:
    """Returns whether the columns are as long as the class says, and the times in the range of 64 bits."""
    count = len(table.sizes)
    return (
        count > 0
        and table.time < _LATEST
        and len(table.durations) in {1, count}
        and len(table.offsets) in {0, count}
        and max(table.syncs, default=0) < count
    )


def _little_endian(column: "array[int]") -> "array[int]":
    if byteorder == "little":
        return column
    swapped = column[:]
    swapped.byteswap()
    return swapped
