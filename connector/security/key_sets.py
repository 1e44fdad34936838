"""Reads the public keys that an issuer of tokens publishes (RFC 7517) when they are needed, and keeps them a while.

`jwt.PyJWKClient` (PyJWT 2.15) is not used. While the issuer fails, it neither uses an older set nor pauses between
reads. It limits neither the size of an answer nor the time for the whole of it.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from connector import deadline
from connector.errors import AuthorityUnavailable, StorageTimeout

log = logging.getLogger(__name__)

FRESH_SECONDS = 300
"""Seconds for which a set is used without looking again. A removed key is accepted no longer than this."""
STALE_SECONDS = 3600
"""Seconds for which a set is used when a newer one cannot be read, so that a short outage stops nobody."""
PAUSE_SECONDS = 10
"""Seconds between two attempts: tokens that name unknown keys, or an outage, must not hammer the issuer.

They begin when an attempt ends, because calls that waited for a silent issuer must not ask it one after the other.
"""
_CONNECT_SECONDS = 3.0
_TIMEOUT_SECONDS = 5.0
"""Longest time for the whole answer in seconds."""
_LIMIT = 256 * 1024
"""Largest accepted key set in bytes. Microsoft's set has about 20 KB."""
_UNREADABLE = "The keys of the tokens' issuer cannot be read."


@dataclass(frozen=True, slots=True)
class _Known:
    """Holds keys by their id, and the time when they were read."""

    keys: Mapping[str, Any] = field(default_factory=dict)
    read: float = float("-inf")


class KeySet:
    """Finds the keys at one URL. Several threads may use it."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Takes the URL, and a `clock` that gives seconds."""
        self._url = url
        self._clock = clock
        self._lock = Lock()
        self._known = _Known()
        self._tried = float("-inf")
        self._reached = False

    def find(self, key_id: str) -> Any | None:
        """Returns the public key of this id, or None when the issuer has none (or has published it just now).

        Raises AuthorityUnavailable when that is not known.
        """
        key = self._find(key_id, FRESH_SECONDS)
        if key is not None:
            return key
        try:
            with deadline.locked(self._lock):
                return self._find_or_read(key_id)
        except StorageTimeout:
            raise AuthorityUnavailable(_UNREADABLE) from None

    def _find_or_read(self, key_id: str) -> Any | None:
        # A call that waited for the lock looks again first: another thread may have read the set meanwhile.
        key = self._find(key_id, FRESH_SECONDS)
        if key is not None:
            return key
        if self._clock() - self._tried >= PAUSE_SECONDS:
            self._read()
        key = self._find(key_id, STALE_SECONDS)
        if key is None and not self._reached:
            raise AuthorityUnavailable(_UNREADABLE)
        return key

    def _find(self, key_id: str, seconds: float) -> Any | None:
        known = self._known
        return known.keys.get(key_id) if self._clock() - known.read < seconds else None

    def _read(self) -> None:
        begun = self._clock()
        try:
            self._known = _Known(_keys(_download(self._url)), begun)
            self._reached = True
        except Exception as error:  # noqa: BLE001 - any other answer of an issuer counts as no key set
            self._reached = False
            log.warning("key set cannot be read", extra={"url": self._url, "reason": type(error).__name__})
        self._tried = self._clock()


def _download(url: str) -> bytes:
    """Returns what the URL itself answers; redirects are never followed.

    Raises requests.RequestException, ValueError, TimeoutError.
    """
    import requests

    left = deadline.left()
    seconds = _TIMEOUT_SECONDS if left is None else min(_TIMEOUT_SECONDS, left)
    if seconds <= 0:
        raise TimeoutError
    end = time.monotonic() + seconds
    timeout = min(_CONNECT_SECONDS, seconds), seconds
    with requests.get(url, timeout=timeout, allow_redirects=False, stream=True) as answer:
        if answer.status_code != 200:
            raise ValueError("not answered with 200")
        data = b""
        for part in answer.iter_content(16 * 1024):
            if time.monotonic() > end:
                raise TimeoutError
            data += part
            if len(data) > _LIMIT:
                raise ValueError("larger than any key set")
    return data


def _keys(document: bytes) -> dict[str, Any]:
    """Returns the usable keys for signatures. Raises ValueError, AttributeError or jwt.PyJWTError without any."""
    from jwt import PyJWKSet

    found = PyJWKSet.from_dict(json.loads(document)).keys
    return {key.key_id: key.key for key in found if key.key_id and key.public_key_use in {None, "sig"}}
