"""Gets user delegation keys, which sign URLs in place of the account key.

The service gives one out for a token, valid for at most seven days:
https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

from azure.storage.blob import UserDelegationKey

from connector import deadline
from connector.errors import StorageError
from connector.storage.errors import translated

CLOCK_SKEW = timedelta(minutes=5)
"""Difference between the service's clock and ours that is tolerated."""
_LONGEST = timedelta(days=7) - CLOCK_SKEW
_SPARE = timedelta(days=1)
"""Time by which a key outlasts the signature that it was fetched for, so that it signs many others."""


class DelegationKeys:
    """Holds the current key, and fetches one when it does not last long enough. Safe for several threads."""

    def __init__(
        self,
        fetch: Callable[[datetime, datetime], UserDelegationKey],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Takes `fetch`, which gets a key for the time between two moments."""
        self._fetch = fetch
        self._now = now
        self._lock = Lock()
        self._key: UserDelegationKey | None = None
        self._expiry = datetime.min.replace(tzinfo=UTC)

    def until(self, expiry: datetime) -> UserDelegationKey:
        """Returns a key that is still valid at `expiry`, because a signature ends with its key.

        Raises StorageError, also when no key lasts that long, or another call waits for one too long.
        """
        with deadline.locked(self._lock):
            if self._key is None or self._expiry < expiry:
                now = self._now()
                end = min(expiry + _SPARE, now + _LONGEST)
                if end < expiry:
                    raise StorageError("A URL that is signed by identity is valid for seven days at most.")
                with translated():
                    self._key = self._fetch(now - CLOCK_SKEW, end)
                self._expiry = end
            return self._key
