"""Changes one value of the JSON at an input's end into one that is likely to be a fault."""

import json
import random
from collections.abc import Callable
from typing import Any

_ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1, 1.5, 1e308, -0.0, float("nan"), float("inf"), float("-inf"), 2**31, 2**53 + 1, 2**63, 2**64,
    10**400, -(10**400), "", "0", "1/0", "1e999", "1/3", "-1/3", "nan", "a" * 200, '"', "\n", "\0", "\ud800", "\u2028",
    "../a", "<a>", "00", [], {}, [[]], [None], {"": None},
)  # fmt: skip


def mutator(fallback: Callable[[bytes, int], bytes]) -> Callable[[bytes, int, int], bytes]:
    """Returns a mutator for libFuzzer: half of the time it changes a value, otherwise `fallback` changes bytes."""

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        chance = random.Random(seed)
        changed = _changed(data, chance) if chance.random() < 0.5 else None
        return changed if changed is not None and len(changed) <= most else fallback(data, most)

    return mutate


def _changed(data: bytes, chance: random.Random) -> bytes | None:
    """Returns the data with one line of JSON changed; None when no line is JSON."""
    lines = data.split(b"\n")
    numbers = [number for number, line in enumerate(lines) if line[:1] in {b"{", b"["}]
    if not numbers:
        return None
    number = chance.choice(numbers)
    try:
        value = json.loads(lines[number])
        lines[number] = json.dumps(_change(value, chance)).encode()
    except (ValueError, RecursionError):
        return None
    return b"\n".join(lines)


def _change(value: Any, chance: random.Random) -> Any:
    """Returns the value with one part of it replaced, removed, doubled or moved."""
    inside = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not inside or chance.random() < 0.05:
        return chance.choice(_ODD)
    key = chance.choice(inside)
    copy = dict(value) if isinstance(value, dict) else list(value)
    match chance.randrange(16):
        case 0:
            del copy[key]
        case 1:
            copy[key] = copy[chance.choice(inside)]
        case 2 if isinstance(copy, list):
            copy = copy * chance.choice((2, 2, 2, 20))
        case 3 if isinstance(copy[key], int | float) and not isinstance(copy[key], bool):
            copy[key] = copy[key] * chance.choice((-1, 2, 1000)) + chance.choice((-1, 0, 1))
        case _:
            copy[key] = _change(copy[key], chance)
    return copy
