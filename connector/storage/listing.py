"""Lists ids, newest first, over several sorted partitions: a merge in a bounded number of requests.

A page ends at its *horizon*, the id down to which every partition was looked at. What was found beyond it is left for
the next page, so that pages neither skip nor repeat, whatever is created or deleted between them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

MAX_CALLS = 16
"""Number of requests per page at most, when a filter finds little."""

_NEWEST = 1 << 128


@dataclass(frozen=True, slots=True)
class Rows:
    """Holds what one request to one partition returned."""

    found: Sequence[UUID]
    """Ids that are wanted, newest first."""
    last: UUID | None
    """Oldest id that was looked at, wanted or not; None: the partition has ended."""


Fetch = Callable[[UUID | None], Rows]
"""Function that returns the next rows of one partition after an id; None: from the newest."""


@dataclass
class _Partition:
    fetch: Fetch
    after: UUID | None
    found: list[UUID] = field(default_factory=list)
    seen_to: int = _NEWEST
    """Number of the id from which on every id was looked at; 0 at the end of the partition."""

    def advance(self) -> None:
        rows = self.fetch(self.after)
        self.found += rows.found
        self.after, self.seen_to = rows.last, rows.last.int if rows.last else 0


def page(partitions: Sequence[Fetch], after: UUID | None, top: int) -> tuple[list[UUID], UUID | None]:
    """Returns up to `top` ids after `after`, newest first, and where the next page begins (None: there is none)."""
    looked_at = [_Partition(fetch, after) for fetch in partitions]
    for _ in range(max(MAX_CALLS, len(looked_at))):
        behind = max(looked_at, key=lambda p: p.seen_to)  # this partition holds back the others
        if not behind.seen_to or len(_ids(looked_at, behind.seen_to)) > top:
            break
        behind.advance()
    horizon = max(p.seen_to for p in looked_at)
    ids = _ids(looked_at, horizon)
    if len(ids) > top:
        return ids[:top], ids[top - 1]
    return ids, UUID(int=horizon) if horizon else None


def _ids(partitions: Sequence[_Partition], horizon: int) -> list[UUID]:
    return sorted((i for p in partitions for i in p.found if i.int >= horizon), reverse=True)


def rows_per_call(top: int, partitions: int) -> int:
    """Returns the rows to ask each partition for. Ids fall into them at random, so most pages need one request each."""
    share = (top + 1) / partitions
    return math.ceil(share + 2 * math.sqrt(share))
