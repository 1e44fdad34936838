"""Limits how long one call of the API may take, whatever the services do that it depends on.

The edge opens a call with `limited`. Code that waits on behalf of that call asks `left` first. Queue messages, blob
events and the timer open no call, so nothing limits them here.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Lock
from typing import ParamSpec, TypeVar

from connector.errors import StorageTimeout

CALL_SECONDS = 20.0
"""Seconds that a call waits for services at most.

Its caller has an answer within 30 s; the rest is for waiting for a thread.
"""

_Parameters = ParamSpec("_Parameters")
_Answer = TypeVar("_Answer")


@dataclass
class _Call:
    end: float
    """Time on the monotonic clock, in seconds, when the call must end."""


_call: ContextVar[_Call | None] = ContextVar("call", default=None)


@contextmanager
def limited(seconds: float = CALL_SECONDS) -> Iterator[None]:
    """Gives what runs inside, on this thread, `seconds` in all."""
    token = _call.set(_Call(time.monotonic() + seconds))
    try:
        yield
    finally:
        _call.reset(token)


def left() -> float | None:
    """Returns the seconds that the present call may still wait, at least 0; None when nothing limits it."""
    call = _call.get()
    return None if call is None else max(0.0, call.end - time.monotonic())


def expire() -> None:
    """Ends the time of the present call, which then waits for nothing, because a service was found silent."""
    call = _call.get()
    if call is not None:
        call.end = time.monotonic()


def carried(function: Callable[_Parameters, _Answer]) -> Callable[_Parameters, _Answer]:
    """Returns the function for another thread, where it works under the limit of the present call."""
    call = _call.get()

    def run(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Answer:
        token = _call.set(call)
        try:
            return function(*args, **kwargs)
        finally:
            _call.reset(token)

    return run


@contextmanager
def locked(lock: Lock) -> Iterator[None]:
    """Holds the lock. Raises StorageTimeout when the present call may not wait for it any longer."""
    seconds = left()
    if not lock.acquire(timeout=-1 if seconds is None else seconds):
        raise StorageTimeout("Another call has waited too long for an answer that this one needs too.")
    try:
        yield
    finally:
        lock.release()
