"""Stores the Videos table: one row per video.

`PartitionKey` is one of four shards, so that no single partition takes all the load. `RowKey` is the id with all bits
inverted. Ids sort by creation (UUIDv7), so a plain scan of a partition meets the newest video first.

One more partition has the notes on videos without a row, by id. A restored table has the notes of its time.
"""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from azure.core import MatchConditions
from azure.data.tables import EdmType, EntityProperty, TableClient, TableEntity, UpdateMode

from connector.deadline import carried
from connector.domain.absence import Absence
from connector.domain.listing import VideoFilter, VideoPage
from connector.domain.media_info import MediaInfo
from connector.domain.plan import Plan
from connector.domain.usage import Usage
from connector.domain.video import About, Failure, State, Video
from connector.errors import NotFound
from connector.storage.errors import translated
from connector.storage.listing import Rows, page, rows_per_call
from connector.storage.packed import pack, unpack
from connector.storage.times import optional_time, plain_time

_SHARDS = 4
_ABSENT = "absent"
"""Partition of the notes on videos without a row."""
_ALL_BITS = (1 << 128) - 1
_SCANNED = 1000
"""Rows per request of a filtered listing, which is the most that storage gives."""
_READERS = 8
"""Number of rows that are read at once."""


class AzureVideos:
    """Implements `Videos` on Azure Table Storage."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    @translated()
    def create(self, video: Video) -> Video:
        answer = self._table.create_entity(_to_entity(video))
        return replace(video, etag=answer["etag"])

    @translated()
    def get(self, video_id: UUID) -> Video:
        return _to_video(self._table.get_entity(*_keys(video_id)))

    @translated()
    def save(self, video: Video) -> Video:
        if video.etag is None:
            raise NotFound("The video was never created.")
        answer = self._table.update_entity(
            _to_entity(video),
            mode=UpdateMode.REPLACE,
            etag=video.etag,
            match_condition=MatchConditions.IfNotModified,
        )
        return replace(video, etag=answer["etag"])

    @translated()
    def delete(self, video_id: UUID) -> None:
        self._table.delete_entity(*_keys(video_id))  # the SDK treats a 404 as success

    @translated()
    def note_absence(self, absence: Absence) -> None:
        self._table.upsert_entity(
            {
                "PartitionKey": _ABSENT,
                "RowKey": str(absence.video_id),
                "Since": absence.since,
                "Deleted": absence.deleted,
            },
            mode=UpdateMode.REPLACE,
        )

    def absences(self, prefix: str) -> Iterator[Absence]:
        with translated():
            for entity in self._table.query_entities(
                "PartitionKey eq @absent and RowKey ge @first and RowKey lt @last",
                # "g" is the character after the last digit.
                parameters={"absent": _ABSENT, "first": prefix, "last": f"{prefix}g"},
            ):
                yield _to_absence(entity)

    @translated()
    def forget_absence(self, video_id: UUID) -> None:
        self._table.delete_entity(_ABSENT, str(video_id))  # the SDK treats a 404 as success

    def in_states(
        self, states: Sequence[State], modified_before: datetime, created_after: datetime | None = None
    ) -> Iterator[Video]:
        if not states:
            return
        wanted = " or ".join(f"State eq '{state}'" for state in states)
        # One query for each shard: for a filter that names several partitions, storage reads the whole table.
        for shard in range(_SHARDS):
            with translated():
                for entity in self._table.query_entities(
                    f"PartitionKey eq @shard and RowKey le @oldest and Modified lt @before and ({wanted})",
                    parameters={
                        "shard": str(shard),
                        "oldest": _oldest_row(created_after),
                        "before": modified_before.astimezone(UTC),
                    },
                ):
                    yield _to_video(entity)

    def page(self, wanted: VideoFilter, after: UUID | None, top: int) -> VideoPage:
        # A filter is not left to storage: it would not say how far it looked, which is where the next page begins.
        rows = _SCANNED if wanted else rows_per_call(top, _SHARDS)
        columns = ["Id", "State", "FileName", "Tags"] if wanted else None
        whole: dict[UUID, Video] = {}

        def fetch(shard: int, behind: UUID | None) -> Rows:
            entities, ended = self._rows_behind(str(shard), behind, rows, columns)
            last = None if ended else entities[-1]["Id"]
            if wanted:
                return Rows([e["Id"] for e in entities if _wanted(e, wanted)], last)
            whole.update((e["Id"], _to_video(e)) for e in entities)
            return Rows([e["Id"] for e in entities], last)

        ids, following = page([partial(fetch, shard) for shard in range(_SHARDS)], after, top)
        videos = self._existing(ids) if wanted else [whole[i] for i in ids]
        return VideoPage(tuple(videos), following)

    def _rows_behind(
        self, shard: str, behind: UUID | None, rows: int, columns: list[str] | None
    ) -> tuple[list[TableEntity], bool]:
        """Returns the rows of one request, and whether they are the shard's last."""
        pages = self._table.query_entities(
            "PartitionKey eq @shard and RowKey gt @row",
            parameters={"shard": shard, "row": "" if behind is None else _keys(behind)[1]},
            results_per_page=rows,
            select=columns,
        ).by_page()
        with translated():
            entities: list[TableEntity] = []
            while not entities:  # storage may answer with no rows and ask to go on
                entities = list(next(pages, ()))
                if pages.continuation_token is None:  # type: ignore[attr-defined] # an Iterator for mypy only
                    return entities, True
        return entities, False

    def _existing(self, ids: Sequence[UUID]) -> list[Video]:
        """Returns the videos with these ids, without those that were deleted meanwhile."""
        with ThreadPoolExecutor(_READERS) as threads:
            return [video for video in threads.map(carried(self._found), ids) if video]

    def _found(self, video_id: UUID) -> Video | None:
        try:
            return self.get(video_id)
        except NotFound:
            return None


def _to_absence(entity: TableEntity) -> Absence:
    return Absence(UUID(entity["RowKey"]), plain_time(entity["Since"]), entity["Deleted"])


def _wanted(entity: TableEntity, wanted: VideoFilter) -> bool:
    return wanted.takes(State(entity["State"]), entity["FileName"], _tags(entity))


def _tags(entity: TableEntity) -> tuple[str, ...]:
    packed = entity.get("Tags")
    return tuple(json.loads(unpack(packed))) if packed else ()


def _keys(video_id: UUID) -> tuple[str, str]:
    """Returns (PartitionKey, RowKey). The id's last bits are random, so the shards fill evenly."""
    return str(video_id.int % _SHARDS), f"{_ALL_BITS - video_id.int:032x}"


def _oldest_row(created_after: datetime | None) -> str:
    """Returns the last RowKey that a video created since then may have."""
    milliseconds = int(created_after.timestamp() * 1000) if created_after else 0
    return f"{_ALL_BITS - (milliseconds << 80):032x}"


def _to_entity(video: Video) -> dict[str, Any]:
    partition, row = _keys(video.id)
    failure = video.failure
    properties = {
        "PartitionKey": partition,
        "RowKey": row,
        "Id": video.id,
        "Created": video.created,
        "Modified": video.modified,
        "FileName": video.file_name,
        "State": video.state.value,
        "SourceETag": video.source_etag,
        "Snapshot": video.snapshot,
        "Size": EntityProperty(video.size, EdmType.INT64),  # a plain int is an Int32
        "KeyId": video.key_id,
        "UploadKeyId": video.upload_key_id,
        "Info": video.info and pack(video.info.model_dump_json()),
        "Plan": video.plan and pack(video.plan.model_dump_json()),
        "FailureCode": failure and failure.code,
        "FailureMessage": failure and failure.message,
        "Queued": video.queued,
        "Encoding": video.encoding,
        "Playable": video.playable,
        "Watched": video.watched,
        "Packaging": video.packaging,
        "Finished": video.finished,
        "Title": video.about.title,
        "Description": video.about.description,
        "Tags": pack(json.dumps(video.about.tags)) if video.about.tags else None,
        "Metadata": pack(json.dumps(dict(video.about.metadata))) if video.about.metadata else None,
        "Edited": video.edited,
        "Used": json.dumps(asdict(video.used)) if video.used.executions else None,
        "Trace": video.trace,
    }
    return {name: value for name, value in properties.items() if value is not None and value != ""}


def _to_video(entity: TableEntity) -> Video:
    info, plan = entity.get("Info"), entity.get("Plan")
    metadata = entity.get("Metadata")
    return Video(
        id=entity["Id"],
        created=plain_time(entity["Created"]),
        modified=plain_time(entity["Modified"]),
        file_name=entity["FileName"],
        state=State(entity["State"]),
        etag=entity.metadata["etag"],
        source_etag=entity.get("SourceETag"),
        snapshot=entity.get("Snapshot"),
        size=entity["Size"].value,
        key_id=entity.get("KeyId"),
        upload_key_id=entity.get("UploadKeyId"),
        info=info and MediaInfo.model_validate_json(unpack(info)),
        plan=plan and Plan.model_validate_json(unpack(plan)),
        failure=Failure(entity["FailureCode"], entity["FailureMessage"]) if "FailureCode" in entity else None,
        queued=optional_time(entity, "Queued"),
        encoding=optional_time(entity, "Encoding"),
        playable=optional_time(entity, "Playable"),
        watched=optional_time(entity, "Watched"),
        packaging=optional_time(entity, "Packaging"),
        finished=optional_time(entity, "Finished"),
        about=About(
            title=entity.get("Title", ""),
            description=entity.get("Description", ""),
            tags=_tags(entity),
            metadata=json.loads(unpack(metadata)) if metadata else {},
        ),
        edited=optional_time(entity, "Edited"),
        used=Usage(**json.loads(entity["Used"])) if "Used" in entity else Usage(),
        trace=entity.get("Trace", ""),
    )
