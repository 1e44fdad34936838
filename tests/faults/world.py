"""Videos to be published, and what is left when that is done."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from connector.domain.layout import UPLOADS, output_container, stills_container
from connector.domain.task import Task
from connector.domain.video import Video
from connector.pipeline.create import create
from connector.security.counter import decrypt_at
from tests.fakes.blobs import MemoryContainer
from tests.fakes.storage import MemoryStorage
from tests.support.apps import KEYS, memory_app

NEW = {
    "OriginalFileName": "holiday.mp4",
    "ContentProtectionMode": "AES128",
    "InputStorageEncryptionMode": "AES256",
}
"""What a client posts to create a video."""
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Scene:
    """Storage in which one video was created and uploaded, and nothing else happened."""

    upload: str
    settings: dict[str, object]
    storage: MemoryStorage
    video: Video

    def copy(self) -> MemoryStorage:
        return copy_of(self.storage)


def scene(name: str, upload: bytes, *, protected: bool = False, segment_seconds: float = 2) -> Scene:
    """Chunks are of one segment. A protected video's upload is encrypted by its client, too."""
    storage = MemoryStorage()
    settings = {
        **KEYS,
        "encoder_preset": "ultrafast",
        "segment_seconds": segment_seconds,
        "chunk_seconds": segment_seconds,
    }
    app = memory_app(storage, **settings)
    created = create(app, "holiday.mp4", protected=protected, encrypted_upload=protected)
    if created.upload_key:
        upload = decrypt_at(created.upload_key.key, created.upload_key.iv, 0, upload)  # its own inverse
    storage.blobs.put(UPLOADS, created.video.blob_name, upload)
    return Scene(name, settings, storage, created.video)


def copy_of(storage: MemoryStorage) -> MemoryStorage:
    copy = MemoryStorage()
    for port in ("videos", "tasks", "keys"):
        getattr(copy, port)._rows = dict(getattr(storage, port)._rows)
        # Versions go on counting where they are: no etag may come twice.
        getattr(copy, port)._versions = getattr(storage, port)._versions
    copy.videos._absences = dict(storage.videos._absences)
    copy.blobs.containers = {
        name: MemoryContainer(
            place.public,
            dict(place.blobs),
            {blob: dict(b) for blob, b in place.staged.items()},
            dict(place.snapshots),
        )
        for name, place in storage.blobs.containers.items()
    }
    return copy


def left(storage: MemoryStorage, video_id: UUID) -> dict[str, Any]:
    """Everything that is stored, but for what tells when and how often it was done."""
    return {
        "videos": [_timeless_video(video) for video in storage.videos._rows.values()],
        "tasks": [_timeless(task) for task in storage.tasks.of(video_id) if task.attempts],
        "keys": set(storage.keys._rows),
        "containers": {
            name: (place.public, {blob: found.data for blob, found in place.blobs.items()}, place.staged)
            for name, place in storage.blobs.containers.items()
        },
    }


def places(video: Video) -> set[str]:
    """The containers that belong there when a video is READY."""
    return {UPLOADS, output_container(video.id), *({stills_container(video.id)} if video.key_id else ())}


def _timeless_video(video: Video) -> Video:
    moments = dict.fromkeys(("modified", "queued", "encoding", "packaging", "finished"), _NEVER)
    # Whether it could be played early is no promise; what was done twice is paid twice.
    used = replace(video.used, seconds=0, executions=0)
    # Each attempt at completion takes a snapshot of its own.
    snapshot = video.snapshot and "taken"
    return replace(
        video,
        etag=None,
        snapshot=snapshot,
        playable=None,
        used=used,
        **{name: at for name, at in moments.items() if getattr(video, name)},
    )


def _timeless(task: Task) -> Task:
    finished = task.finished and _NEVER
    same = {"attempts": 1, "failures": 0, "losses": 0, "driven": None, "etag": None}
    return replace(task, started=_NEVER, heartbeat=_NEVER, finished=finished, **same)
