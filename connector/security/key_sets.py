"""Reads the public keys that an issuer of tokens publishes (RFC 7517) when they are needed, and keeps them a while.

`jwt.PyJWKClient` (PyJWT 2.15) is not used. While the issuer fails, it neither uses an older set nor pauses between
reads. It limits neither the size of an answer nor the time for the whole of it.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any

from connector import deadline
from connector.errors import AuthorityUnavailable

log = logging.getLogger(__name__)

FRESH_SECONDS = 300
"""Seconds for which a set is used without looking again.

A removed key is accepted no longer than this if the issuer answers within `_NEWER_SECONDS`.
"""
STALE_SECONDS = 3600
"""Seconds for which a set is used when a newer one cannot be read, so that a short outage stops nobody."""
_NEWER_SECONDS = 0.3
"""Seconds that a call waits for a newer set if the present one has its key. After that it uses the present one."""
UNKNOWN_SECONDS = 60
"""Seconds for which a key id is not looked for again after the issuer was asked for it and had no such key."""
PAUSE_SECONDS = 10
"""Seconds between two attempts: tokens that name unknown keys, or an outage, must not hammer the issuer.

They begin when an attempt ends, because calls that waited for a silent issuer must not ask it one after the other.
"""
_CONNECT_SECONDS = 3.0
_DOWNLOAD_SECONDS = 5.0
"""Longest time for the whole answer in seconds."""
_LIMIT = 256 * 1024
"""Largest accepted key set in bytes. Microsoft's set has about 20 KB."""
_UNREADABLE = "The keys of the tokens' issuer cannot be read."


@dataclass(frozen=True, slots=True)
class _Known:
    """Holds keys by their id, and the time when they were read."""

    keys: Mapping[str, Any] = field(default_factory=dict)
    read: float = float("-inf")


class _Reading:
    """An attempt to read the set, which a thread of its own makes. Any number of calls may wait for its end."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._ended = Event()

    @property
    def running(self) -> bool:
        return not self._ended.is_set()

    def wait(self, seconds: float) -> None:
        """Waits until the attempt ends, or until it has lasted `seconds`, or while the present call may wait."""
        wait, left = self._begun + seconds - time.monotonic(), deadline.left()
        self._ended.wait(max(0.0, wait if left is None else min(wait, left)))

    def end(self) -> None:
        self._ended.set()


class KeySet:
    """Finds the keys at one URL. Several threads may use it. At most one thread reads the set."""

    def __init__(
        self,
        url: str,
        clock: Callable[[], float] = time.monotonic,
        *,
        newer_seconds: float = _NEWER_SECONDS,
        download_seconds: float = _DOWNLOAD_SECONDS,
    ) -> None:
        """Takes the URL and a `clock` that gives seconds.

        A call waits `newer_seconds` for a newer set, and `download_seconds` for a key that the present one lacks.
        """
        self._url = url
        self._clock = clock
        self._newer_seconds = newer_seconds
        self._download_seconds = download_seconds
        self._lock = Lock()
        self._known = _Known()
        self._unknown: dict[str, float] = {}
        self._reading: _Reading | None = None
        self._tried = float("-inf")
        self._reached = False

    def find(self, key_id: str) -> Any | None:
        """Returns the public key of this id, or None when the issuer has none (or has published it just now).

        A known key is returned after `newer_seconds` at most, whatever the issuer does. Raises AuthorityUnavailable
        when it is not known whether there is such a key.
        """
        key = self._find(key_id, FRESH_SECONDS)
        if key is not None:
            return key
        is_known = self._find(key_id, STALE_SECONDS) is not None
        reading = self._begin_reading(key_id)
        if reading is not None:
            reading.wait(self._newer_seconds if is_known else self._download_seconds)
        key = self._find(key_id, STALE_SECONDS)
        if key is None and (not self._reached or (reading is not None and reading.running)):
            raise AuthorityUnavailable(_UNREADABLE)
        return key

    def _find(self, key_id: str, seconds: float) -> Any | None:
        known = self._known
        return known.keys.get(key_id) if self._clock() - known.read < seconds else None

    def _begin_reading(self, key_id: str) -> _Reading | None:
        """Returns the attempt that runs, perhaps a new one, or None when the set need not or must not be read now."""
        with self._lock:
            now = self._clock()
            if now - self._unknown.get(key_id, float("-inf")) < UNKNOWN_SECONDS or (
                self._reading is None and now - self._tried < PAUSE_SECONDS
            ):
                return None
            if self._reading is None:
                reading = _Reading()
                Thread(target=self._read, args=(reading, key_id), name="key-set", daemon=True).start()
                self._reading = reading  # only now: starting may fail, and the thread waits for the lock at its end
            return self._reading

    def _read(self, reading: _Reading, wanted: str) -> None:
        begun = self._clock()
        try:
            self._known = _Known(_keys(_download(self._url, self._download_seconds)), begun)
            self._reached = True
        except Exception as error:  # noqa: BLE001 - any other answer of an issuer counts as no key set
            self._reached = False
            log.warning("key set cannot be read", extra={"url": self._url, "reason": type(error).__name__})
        with self._lock:
            now = self._clock()
            self._unknown = {key_id: asked for key_id, asked in self._unknown.items() if now - asked < UNKNOWN_SECONDS}
            if self._reached and wanted not in self._known.keys:
                self._unknown[wanted] = now
            self._tried = now
            self._reading = None
        reading.end()


def _download(url: str, seconds: float) -> bytes:
    """Returns what the URL itself answers; redirects are never followed.

    `seconds` limits the time for the whole answer. An issuer that is silent in between gets as long once more.
    Raises requests.RequestException, urllib3.exceptions.HTTPError, ValueError, TimeoutError.
    """
    import requests

    end = time.monotonic() + seconds
    timeout = min(_CONNECT_SECONDS, seconds), seconds
    headers = {"Accept-Encoding": "identity"}  # so that what arrives is what counts for both limits
    with requests.get(url, headers=headers, timeout=timeout, allow_redirects=False, stream=True) as answer:
        if answer.status_code != 200:
            raise ValueError("not answered with 200")
        data = b""
        # `read1` returns what has arrived. `iter_content` would wait until it has a whole block.
        while part := answer.raw.read1(16 * 1024):
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
