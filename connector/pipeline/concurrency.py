"""Several calls of storage at the same time: each of them waits far longer than it works."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from connector.deadline import carried

Answer = TypeVar("Answer")


def run_concurrently(calls: Iterable[Callable[[], Answer]], threads: int) -> list[Answer]:
    """Returns the answers in the order of the calls. Raises what the first failing call raised, once none runs any
    more.
    """
    pending = list(calls)
    if min(threads, len(pending)) < 2:
        return [call() for call in pending]
    with ThreadPoolExecutor(threads, thread_name_prefix="storage") as pool:
        return list(pool.map(lambda call: call(), map(carried, pending)))
