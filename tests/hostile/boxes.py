"""MOV files put together box by box, so that every number in them can lie."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache

import av
import numpy as np

from connector.media.stills import jpeg

IDENTITY = struct.pack(">9I", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
SELF = b"url "


def box(kind: bytes, *parts: bytes) -> bytes:
    payload = b"".join(parts)
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def full(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def u32(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *(v & 0xFFFFFFFF for v in values))


@cache
def picture(width: int = 64, height: int = 48) -> bytes:
    """A JPEG."""
    frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 99, np.uint8), format="rgb24")
    frame = frame.reformat(format="yuvj420p")
    frame.time_base = Fraction(1)
    return jpeg(frame)


def claiming(data: bytes, width: int, height: int) -> bytes:
    """The JPEG, whose head now claims another size."""
    at = data.index(b"\xff\xc0")
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


@dataclass(frozen=True)
class Movie:
    """A Motion JPEG track. Tables that are None follow from `samples`; offsets count from the begin of the media."""

    samples: Sequence[bytes] = field(default_factory=lambda: [picture()] * 5)
    codec: bytes = b"jpeg"
    size: tuple[int, int] = (64, 48)
    timescale: int = 25
    movie_timescale: int = 1000
    duration: int | None = None
    stts: Sequence[tuple[int, int]] | None = None
    ctts: Sequence[tuple[int, int]] | None = None
    stsc: Sequence[tuple[int, int, int]] | None = None
    stsz: bytes | None = None
    """Payload of the box."""
    counts: tuple[tuple[bytes, int], ...] = ()
    """Boxes whose number of entries is another than it is."""
    edits: Sequence[tuple[int, int, int]] = ()
    """Length, begin, rate (16.16)."""
    matrix: bytes = IDENTITY
    dref: bytes | None = None
    """One entry."""
    in_entry: bytes = b""
    """More boxes in the sample entry."""
    tracks: int = 1
    in_moov: bytes = b""
    before: bytes = b""
    """Boxes between ftyp and moov."""

    def __bytes__(self) -> bytes:
        return self.head + self.media

    @property
    def media(self) -> bytes:
        return box(b"mdat", b"".join(self.samples))

    @property
    def head(self) -> bytes:
        """ftyp and moov."""
        ftyp = box(b"ftyp", b"qt  ", u32(512), b"qt  ") + self.before
        length = len(ftyp) + len(self.moov(0)) + 8
        return ftyp + self.moov(length)

    def moov(self, media_at: int) -> bytes:
        count = len(self.samples)
        length = count if self.duration is None else self.duration
        mvhd = full(
            b"mvhd", 0, 0, u32(0, 0, self.movie_timescale, length, 1 << 16), bytes(10), IDENTITY, bytes(24), u32(9)
        )
        return box(b"moov", mvhd, *(self._trak(n + 1, length, media_at) for n in range(self.tracks)), self.in_moov)

    def _trak(self, number: int, length: int, media_at: int) -> bytes:
        width, height = self.size
        tkhd = full(
            b"tkhd",
            0,
            7,
            u32(0, 0, number, 0, length),
            bytes(16),
            self.matrix,
            struct.pack(">HHHH", width, 0, height, 0),
        )
        edits = b"".join(u32(*edit) for edit in self.edits)
        elst = box(b"edts", full(b"elst", 0, 0, u32(len(self.edits)), edits)) if self.edits else b""
        mdhd = full(b"mdhd", 0, 0, u32(0, 0, self.timescale, length, 0))
        hdlr = full(b"hdlr", 0, 0, b"mhlrvide", bytes(13))
        dinf = box(b"dinf", full(b"dref", 0, 0, u32(1), self.dref or full(SELF, 0, 1)))
        minf = box(b"minf", full(b"vmhd", 0, 1, bytes(8)), dinf, self._stbl(media_at))
        return box(b"trak", tkhd, elst, box(b"mdia", mdhd, hdlr, minf))

    def _stbl(self, media_at: int) -> bytes:
        count = len(self.samples)
        entry = box(
            self.codec, bytes(6), b"\0\1", bytes(16), struct.pack(">HH", *self.size), u32(72 << 16, 72 << 16, 0),
            b"\0\1", bytes(32), b"\0\x18\xff\xff", self.in_entry,
        )  # fmt: skip
        sizes = self.stsz or u32(0, count, *map(len, self.samples))
        tables = [
            self._table(b"stsd", [], entry, 1),
            self._table(b"stts", self.stts or [(count, 1)]),
            self._table(b"stsc", self.stsc or [(1, count, 1)]),
            full(b"stsz", 0, 0, sizes),
            self._table(b"stco", [(media_at,)]),
        ]
        if self.ctts is not None:
            tables.append(self._table(b"ctts", self.ctts))
        return box(b"stbl", *tables)

    def _table(
        self, kind: bytes, rows: Sequence[tuple[int, ...]], body: bytes = b"", count: int | None = None
    ) -> bytes:
        claimed = dict(self.counts).get(kind, len(rows) if count is None else count)
        return full(kind, 0, 0, u32(claimed), *(u32(*row) for row in rows), body)
