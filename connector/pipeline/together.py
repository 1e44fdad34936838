"""Several calls of storage at once: each of them waits far longer than it works."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from connector.deadline import carried

Answer = TypeVar("Answer")

AT_ONCE = 8


def together(calls: Iterable[Callable[[], Answer]]) -> list[Answer]:
    """Their answers in the order of the calls. Raises what the first of them raised, when none runs any more."""
    pending = list(calls)
    if min(AT_ONCE, len(pending)) < 2:
        return [call() for call in pending]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="together") as pool:
        return list(pool.map(lambda call: call(), map(carried, pending)))
