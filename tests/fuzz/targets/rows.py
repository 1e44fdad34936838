"""Rows of the tables: what is packed into them, and texts that are read. The first line says which: `video` or `task`.

The line after it is a JSON object of properties, which replace those of a good row.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from azure.data.tables import TableEntity

from connector.domain.step import Step, TaskId
from connector.domain.task import Task, TaskResult
from connector.domain.usage import Usage
from connector.domain.video import About, State, Video
from connector.storage.packed import compress, unpack
from connector.storage.tasks import _to_entity as task_entity
from connector.storage.tasks import _to_task
from connector.storage.videos import _to_entity as video_entity
from connector.storage.videos import _to_video
from tests.fakes.media import INFO, FakeMediaRunner
from tests.fuzz.said import CHUNKS, PLAN, Sink
from tests.fuzz.target import Target

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_ID = UUID("01a20000-0000-7000-8000-000000000000")
_PACKED = {"Info", "Plan", "Result0"}
_TEXTS = {"State", "RowKey"}
_VIDEO = Video(
    _ID, _NOW, _NOW, "a.mp4", State.ENCODING, 'W/"1"', info=INFO, plan=PLAN,
    about=About("t", "d", ("a",), {"b": "c"}), used=Usage(1.5, 1, 2, 3),
)  # fmt: skip
_TASK = Task(
    _ID, TaskId(Step.CHUNK, 0), 1, _NOW, _NOW, result=TaskResult(encode=FakeMediaRunner().run(CHUNKS[0], [], Sink()))
)


def _entity(good: dict[str, Any], changes: dict[str, Any]) -> TableEntity:
    entity = TableEntity(good)
    entity._metadata = {"etag": 'W/"1"'}
    for name, value in changes.items():
        if name in _PACKED:
            entity[name] = compress(json.dumps(value))
        elif name in _TEXTS and isinstance(value, str):
            entity[name] = value
    return entity


def _run(data: bytes) -> None:
    name, _, text = data.partition(b"\n")
    if name == b"packed":
        unpack(text)
        return
    changes = json.loads(text)
    if not isinstance(changes, dict):
        return
    if name == b"video":
        video = _to_video(_entity(video_entity(_VIDEO), changes))
        assert video_entity(video)["State"] == video.state
    else:
        task = _to_task(_entity(task_entity(_TASK), changes))
        assert task_entity(task)["RowKey"] == str(task.id)


def _seeds() -> Iterator[bytes]:
    def line(kind: bytes, **properties: object) -> bytes:
        return kind + b"\n" + json.dumps(properties).encode()

    old = PLAN.model_dump(mode="json") | {"chunks": [0, 0, 25, 50]}
    yield line(b"video", Plan=PLAN.model_dump(mode="json"))
    yield line(b"video", Plan=old)
    yield line(b"video", Info=INFO.model_dump(mode="json"))
    yield line(b"video", State="READY")
    assert _TASK.result is not None
    yield line(b"task", RowKey="audio-000001", Result0=_TASK.result.model_dump(mode="json"))
    yield b"packed\n" + compress('["a"]')


TARGET = Target(_run, _seeds, (ValueError,), (b"1/0", b"1e999", b'"chunks":[0,0,25]', b"\\ud800"), json=True)
