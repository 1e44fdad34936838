"""Stores the Keys table: one row per key, found by its id alone, because a player knows nothing else."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from azure.core import MatchConditions
from azure.data.tables import TableClient, TableEntity, UpdateMode

from connector.domain.keys import StoredKey
from connector.storage.errors import translated

_ROW = "key"


class AzureKeys:
    """Implements `Keys` on Azure Table Storage."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    @translated()
    def get(self, key_id: UUID) -> StoredKey:
        return _to_key(self._table.get_entity(str(key_id), _ROW))

    @translated()
    def put(self, key: StoredKey) -> None:
        if key.etag is None:
            self._table.create_entity(_to_entity(key))
        else:
            self._table.update_entity(
                _to_entity(key),
                mode=UpdateMode.REPLACE,
                etag=key.etag,
                match_condition=MatchConditions.IfNotModified,
            )

    def all(self) -> Iterator[StoredKey]:
        with translated():
            for entity in self._table.list_entities():
                yield _to_key(entity)

    def named(self, prefix: str) -> Iterator[StoredKey]:
        with translated():
            for entity in self._table.query_entities(
                "PartitionKey ge @first and PartitionKey lt @last",
                parameters={"first": prefix, "last": f"{prefix}g"},  # the character after the last digit
            ):
                yield _to_key(entity)

    @translated()
    def delete(self, key_id: UUID) -> None:
        self._table.delete_entity(str(key_id), _ROW)  # the SDK treats a 404 as success


def _to_entity(key: StoredKey) -> dict[str, Any]:
    return {
        "PartitionKey": str(key.id),
        "RowKey": _ROW,
        "VideoId": key.video_id,
        "Master": key.master,
        "Wrapped": key.wrapped,
    }


def _to_key(entity: TableEntity) -> StoredKey:
    return StoredKey(
        id=UUID(entity["PartitionKey"]),
        video_id=entity["VideoId"],
        master=entity["Master"],
        wrapped=entity["Wrapped"],
        etag=entity.metadata["etag"],
    )
