"""Real files, cut off, with bits turned over, or under another name."""

import random
from collections.abc import Iterator

from tests.media.corpus import build

CONTAINERS = (
    "mp4", "mkv", "webm", "ts", "avi", "ogv", "flv", "wmv", "mp3", "gif", "wav", "flac", "mpg", "m4a", "aac", "aiff",
    "wtv", "3gp",
)  # fmt: skip
CUTS = (1, 4, 12, 40, 200, 1000)
"""Bytes that are left."""
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.999)
FLIPS = ((0, 1, 2), (40, 200, 1000))
"""Seeds, and bits that are turned: in the head, and all over the file."""
HEAD = 2000


def files() -> Iterator[tuple[str, str, bytes]]:
    """(name, extension, content)"""
    for number, extension in enumerate(CONTAINERS):
        whole = build(extension).read_bytes()
        for length in (*CUTS, *(int(len(whole) * share) for share in SHARES)):
            yield f"cut-{length}", extension, whole[:length]
        yield "cut-begin", extension, whole[len(whole) // 3 :]
        for seed in FLIPS[0]:
            yield f"head-flips-{seed}", extension, _flipped(whole, 12, HEAD, seed)
        for bits in FLIPS[1]:
            yield f"flips-{bits}", extension, _flipped(whole, bits, len(whole), bits)
        yield "swapped", CONTAINERS[(number + 5) % len(CONTAINERS)], whole
        yield "doubled", extension, whole + whole
        yield (
            "zeros-within",
            extension,
            whole[: len(whole) // 3] + bytes(len(whole) // 3) + whole[len(whole) * 2 // 3 :],
        )


def _flipped(data: bytes, bits: int, within: int, seed: int) -> bytes:
    chance, out = random.Random(seed), bytearray(data)
    for _ in range(bits):
        out[chance.randrange(min(within, len(out)))] ^= 1 << chance.randrange(8)
    return bytes(out)
