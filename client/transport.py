"""Requests are sent again while nobody answers, or while the response says that the service is not available now."""

import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from client.errors import Unreachable

TIMEOUT = httpx.Timeout(60, connect=10)
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_NOT_CARRIED_OUT = {429, 503}
"""Statuses which say that the request was not carried out."""
_RETRYABLE = _NOT_CARRIED_OUT | {408, 500, 502, 504}
_LONGEST_RETRY_AFTER = 60.0
"""The most seconds that the client waits because a Retry-After header asks for it."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The number of attempts and the pauses between them. Each pause is twice as long, beginning with half a second."""

    tries: int
    longest: float = 16.0
    """The longest pause in seconds."""

    def delay(self, tried: int) -> float:
        """Returns the seconds to wait after this many attempts."""
        return min(self.longest, 0.5 * 2.0 ** (tried - 1))


CALL_RETRIES = RetryPolicy(tries=4)
"""Retries for about four seconds, because somebody waits for the answer."""
TRANSFER_RETRIES = RetryPolicy(tries=9)
"""Retries for more than a minute without a network, because much has already been sent."""


def send_with_retries(
    send: Callable[[], httpx.Response],
    *,
    repeatable: bool = True,
    retries: RetryPolicy = CALL_RETRIES,
    pause: Callable[[float], object] = time.sleep,
) -> httpx.Response:
    """Returns the first response that is final, or the response to the last attempt. Raises Unreachable.

    A request that is not `repeatable` is sent again only if it was certainly not carried out.
    """
    for tried in itertools.count(1):
        last = tried >= retries.tries
        delay = retries.delay(tried)
        try:
            response = send()
        except httpx.TransportError as error:
            if last or not (repeatable or isinstance(error, _NEVER_SENT)):
                raise unreachable_error(error) from None
        else:
            if last or response.status_code not in (_RETRYABLE if repeatable else _NOT_CARRIED_OUT):
                return response
            delay = max(delay, _retry_after(response))
        pause(delay)
    raise AssertionError  # The counting never ends.


def unreachable_error(error: httpx.TransportError) -> Unreachable:
    """Names only the host, because URLs of storage carry signatures and URLs of an API may carry its key."""
    url = error.request.url
    place = f"{url.scheme}://{url.netloc.decode()}"
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(place, "it did not answer in time")
    if isinstance(error, httpx.ConnectError):
        return Unreachable(place, "no connection could be made")
    return Unreachable(place, "the connection was interrupted")


def _retry_after(response: httpx.Response) -> float:
    """Returns the seconds of Retry-After, or 0. This API does not use the other form of the header, a date."""
    text = response.headers.get("Retry-After", "")
    return min(_LONGEST_RETRY_AFTER, float(text)) if text.isdecimal() else 0.0


def _remove_queries(record: logging.LogRecord) -> bool:
    """Removes the queries of URLs from a log record: httpx logs every URL, and the queries contain signatures."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            value.copy_with(query=None) if isinstance(value, httpx.URL) else value for value in record.args
        )
    return True


logging.getLogger("httpx").addFilter(_remove_queries)
