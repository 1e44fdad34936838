"""The keys of the Functions host decide who may call which function."""

import secrets
from collections.abc import Mapping
from enum import IntEnum


class Access(IntEnum):
    """The access that a key gives. The system key is for the webhook of blob events."""

    NOBODY, FUNCTION, SYSTEM, MASTER = range(4)


class Keys:
    """The keys of the host. An empty key gives access to nobody."""

    def __init__(self, function: str = "", master: str = "", system: str = "") -> None:
        """Without a `system` key a random one is used for the life of the process."""
        self.system = system or secrets.token_urlsafe()
        self._known = {function: Access.FUNCTION, self.system: Access.SYSTEM, master: Access.MASTER}
        self._seen: set[tuple[str, str]] = set()

    def access(self, headers: list[tuple[str, str]], query: list[tuple[str, str]], scope: str = "") -> Access:
        """Returns the access that the caller's key gives.

        The key is that of the header, and without one the first `code` of the query. `scope` is the function's name:
        the host keeps a cache of accepted keys for each function, and compares with that one without case.
        """
        given = [value for name, value in headers if name == "x-functions-key"]
        if not given:
            given = [value for name, value in query if name.lower() == "code"]
        key = given[0] if given else ""
        for known, access in self._known.items():
            if not known:
                continue
            if secrets.compare_digest(known.encode(), key.encode()):
                self._seen.add((scope, known.lower()))
                return access
            if known.lower() == key.lower() and (scope, known.lower()) in self._seen:
                return access
        return Access.NOBODY


LEVELS: Mapping[str, frozenset[Access]] = {
    "ANONYMOUS": frozenset(Access),
    "FUNCTION": frozenset({Access.FUNCTION, Access.MASTER}),
    "SYSTEM": frozenset({Access.SYSTEM, Access.MASTER}),
    "ADMIN": frozenset({Access.MASTER}),
}
"""The kinds of access that suffice for each auth level."""
