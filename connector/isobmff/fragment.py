"""Writes media segments, each of exactly one moof and one mdat.

All defaults are in tfhd, because players of Smooth Streaming make their own moov, whose trex is all zero. There is no
styp and no sidx, because the manifests say the same. tfdt holds the time that is in the segment's name.
"""

from collections.abc import Sequence
from itertools import chain
from struct import pack
from typing import Literal

from connector.isobmff.boxes import box, data_header, full_box
from connector.isobmff.init import TRACK_ID
from connector.isobmff.samples import Sample

_SYNC = 0x02000000
"""Flags of a sync sample: sample_depends_on 2, which means that it needs no other sample."""
_NOT_SYNC = 0x01010000
"""Flags of any other sample: sample_depends_on 1, sample_is_non_sync_sample."""

_TFHD_DEFAULTS = 0x02003A
"""Flags of tfhd: default-base-is-moof; sample description index, duration, size and flags are present."""
_DATA_OFFSET, _FIRST_FLAGS = 0x001, 0x004
_DURATION, _SIZE, _FLAGS, _COMPOSITION = 0x100, 0x200, 0x400, 0x800


def media_segment(
    track: Literal["video", "audio"], sequence: int, decode_time: int, samples: Sequence[Sample]
) -> bytes:
    """Returns one segment that begins at `decode_time` ticks; `sequence` counts from 1.

    Raises ValueError when there is no sample, when the first sample is not a sync sample, or when audio samples have
    composition offsets or are not all sync samples.
    """
    if not samples:
        raise ValueError("a segment needs a sample")
    if not samples[0].sync:
        raise ValueError("a segment begins with a sync sample")
    if track == "audio" and any(s.composition_offset or not s.sync for s in samples):
        raise ValueError("audio samples are all sync samples without composition offset")
    # The data offset depends on the moof's size, but the moof's size does not depend on the data offset in it.
    size = len(_moof(sequence, decode_time, samples, 0))
    payload = [s.data for s in samples]
    mdat = data_header(sum(map(len, payload)))
    return b"".join((_moof(sequence, decode_time, samples, size + len(mdat)), mdat, *payload))


def header_size(segment: bytes) -> int:
    """Returns the bytes of moof and mdat header, which end where the first sample begins."""
    return int.from_bytes(segment[:4]) + 8


def first_sample_range(segment: bytes, samples: Sequence[Sample]) -> tuple[int, int]:
    """Returns (offset, length) of the bytes that show the first frame (RFC 8216 section 4.3.3.6)."""
    return 0, header_size(segment) + len(samples[0].data)


def _moof(sequence: int, decode_time: int, samples: Sequence[Sample], data_offset: int) -> bytes:
    all_sync = all(s.sync for s in samples)
    sync_first_only = not any(s.sync for s in samples[1:])
    equal = len({s.duration for s in samples}) == 1

    flags = _DATA_OFFSET | _SIZE
    columns = [[s.duration for s in samples]] if not equal else []
    flags |= _DURATION if not equal else 0
    columns.append([len(s.data) for s in samples])
    if not (all_sync or sync_first_only):
        flags |= _FLAGS
        columns.append([_SYNC if s.sync else _NOT_SYNC for s in samples])
    if any(s.composition_offset for s in samples):
        flags |= _COMPOSITION
        columns.append([s.composition_offset & 0xFFFFFFFF for s in samples])
    first_flags = b""
    if sync_first_only and not all_sync:
        flags |= _FIRST_FLAGS
        first_flags = pack(">I", _SYNC)

    defaults = (TRACK_ID, 1, samples[0].duration, 0, _SYNC if all_sync else _NOT_SYNC)
    rows = pack(f">{len(samples) * len(columns)}I", *chain.from_iterable(zip(*columns, strict=True)))
    return box(
        b"moof",
        full_box(b"mfhd", 0, 0, pack(">I", sequence)),
        box(
            b"traf",
            full_box(b"tfhd", 0, _TFHD_DEFAULTS, pack(">5I", *defaults)),
            full_box(b"tfdt", 1, 0, pack(">Q", decode_time)),
            full_box(b"trun", 1, flags, pack(">Ii", len(samples), data_offset), first_flags, rows),
        ),
    )
