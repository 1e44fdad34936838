"""Requests that are tried again while nobody answers, or while the answer is "later"."""

import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from client.errors import Unreachable

TIMEOUT = httpx.Timeout(60, connect=10)
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_REFUSED = {429, 503}
"""Answers that say that nothing was done."""
_LATER = _REFUSED | {408, 500, 502, 504}
_LONGEST = 60.0
"""Seconds; a server may ask for more, in vain."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to try. Waits are twice as long each time, from half a second."""

    tries: int
    longest: float = 16.0
    """Seconds."""

    def delay(self, tried: int) -> float:
        return min(self.longest, 0.5 * 2.0 ** (tried - 1))


CALL = Patience(tries=4)
"""Gives up after some four seconds: somebody waits for the answer."""
TRANSFER = Patience(tries=9)
"""Bears a minute without a network: much has been sent already."""


def persistently(
    attempt: Callable[[], httpx.Response],
    *,
    repeatable: bool = True,
    patience: Patience = CALL,
    pause: Callable[[float], object] = time.sleep,
) -> httpx.Response:
    """The first answer that no other try could better. Raises Unreachable.

    What is not `repeatable` is sent again only if it certainly was not carried out.
    """
    for tried in itertools.count(1):
        last = tried >= patience.tries
        delay = patience.delay(tried)
        try:
            response = attempt()
        except httpx.TransportError as error:
            if last or not (repeatable or isinstance(error, _NEVER_SENT)):
                raise unreachable(error) from None
        else:
            if last or response.status_code not in (_LATER if repeatable else _REFUSED):
                return response
            delay = max(delay, _asked_for(response))
        pause(delay)
    raise AssertionError  # counting never ends


def unreachable(error: httpx.TransportError) -> Unreachable:
    """Names the host and no more: addresses of storage carry signatures, and an API's may carry its key."""
    url = error.request.url
    place = f"{url.scheme}://{url.netloc.decode()}"
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(place, "it did not answer in time")
    if isinstance(error, httpx.ConnectError):
        return Unreachable(place, "no connection could be made")
    return Unreachable(place, "the connection broke")


def _asked_for(response: httpx.Response) -> float:
    """Seconds of Retry-After; its other form, a date, is not used by this API."""
    text = response.headers.get("Retry-After", "")
    return min(_LONGEST, float(text)) if text.isdecimal() else 0.0


def _without_query(record: logging.LogRecord) -> bool:
    """For httpx logs every address; the signatures in their queries must not reach a log."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            value.copy_with(query=None) if isinstance(value, httpx.URL) else value for value in record.args
        )
    return True


logging.getLogger("httpx").addFilter(_without_query)
