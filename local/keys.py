"""Keys of the Functions host: who may call what."""

import secrets
from collections.abc import Mapping
from enum import IntEnum


class Access(IntEnum):
    """What a key proves. The system key is the blob webhook's own."""

    NOBODY, FUNCTION, SYSTEM, MASTER = range(4)


class Keys:
    """The host's keys. An empty one means that nobody has that key."""

    def __init__(self, function: str = "", master: str = "", system: str = "") -> None:
        """Without `system` one is made up, which lives as long as the process."""
        self.system = system or secrets.token_urlsafe()
        self._known = {function: Access.FUNCTION, self.system: Access.SYSTEM, master: Access.MASTER}
        self._seen: set[tuple[str, str]] = set()

    def access(self, headers: list[tuple[str, str]], query: list[tuple[str, str]], scope: str = "") -> Access:
        """What the caller's key proves. A header decides when it is there, else the first `code` of the query.

        `scope` is the function's name: the host's cache of right keys, kept for each, compares them without case.
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
"""Which keys open an address of an auth level."""
