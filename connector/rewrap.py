"""Wraps every stored key under the current master key, so that older ones can go: `python -m connector.rewrap`.

With `--check` nothing is changed: it says whether the older master keys can go. Both unwrap every stored key. The exit
status is 0 if the older keys can go, 2 if they are still needed, and 1 if a key cannot be unwrapped or read.
"""

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from uuid import UUID

from connector.bootstrap import shared_app
from connector.domain.keys import StoredKey
from connector.errors import ConnectorError, KeyUnavailable, NotFound, RowChanged
from connector.pipeline.context import Pipeline
from connector.security.master import WrappedKey, unwrap, wrap

_LISTED = 20
"""Ids of lost keys that the command prints."""


@dataclass
class Found:
    """What was found in the Keys table."""

    current: str
    """Id of the current master key."""
    masters: Counter[str] = field(default_factory=Counter)
    """Number of keys that can be unwrapped, by the id of the master key that they are wrapped under now."""
    lost: list[UUID] = field(default_factory=list)
    """Ids of the keys that no configured master key unwraps. Nothing is changed about them."""
    wrapped: int = 0
    """Number of keys that were wrapped anew."""

    @property
    def needed(self) -> list[str]:
        """The ids of the older master keys that are still needed."""
        return sorted(self.masters.keys() - {self.current})

    @property
    def status(self) -> int:
        """The exit status of the command."""
        return 1 if self.lost else 2 if self.needed else 0


def check(app: Pipeline) -> Found:
    """Unwraps every stored key and changes nothing.

    Raises KeyUnavailable when no master key is configured, StorageError.
    """
    found = Found(app.master_keys.current[0])
    for stored in app.storage.keys.all():
        if _unwrapped(app, stored) is None:
            found.lost.append(stored.id)
        else:
            found.masters[stored.master] += 1
    return found


def rewrap(app: Pipeline) -> Found:
    """Wraps every stored key under the current master key. It is harmless to repeat.

    Raises KeyUnavailable when no master key is configured, StorageError.
    """
    found = Found(app.master_keys.current[0])
    for stored in app.storage.keys.all():
        # Keys under the current master key are unwrapped too: its id may have been given to another key.
        key = _unwrapped(app, stored)
        if key is None:
            found.lost.append(stored.id)
            continue
        if stored.master != found.current:
            wrapped = wrap(app.master_keys, key)
            try:
                app.storage.keys.put(replace(stored, master=wrapped.master, wrapped=wrapped.data))
            except (RowChanged, NotFound):
                continue  # deleted, or wrapped anew by somebody else
            found.wrapped += 1
        found.masters[found.current] += 1
    return found


def _unwrapped(app: Pipeline, stored: StoredKey) -> bytes | None:
    try:
        return unwrap(app.master_keys, WrappedKey(stored.master, stored.wrapped))
    except KeyUnavailable:
        return None


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m connector.rewrap", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, and say whether older keys can go")
    wants_check = parser.parse_args(arguments).check
    try:
        found = (check if wants_check else rewrap)(shared_app())
    except (ConnectorError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    if not wants_check:
        sys.stdout.write(f"{found.wrapped} keys were wrapped under the current master key.\n")
    for master, number in sorted(found.masters.items()):
        role = "current" if master == found.current else "still needed"
        sys.stdout.write(f"{number} keys are wrapped under the master key {master} ({role}).\n")
    if found.status == 0:
        sys.stdout.write("Every key can be unwrapped. Older master keys can go once no running instance uses them.\n")
    if found.lost:
        sys.stderr.write(f"error: {len(found.lost)} keys cannot be unwrapped: {_listed(found.lost)}.\n")
        sys.stderr.write("Their master key is not configured, or another key has its id. Remove no key now.\n")
    return found.status


def _listed(ids: list[UUID]) -> str:
    more = ["…"] if len(ids) > _LISTED else []
    return ", ".join([*map(str, ids[:_LISTED]), *more])


if __name__ == "__main__":
    sys.exit(main())
