"""Builds the moov boxes that an init segment and a progressive file have in common (ISO/IEC 14496-12 section 8)."""

from struct import pack

from connector.domain.layout import TIMESCALE
from connector.isobmff.boxes import box, full_box

_UNITY = pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_ENABLED_IN_MOVIE = 3
_AUDIO_VOLUME = 0x0100
_HANDLER_NAMES = {b"vide": b"Video\0", b"soun": b"Audio\0"}
_NO_SAMPLES = (
    full_box(b"stts", 0, 0, pack(">I", 0)),
    full_box(b"stsc", 0, 0, pack(">I", 0)),
    full_box(b"stsz", 0, 0, pack(">II", 0, 0)),
    full_box(b"stco", 0, 0, pack(">I", 0)),
)


def movie_header(duration: int, next_track: int) -> bytes:
    """Returns the mvhd box; `duration` is in ticks. All creation times are 0, so that equal media give equal bytes."""
    return full_box(
        b"mvhd",
        1,
        0,
        pack(">QQIQIH10x", 0, 0, TIMESCALE, duration, 0x10000, _AUDIO_VOLUME),
        _UNITY,
        pack(">24xI", next_track),
    )


def track(
    track_id: int,
    handler: bytes,
    stbl: bytes,
    *,
    start: int,
    duration: int,
    width: int,
    height: int,
    language: str,
) -> bytes:
    """Returns a trak box with `handler` b"vide" or b"soun". The media's `duration` is in ticks, 0 if in fragments.

    A track that begins later than the movie (`start` > 0 ticks) gets an empty edit in front.
    """
    sound = handler == b"soun"
    volume = _AUDIO_VOLUME if sound else 0
    tkhd = full_box(
        b"tkhd",
        1,
        _ENABLED_IN_MOVIE,
        pack(">QQI4xQ8xHHHxx", 0, 0, track_id, start + duration, 0, int(sound), volume),
        _UNITY,
        pack(">II", width << 16, height << 16),
    )
    edits = b""
    if start:
        entries = pack(">QqI", start, -1, 0x10000) + pack(">QqI", duration, 0, 0x10000)
        edits = box(b"edts", full_box(b"elst", 1, 0, pack(">I", 2), entries))
    media_header = full_box(b"smhd", 0, 0, bytes(4)) if sound else full_box(b"vmhd", 0, 1, bytes(8))
    return box(
        b"trak",
        tkhd,
        edits,
        box(
            b"mdia",
            full_box(b"mdhd", 1, 0, pack(">QQIQH2x", 0, 0, TIMESCALE, duration, _packed_language(language))),
            full_box(b"hdlr", 0, 0, pack(">4x4s12x", handler), _HANDLER_NAMES[handler]),
            full_box(b"elng", 0, 0, language.encode("ascii"), b"\0") if sound else b"",
            box(
                b"minf",
                media_header,
                box(b"dinf", full_box(b"dref", 0, 0, pack(">I", 1), full_box(b"url ", 0, 1))),
                stbl,
            ),
        ),
    )


def sample_tables(stsd: bytes, *tables: bytes) -> bytes:
    """Returns the stbl box. Without `tables` it has the empty ones that a fragmented file must have."""
    return box(b"stbl", stsd, *(tables or _NO_SAMPLES))


def _packed_language(tag: str) -> int:
    """Returns an ISO 639-2 code in three 5-bit letters. Two-letter and regional tags are only in `elng`."""
    primary = tag.partition("-")[0].lower()
    code = primary if len(primary) == 3 and primary.isascii() and primary.isalpha() else "und"
    return sum((ord(letter) - 0x60) << shift for letter, shift in zip(code, (10, 5, 0), strict=True))
