"""An app in memory with some videos. Inputs name them by placeholders, because their ids are new in each process."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from connector.api.app import App
from connector.domain.video import Video
from connector.pipeline.complete import complete_upload
from connector.pipeline.create import create
from connector.security.tokens import issue
from tests.fakes.blobs import MemoryContainer
from tests.support.apps import KEYS, quick_app
from tests.support.world import drive, encoding, uploaded


@dataclass(frozen=True)
class World:
    app: App
    names: dict[bytes, bytes]
    """What stands for each placeholder."""
    restore: Callable[[], None]
    """Undoes what an input has changed."""

    def filled(self, data: bytes) -> bytes:
        for name, value in self.names.items():
            data = data.replace(name, value)
        return data


@cache
def world() -> World:
    app = quick_app(**KEYS)
    waiting = create(app, "holiday.mp4").video
    ready, protected = _published(app, protected=False), _published(app, protected=True)
    encoded, _ = encoding(app)
    assert protected.key_id is not None
    token, _ = issue(app.tokens, protected.key_id, app.clock.now())
    names = {
        b"{waiting}": str(waiting.id),
        b"{ready}": str(ready.id),
        b"{protected}": str(protected.id),
        b"{encoding}": str(encoded.id),
        b"{key}": str(protected.key_id),
        b"{token}": token,
    }
    return World(app, {name: value.encode() for name, value in names.items()}, _restore(app.storage))


def _published(app: App, *, protected: bool) -> Video:
    video = uploaded(app, protected=protected)
    drive(app, complete_upload(app, video.id))
    return app.storage.videos.get(video.id)


def _restore(storage: Any) -> Callable[[], None]:
    """Returns a function that brings back what is stored now. What the tables and containers hold never changes."""
    tables: Iterable[Any] = (storage.videos, storage.tasks, storage.keys)
    rows = [(table, dict(table._rows)) for table in tables]
    containers = dict(storage.blobs.containers)
    blobs = {name: dict(container.blobs) for name, container in containers.items()}

    def restore() -> None:
        for table, kept in rows:
            table._rows = dict(kept)
        storage.blobs.containers = {
            name: MemoryContainer(container.public, dict(blobs[name])) for name, container in containers.items()
        }

    return restore
