"""Stores the Tasks table: the partition is the video, the row is the task's name.

A result is compressed JSON, cut into as many binary properties (`Result0` …) as it needs. One more row of a video may
hold what its pictures on demand have used.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import groupby
from typing import Any
from uuid import UUID

from azure.core import MatchConditions
from azure.data.tables import TableClient, TableEntity, TableTransactionError, UpdateMode

from connector.domain.step import TaskId
from connector.domain.task import Task, TaskResult
from connector.domain.usage import OnDemand, Usage
from connector.errors import NotFound, TooLarge
from connector.storage.errors import translated
from connector.storage.packed import PROPERTY_LIMIT, compress, unpack
from connector.storage.times import optional_time, plain_time

_RESULT_PROPERTIES = 15
"""Number of full properties that an entity of 1 MiB holds beside the others."""

_WITHOUT_RESULT = [
    *("PartitionKey", "RowKey", "Attempts", "Started", "Heartbeat"),
    *("Finished", "Progress", "Worker", "Error", "Driven"),
    *("Failures", "Code", "Losses", "Due"),
]

_ERROR_LENGTH = 1000

_ON_DEMAND = "on-demand"
"""RowKey of the row that is no task."""

_BATCH = 100
"""Number of operations that the service takes in one transaction."""


class AzureTasks:
    """Implements `Tasks` on Azure Table Storage."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def get(self, video_id: UUID, task: TaskId) -> Task | None:
        with suppress(NotFound), translated():
            return _to_task(self._table.get_entity(str(video_id), str(task)))
        return None

    @translated()
    def put(self, task: Task) -> Task:
        if task.etag is None:
            answer = self._table.create_entity(_to_entity(task))
        else:
            answer = self._table.update_entity(
                _to_entity(task),
                mode=UpdateMode.REPLACE,
                etag=task.etag,
                match_condition=MatchConditions.IfNotModified,
            )
        return replace(task, etag=answer["etag"])

    @translated()
    def of(self, video_id: UUID) -> list[Task]:
        # The service answers in the order of PartitionKey and RowKey.
        return [_to_task(entity) for entity in self._table.query_entities(_tasks_of(video_id))]

    @translated()
    def overview(self, video_id: UUID) -> list[Task]:
        rows = self._table.query_entities(_tasks_of(video_id), select=_WITHOUT_RESULT)
        return [replace(_to_task(row), etag=None) for row in rows]

    def on_demand(self, video_id: UUID) -> OnDemand:
        with suppress(NotFound), translated():
            entity = self._table.get_entity(str(video_id), _ON_DEMAND)
            return OnDemand(Usage(**json.loads(entity["Used"])), entity.metadata["etag"])
        return OnDemand()

    @translated()
    def put_on_demand(self, video_id: UUID, used: OnDemand) -> None:
        entity = {
            "PartitionKey": str(video_id),
            "RowKey": _ON_DEMAND,
            "Used": json.dumps(asdict(used.usage)),
        }
        if used.etag is None:
            self._table.create_entity(entity)
        else:
            self._table.update_entity(
                entity, mode=UpdateMode.REPLACE, etag=used.etag, match_condition=MatchConditions.IfNotModified
            )

    def videos(self, prefix: str) -> Iterator[UUID]:
        # Partitions come in order, so that all rows of one are together.
        with translated():
            rows = self._table.query_entities(
                "PartitionKey ge @first and PartitionKey lt @last",
                parameters={"first": prefix, "last": f"{prefix}g"},  # the character after the last digit
                select=["PartitionKey"],
            )
            for partition, _ in groupby(row["PartitionKey"] for row in rows):
                yield UUID(partition)

    @translated()
    def delete(self, video_id: UUID) -> None:
        rows = self._table.query_entities(
            _partition(video_id), select=["PartitionKey", "RowKey"], results_per_page=_BATCH
        )
        for page in rows.by_page():
            self._delete_batch([dict(row) for row in page])

    def _delete_batch(self, rows: list[dict[str, Any]]) -> None:
        if not rows:
            return
        try:
            self._table.submit_transaction([("delete", row) for row in rows])
        except TableTransactionError as error:
            if error.status_code != 404:
                raise
            # Somebody else deleted one of the rows, which undid the whole batch. For a single row, a 404 is no error.
            for row in rows:
                self._table.delete_entity(row["PartitionKey"], row["RowKey"])


def _partition(video_id: UUID) -> str:
    return f"PartitionKey eq '{video_id}'"


def _tasks_of(video_id: UUID) -> str:
    return f"{_partition(video_id)} and RowKey ne '{_ON_DEMAND}'"


def _to_entity(task: Task) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "PartitionKey": str(task.video_id),
        "RowKey": str(task.id),
        "Attempts": task.attempts,
        "Started": task.started,
        "Heartbeat": task.heartbeat,
        "Progress": float(task.progress),
        "Worker": task.worker,
        "Error": task.error[:_ERROR_LENGTH],
        "Failures": task.failures,
        "Code": task.code,
        "Losses": task.losses,
    }
    if task.finished is not None:
        properties["Finished"] = task.finished
    if task.driven is not None:
        properties["Driven"] = task.driven
    if task.due is not None:
        properties["Due"] = task.due
    if task.result is not None:
        properties |= _to_properties(task.result)
    return properties


def _to_properties(result: TaskResult) -> dict[str, bytes]:
    data = compress(result.model_dump_json())
    if len(data) > _RESULT_PROPERTIES * PROPERTY_LIMIT:
        raise TooLarge(f"The task's result takes {len(data)} bytes, more than a table row holds.")
    starts = range(0, len(data), PROPERTY_LIMIT)
    return {f"Result{i}": data[start : start + PROPERTY_LIMIT] for i, start in enumerate(starts)}


def _to_task(entity: TableEntity) -> Task:
    packed = b"".join(entity.get(f"Result{i}", b"") for i in range(_RESULT_PROPERTIES))
    return Task(
        video_id=UUID(entity["PartitionKey"]),
        id=TaskId.parse(entity["RowKey"]),
        attempts=entity["Attempts"],
        started=plain_time(entity["Started"]),
        heartbeat=plain_time(entity["Heartbeat"]),
        finished=optional_time(entity, "Finished"),
        progress=entity["Progress"],
        worker=entity["Worker"],
        error=entity["Error"],
        result=TaskResult.model_validate_json(unpack(packed)) if packed else None,
        driven=optional_time(entity, "Driven"),
        # Rows from before losses were told from failures have neither count.
        failures=entity.get("Failures") or 0,
        code=entity.get("Code") or "",
        losses=entity.get("Losses") or 0,
        due=optional_time(entity, "Due"),
        etag=entity.metadata.get("etag"),
    )
