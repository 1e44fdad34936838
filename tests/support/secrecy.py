"""Everything that the pipeline ever writes or says of a video, to be searched for what must not be there."""

import base64
import logging
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import quote, quote_plus

from connector.api.app import App
from connector.domain.messages import Message
from connector.pipeline.steps import run_step
from tests.fakes.blobs import MemoryBlobs
from tests.fakes.keys import MemoryKeys
from tests.fakes.storage import MemoryStorage
from tests.fakes.tasks import MemoryTasks
from tests.fakes.videos import MemoryVideos
from tests.support.apps import KEYS, memory_app
from tests.support.published import FAST

SLICE = 48
"""Bytes of a clear blob that are looked for: too many to occur by chance, few enough to lie in any piece of it."""


@dataclass
class Notes:
    """What was written or said, by where."""

    found: list[tuple[str, bytes]] = field(default_factory=list)

    def add(self, place: str, what: object) -> None:
        self.found.append((place, what if isinstance(what, bytes) else repr(what).encode()))

    def places_with(self, wanted: Iterable[bytes]) -> set[str]:
        pattern = re.compile(b"|".join(re.escape(part) for part in wanted))
        return {place for place, data in self.found if pattern.search(data)}


class _Blobs(MemoryBlobs):
    def __init__(self, notes: Notes) -> None:
        super().__init__()
        self._notes = notes

    def put(self, container: str, name: str, data: bytes) -> None:
        self._notes.add(f"blob {container}/{name}", data)
        super().put(container, name, data)

    def stage(self, container: str, name: str, block: str, data: bytes) -> None:
        self._notes.add(f"block {container}/{name}", data)
        super().stage(container, name, block, data)


class NotedStorage(MemoryStorage):
    """Keeps a note of every version of every row and blob, also of what is deleted later."""

    def __init__(self) -> None:
        self.notes = notes = Notes()

        class Videos(MemoryVideos):
            def _write(self, video):
                notes.add("table Videos", video)
                return super()._write(video)

        class Tasks(MemoryTasks):
            def put(self, task):
                notes.add("table Tasks", task)
                return super().put(task)

        class Keys(MemoryKeys):
            def put(self, key):
                notes.add("table Keys", key)
                notes.add("table Keys", key.wrapped)
                super().put(key)

        self.videos, self.tasks, self.keys, self.blobs = Videos(), Tasks(), Keys(), _Blobs(notes)


def noted_app(**settings: object) -> App:
    return memory_app(NotedStorage(), **{**KEYS, **FAST, **settings})


def noted_step(app: App, message: Message) -> list[Message]:
    """A step like every other, whose messages and failure are noted."""
    app.storage.notes.add("message", message.model_dump_json())
    try:
        return run_step(app, message)
    except Exception as error:
        app.storage.notes.add("error", repr(error))
        raise


def note_log(notes: Notes, records: Sequence[logging.LogRecord]) -> None:
    for record in records:
        notes.add("log", f"{record.getMessage()} {record.__dict__!r} {record.exc_info!r}")


def spellings(secret: bytes) -> set[bytes]:
    """How a secret may be written; base64 at each of the three places it can have among other bytes."""
    found = {secret, secret.hex().encode(), secret.hex().upper().encode(), repr(secret)[2:-1].encode()}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            # The first and last letters depend on what stands beside.
            found.add(encode(bytes(before) + secret).rstrip(b"=")[4 if before else 0 : -1])
    return found


def written(secret: str) -> set[bytes]:
    """Likewise of one that is text: as it is, in an address, and, if it is base64 itself, what that stands for."""
    found = spellings(secret.encode()) | {
        form(secret).encode() for form in (quote_plus, quote, partial(quote, safe=""))
    }
    with suppress(ValueError):
        found |= spellings(base64.b64decode(secret, altchars="-_" if {"-", "_"} & set(secret) else None, validate=True))
    return found


def secret_shapes(log: bytes) -> list[bytes]:
    """What looks like a signature of an address, a token or an account's key, whoever made it."""
    return re.findall(rb".{0,80}(?:\bsig=|\beyJ[\w-]{8}|AccountKey=|SharedKey |Bearer[ =]\w).{0,20}", log)


def slices(data: bytes) -> set[bytes]:
    """Parts of a clear blob from all over it."""
    starts = range(0, max(1, len(data) - SLICE), max(SLICE, len(data) // 8))
    parts = {data[at : at + SLICE] for at in starts}
    # Not what is in every file: runs of one value, as in headers and tables.
    return {part for part in parts if len(set(part)) > SLICE // 3}
