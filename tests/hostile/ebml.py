"""Matroska files put together element by element."""

import zlib
from collections.abc import Sequence
from functools import cache

EBML, SEGMENT, INFO, TRACKS, ENTRY, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0x1F43B675
ATTACHMENTS, ATTACHED = 0x1941A469, 0x61A7


def element(kind: int, *parts: bytes | int | str) -> bytes:
    payload = b"".join(_bytes(part) for part in parts)
    return kind.to_bytes((kind.bit_length() + 7) // 8) + (1 << 56 | len(payload)).to_bytes(8) + payload


def _bytes(part: bytes | int | str) -> bytes:
    if isinstance(part, int):
        return part.to_bytes(max(1, (part.bit_length() + 7) // 8))
    return part.encode() if isinstance(part, str) else part


def track(
    number: int = 1, codec: str = "V_MJPEG", size: tuple[int, int] = (64, 48), *more: bytes, kind: int = 1
) -> bytes:
    picture = element(0xE0, element(0xB0, size[0]), element(0xBA, size[1])) if kind == 1 else b""
    names = element(0xD7, number), element(0x73C5, number), element(0x83, kind), element(0x86, codec)
    return element(ENTRY, *names, picture, *more)


def zlib_packed() -> bytes:
    """A track's ContentEncodings: every frame is compressed."""
    return element(0x6D80, element(0x6240, element(0x5031, 0), element(0x5034, element(0x4254, 0))))


def encrypted() -> bytes:
    """ContentEncodings of a track under AES."""
    return element(
        0x6D80, element(0x6240, element(0x5033, 1), element(0x5035, element(0x47E1, 5), element(0x47E2, b"k" * 16)))
    )


def matroska(
    tracks: Sequence[bytes],
    blocks: Sequence[tuple[int, int, bytes]] = (),
    *,
    scale: int = 1_000_000,
    begin: int = 0,
    info: bytes = b"",
    more: bytes = b"",
) -> bytes:
    """`blocks`: (track, time in the cluster, frame). `scale`: nanoseconds per tick."""
    head = element(EBML, element(0x4282, "matroska"), element(0x4287, 4), element(0x4285, 2))
    frames = (
        element(0xA3, bytes([0x80 | number]), (time & 0xFFFF).to_bytes(2), b"\x80", data)
        for number, time, data in blocks
    )
    body = (
        element(INFO, element(0x2AD7B1, scale), info),
        element(TRACKS, *tracks),
        more,
        element(CLUSTER, element(0xE7, begin), *frames),
    )
    return head + element(SEGMENT, *body)


@cache
def bomb(size: int) -> bytes:
    """`size` zeros, compressed about a thousand times."""
    packer = zlib.compressobj(9)
    block = bytes(1 << 20)
    return b"".join(packer.compress(block) for _ in range(size >> 20)) + packer.flush()
