"""Builds and walks boxes of the ISO base media file format (ISO/IEC 14496-12 section 4.2)."""

from collections.abc import Iterator
from struct import pack, unpack_from

_LARGE = 1
"""Box size that announces a 64-bit size after the type. A size of 0 means "to the end of the file"."""


def box(kind: bytes, *payload: bytes) -> bytes:
    """Returns one box of the four-character type `kind`, with the concatenated `payload`."""
    body = b"".join(payload)
    return pack(">I4s", 8 + len(body), kind) + body


def full_box(kind: bytes, version: int, flags: int, *payload: bytes) -> bytes:
    """Returns a box that begins with an 8-bit version and 24 bits of flags."""
    return box(kind, pack(">I", version << 24 | flags), *payload)


def data_header(payload_size: int) -> bytes:
    """Returns the header of an `mdat` box with `payload_size` bytes; it is 64-bit where 32 bits do not suffice."""
    if payload_size + 8 < 1 << 32:
        return pack(">I4s", payload_size + 8, b"mdat")
    return pack(">I4sQ", _LARGE, b"mdat", payload_size + 16)


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yields (type, payload start, payload end) of each box in `data[start:end]`, without descending.

    Raises ValueError when a box reaches over the end.
    """
    end = len(data) if end is None else end
    while start < end:
        if end - start < 8:
            raise ValueError("truncated box header")
        size, kind = unpack_from(">I4s", data, start)
        header = 8
        if size == _LARGE:
            if end - start < 16:
                raise ValueError("truncated box header")
            (size,) = unpack_from(">Q", data, start + 8)
            header = 16
        elif size == 0:
            size = end - start
        if size < header or start + size > end:
            raise ValueError(f"box {kind!r} reaches over its container")
        yield kind, start + header, start + size
        start += size


def find(data: bytes, *path: bytes) -> bytes:
    """Returns the payload of the first box at `path`, e.g. `find(data, b"moov", b"trak")`.

    Raises ValueError when there is none.
    """
    for step in path:
        for kind, start, end in boxes(data):
            if kind == step:
                data = data[start:end]
                break
        else:
            raise ValueError(f"no {step.decode()} box")
    return data
