"""Builds the head of a progressive MP4, whose mdat is made of the payloads of media segments.

The head comes first, so that a player can start during the download. It needs only the sample tables. Whoever writes
the file then appends the payload of each segment, in the order that was given here.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from struct import pack
from sys import byteorder

from connector.isobmff.boxes import box, data_header, full_box
from connector.isobmff.init import AudioInit, VideoInit, parse_init, sample_description
from connector.isobmff.movie import movie_header, sample_tables, track
from connector.isobmff.samples import SampleTable

_FTYP = box(b"ftyp", b"iso6", pack(">I", 0), b"iso6", b"mp41")
_MAX_OFFSET = (1 << 32) - 1
_LONGEST_SAMPLE = (1 << 32) - 1
"""Ticks of a sample, at most."""


@dataclass(frozen=True, slots=True)
class Track:
    """Holds one track: its init segment and the tables of all its segments in time order."""

    init: bytes
    segments: Sequence[SampleTable]


def interleave(tracks: Sequence[Track]) -> list[tuple[int, int]]:
    """Returns (track, segment) indexes by start time; at equal times the earlier track comes first."""
    starts = sorted((table.time, t, s) for t, track in enumerate(tracks) for s, table in enumerate(track.segments))
    return [(t, s) for _, t, s in starts]


def head(tracks: Sequence[Track], order: Iterable[tuple[int, int]]) -> bytes:
    """Returns everything before the media bytes: ftyp, moov and the header of the mdat.

    `order` names each (track, segment) once, in the order of the payloads. Raises ValueError if it does not, if a track
    has no segment, or if a segment begins before the last sample of the one before it, or much later.
    """
    order = list(order)
    everything = [(t, s) for t, track in enumerate(tracks) for s in range(len(track.segments))]
    if not all(track.segments for track in tracks) or not tracks or sorted(order) != everything:
        raise ValueError("the order must name every segment once")

    relative: list[array[int]] = [array("Q", bytes(8 * len(track.segments))) for track in tracks]
    payload = 0
    for t, s in order:
        relative[t][s] = payload
        payload += tracks[t].segments[s].payload_size
    mdat = data_header(payload)

    # The size of moov depends on the width of the chunk offsets, not on their values, which may need the greater width.
    media = [_Media.of(track) for track in tracks]
    nowhere = [array("Q", bytes(8 * len(offsets))) for offsets in relative]
    size = len(_FTYP) + len(_moov(media, nowhere, 0, wide=False)) + len(mdat)
    wide = size + payload > _MAX_OFFSET
    if wide:
        size = len(_FTYP) + len(_moov(media, nowhere, 0, wide=True)) + len(mdat)
    return _FTYP + _moov(media, relative, size, wide=wide) + mdat


@dataclass(frozen=True, slots=True)
class _Media:
    """Holds a track's boxes that do not depend on where the media bytes are."""

    facts: VideoInit | AudioInit
    start: int
    duration: int
    stsd: bytes
    tables: tuple[bytes, ...]

    @classmethod
    def of(cls, source: Track) -> "_Media":
        durations = _durations(source.segments)
        return cls(
            facts=parse_init(source.init),
            start=source.segments[0].time,
            duration=sum(durations),
            stsd=sample_description(source.init),
            tables=(
                _run_lengths(b"stts", 0, durations),
                *_composition(source.segments, durations),
                *_sync_samples(source.segments),
                _samples_per_chunk(source.segments),
                _sizes(source.segments),
            ),
        )


def _moov(tracks: Sequence[_Media], relative: Sequence["array[int]"], base: int, *, wide: bool) -> bytes:
    traks = []
    for number, (media, offsets) in enumerate(zip(tracks, relative, strict=True), 1):
        facts = media.facts
        table = array("Q" if wide else "I", (base + offset for offset in offsets))
        chunks = full_box(b"co64" if wide else b"stco", 0, 0, pack(">I", len(table)), _big_endian(table))
        traks.append(
            track(
                number,
                b"vide" if isinstance(facts, VideoInit) else b"soun",
                sample_tables(media.stsd, *media.tables, chunks),
                start=media.start,
                duration=media.duration,
                width=facts.width if isinstance(facts, VideoInit) else 0,
                height=facts.height if isinstance(facts, VideoInit) else 0,
                language=facts.language if isinstance(facts, AudioInit) else "und",
            )
        )
    duration = max(media.start + media.duration for media in tracks)
    return box(b"moov", movie_header(duration, len(tracks) + 1), *traks)


def _durations(tables: Sequence[SampleTable]) -> "array[int]":
    """Returns the duration of each sample.

    The last sample of a segment is stretched or cut, so that the next segment begins at its own time.
    """
    result = array("I")
    for table, following in zip(tables, [*tables[1:], None], strict=True):
        result.extend(table.durations * len(table.sizes) if len(table.durations) == 1 else table.durations)
        if following is not None:
            last = following.time - table.time - table.duration + result[-1]
            if not 0 < last <= _LONGEST_SAMPLE:
                raise ValueError("segments overlap, are out of order, or have a long gap between them")
            result[-1] = last
    return result


def _composition(tables: Sequence[SampleTable], durations: "array[int]") -> list[bytes]:
    """Returns a ctts box with signed offsets, and a cslg box, which tells QuickTime their bounds."""
    if not any(table.offsets for table in tables):
        return []
    offsets = array("i")
    for table in tables:
        offsets.extend(table.offsets or array("i", bytes(4 * len(table.sizes))))
    decode = 0
    first = last = offsets[0]
    for offset, duration in zip(offsets, durations, strict=True):
        first = min(first, decode + offset)
        last = max(last, decode + offset + duration)
        decode += duration
    least, greatest = min(offsets), max(offsets)
    bounds = full_box(b"cslg", 1, 0, pack(">5q", max(0, -least), least, greatest, first, last))
    return [_run_lengths(b"ctts", 1, offsets), bounds]


def _sync_samples(tables: Sequence[SampleTable]) -> list[bytes]:
    """Returns the stss box, or none when every sample is a sync sample."""
    if not any(table.syncs for table in tables):
        return []
    numbers = array("I")
    before = 1
    for table in tables:
        numbers.extend(before + position for position in table.syncs or range(len(table.sizes)))
        before += len(table.sizes)
    return [full_box(b"stss", 0, 0, pack(">I", len(numbers)), _big_endian(numbers))]


def _samples_per_chunk(tables: Sequence[SampleTable]) -> bytes:
    """Returns the stsc box, in which each segment is one chunk."""
    runs = array("I")
    chunk = 1
    for count, group in groupby(len(table.sizes) for table in tables):
        runs.extend((chunk, count, 1))
        chunk += sum(1 for _ in group)
    return full_box(b"stsc", 0, 0, pack(">I", len(runs) // 3), _big_endian(runs))


def _sizes(tables: Sequence[SampleTable]) -> bytes:
    sizes = array("I")
    for table in tables:
        sizes.extend(table.sizes)
    return full_box(b"stsz", 0, 0, pack(">II", 0, len(sizes)), _big_endian(sizes))


def _run_lengths(kind: bytes, version: int, values: "array[int]") -> bytes:
    runs = array("I")
    for value, group in groupby(values):
        runs.extend((sum(1 for _ in group), value & 0xFFFFFFFF))
    return full_box(kind, version, 0, pack(">I", len(runs) // 2), _big_endian(runs))


def _big_endian(column: "array[int]") -> bytes:
    if byteorder == "little":
        column = column[:]
        column.byteswap()
    return column.tobytes()
