"""`Keys` in memory."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from threading import Lock
from uuid import UUID

from connector.domain.keys import StoredKey
from connector.errors import NotFound, RowChanged


class MemoryKeys:
    def __init__(self) -> None:
        self._rows: dict[UUID, StoredKey] = {}
        self._versions = count(1)
        self._lock = Lock()

    def get(self, key_id: UUID) -> StoredKey:
        try:
            return self._rows[key_id]
        except KeyError:
            raise NotFound("No such key.") from None

    def put(self, key: StoredKey) -> None:
        with self._lock:
            known = self._rows.get(key.id)
            if key.etag is not None and known is None:
                raise NotFound("No such key.")
            if (known.etag if known else None) != key.etag:
                raise RowChanged("The key exists, or was changed since it was read.")
            self._rows[key.id] = replace(key, etag=f'W/"{next(self._versions)}"')

    def all(self) -> Iterator[StoredKey]:
        return iter(list(self._rows.values()))

    def named(self, prefix: str) -> Iterator[StoredKey]:
        return iter([key for key in self._rows.values() if str(key.id).startswith(prefix)])

    def delete(self, key_id: UUID) -> None:
        with self._lock:
            self._rows.pop(key_id, None)
