"""The Videos table: one row per video.

`PartitionKey` is one of four shards, so that no single partition takes all the load. `RowKey` is the id
with all bits inverted: ids sort by creation (UUIDv7), so a plain scan of a partition meets the newest video
first.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from azure.core import MatchConditions
from azure.data.tables import EdmType, EntityProperty, TableClient, TableEntity, UpdateMode

from connector.domain.media_info import MediaInfo
from connector.domain.plan import Plan
from connector.domain.video import Failure, State, Video
from connector.errors import NotFound
from connector.storage.errors import translated
from connector.storage.packed import pack, unpack
from connector.storage.times import optional_time, plain_time

_SHARDS = 4
_ALL_BITS = (1 << 128) - 1


class AzureVideos:
    """`Videos` on Azure Table Storage."""

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
        self._table.delete_entity(*_keys(video_id))  # the SDK takes a 404 for success

    def in_states(self, states: Sequence[State], modified_before: datetime) -> Iterator[Video]:
        if not states:
            return
        wanted = " or ".join(f"State eq '{state}'" for state in states)
        with translated():
            for entity in self._table.query_entities(
                f"Modified lt @before and ({wanted})", parameters={"before": modified_before.astimezone(UTC)}
            ):
                yield _to_video(entity)


def _keys(video_id: UUID) -> tuple[str, str]:
    """(PartitionKey, RowKey). The id's last bits are random, so the shards fill evenly."""
    return str(video_id.int % _SHARDS), f"{_ALL_BITS - video_id.int:032x}"


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
        "Size": EntityProperty(video.size, EdmType.INT64),  # a plain int is an Int32
        "KeyId": video.key_id,
        "UploadKeyId": video.upload_key_id,
        "Info": video.info and pack(video.info.model_dump_json()),
        "Plan": video.plan and pack(video.plan.model_dump_json()),
        "FailureCode": failure and failure.code,
        "FailureMessage": failure and failure.message,
        "Queued": video.queued,
        "Encoding": video.encoding,
        "Packaging": video.packaging,
        "Finished": video.finished,
        "Tags": pack(json.dumps(video.tags)) if video.tags else None,
    }
    return {name: value for name, value in properties.items() if value is not None}


def _to_video(entity: TableEntity) -> Video:
    info, plan, tags = entity.get("Info"), entity.get("Plan"), entity.get("Tags")
    return Video(
        id=entity["Id"],
        created=plain_time(entity["Created"]),
        modified=plain_time(entity["Modified"]),
        file_name=entity["FileName"],
        state=State(entity["State"]),
        etag=entity.metadata["etag"],
        source_etag=entity.get("SourceETag"),
        size=entity["Size"].value,
        key_id=entity.get("KeyId"),
        upload_key_id=entity.get("UploadKeyId"),
        info=info and MediaInfo.model_validate_json(unpack(info)),
        plan=plan and Plan.model_validate_json(unpack(plan)),
        failure=Failure(entity["FailureCode"], entity["FailureMessage"]) if "FailureCode" in entity else None,
        queued=optional_time(entity, "Queued"),
        encoding=optional_time(entity, "Encoding"),
        packaging=optional_time(entity, "Packaging"),
        finished=optional_time(entity, "Finished"),
        tags=tuple(json.loads(unpack(tags))) if tags else (),
    )
