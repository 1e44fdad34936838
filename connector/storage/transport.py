"""Sends all requests to storage, and to the service that gives out tokens for it.

A call of the API may take `deadline.CALL_SECONDS` in all. So its requests wait less long than those of queue messages,
and a host that was silent once is given only a moment until it answers again. Otherwise calls that wait for a thread
behind those that wait for storage would be answered too late.
"""

from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import ServiceRequestTimeoutError, ServiceResponseTimeoutError
from azure.core.pipeline.transport import RequestsTransport
from requests import Session
from requests.adapters import HTTPAdapter

from connector import deadline
from connector.errors import StorageTimeout, StorageUnavailable

CONNECT_SECONDS = 10
READ_SECONDS = 30
"""Longest silence of the service, in seconds, while an answer is awaited."""
CALL_CONNECT_SECONDS = 3.0
CALL_READ_SECONDS = 7.0
"""Longest silence of the service, in seconds, in a call of the API. The service ends a query of tables after 5 s:
https://learn.microsoft.com/rest/api/storageservices/query-timeout-and-pagination
"""
SILENT_SECONDS = 2.0
"""Longest silence, in seconds, in a call of the API while the service is known to be silent."""
_CONNECTIONS = 32
"""Connections that are kept open per service; further threads connect anew."""
_RECEIVED = 256 * 1024
"""Bytes taken from a connection at a time. With the transport's own 4 KiB, each take costs more than what is in it."""


class _Silence:
    """Remembers the hosts that did not answer when they were last asked. The process has one; clients come and go."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._hosts: set[str] = set()

    def __contains__(self, host: str) -> bool:
        return host in self._hosts

    def note(self, host: str, *, silent: bool) -> None:
        if silent == (host in self._hosts):
            return
        with self._lock:
            (self._hosts.add if silent else self._hosts.discard)(host)


_silence = _Silence()


class Transport(RequestsTransport):  # type: ignore[misc] # the SDK loads it late, so that it is Any for mypy
    """Sends requests from several threads. `send` raises StorageTimeout when the present call may wait no longer."""

    def __init__(self) -> None:
        session = Session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))
        super().__init__(
            session=session,
            connection_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            connection_data_block_size=_RECEIVED,
        )

    def send(self, request: Any, *, proxies: Any = None, **kwargs: Any) -> Any:
        host, left = urlsplit(request.url).netloc, deadline.left()
        known = host in _silence
        if left is not None:
            _limit(kwargs, left, SILENT_SECONDS if known else CALL_READ_SECONDS)
        try:
            response = super().send(request, proxies=proxies, **kwargs)
        except (ServiceRequestTimeoutError, ServiceResponseTimeoutError):
            if left is None or left >= SILENT_SECONDS:  # with less time, the timeout says nothing about the host
                _silence.note(host, silent=True)
            if left is not None and known:
                deadline.expire()
                raise StorageTimeout("Storage is silent.") from None
            raise  # the SDK tries once more
        _silence.note(host, silent=False)
        _refuse_pause(response)
        return response


def _limit(kwargs: dict[str, Any], left: float, longest: float) -> None:
    if left <= 0:
        raise StorageTimeout("The time of this call is over.")
    kwargs["connection_timeout"] = min(CALL_CONNECT_SECONDS, longest, left)
    kwargs["read_timeout"] = min(longest, left)


def _refuse_pause(response: Any) -> None:
    """Raises StorageUnavailable when storage asks for a pause that the present call cannot make."""
    left, pause = deadline.left(), response.headers.get("Retry-After", "")
    if left is not None and pause.isdigit() and int(pause) > left:
        raise StorageUnavailable("Storage asks for a pause that is longer than this call may last.")
