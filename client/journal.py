"""What must be remembered of an upload so that it can be continued: a file per upload, for its owner's eyes only.

The upload address may only write, so storage cannot be asked which blocks it has; and the key of an encrypted upload is
told once. The first line says what was begun, each further one is the index of a block that storage has confirmed.
"""

import base64
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from client.errors import FileError
from client.models import UploadKey

_KEPT_SECONDS = 7 * 24 * 3600
"""The Blob service drops blocks that nobody listed for a week."""


class Journal:
    """Of one upload: its video, the key it is encrypted with, and the blocks that were sent."""

    def __init__(self, path: Path, video_id: str, encryption: UploadKey | None, sent: set[int]) -> None:
        self._path = path
        self.video_id = video_id
        self.encryption = encryption
        self.sent = sent

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """None without one, or when it was cut off before it said anything of use."""
        try:
            first, *lines = path.read_text("utf-8").split("\n")
            begun = json.loads(first)
            key = begun["key"] and UploadKey(base64.b64decode(begun["key"]), base64.b64decode(begun["iv"]))
            # What follows the last line break may be half a number.
            return cls(path, begun["video"], key, {int(line) for line in lines[:-1]})
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def begin(self) -> None:
        key = self.encryption
        begun = {
            "video": self.video_id,
            "key": key and base64.b64encode(key.key).decode(),
            "iv": key and base64.b64encode(key.iv).decode(),
        }
        with _usable(self._path.parent):
            self._path.unlink(missing_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a Path opens no descriptor
                file.write(json.dumps(begun) + "\n")

    def confirm(self, index: int) -> None:
        with _usable(self._path.parent), self._path.open("a", encoding="utf-8") as file:
            file.write(f"{index}\n")
        self.sent.add(index)

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)


class Journals:
    """The folder of journals, one per identity of an upload."""

    def __init__(self, folder: Path) -> None:
        """Raises FileError when it cannot be written to."""
        self._folder = folder
        with _usable(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in folder.iterdir():
                if path.stat().st_mtime < time.time() - _KEPT_SECONDS:
                    path.unlink()

    def find(self, identity: Mapping[str, Any]) -> Journal | None:
        return Journal.read(self._path(identity))

    def begin(self, identity: Mapping[str, Any], video_id: str, encryption: UploadKey | None) -> Journal:
        journal = Journal(self._path(identity), video_id, encryption, set())
        journal.begin()
        return journal

    def _path(self, identity: Mapping[str, Any]) -> Path:
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        return self._folder / f"{digest[:32]}.journal"


@contextmanager
def _usable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(
            f"{folder} cannot be used to remember uploads ({error.strerror}).",
            "Set XDG_STATE_HOME to a folder of yours with space in it.",
        ) from None


def folder(environment: Mapping[str, str]) -> Path:
    """Where users' programs keep their state (XDG Base Directory Specification; a relative path is to be ignored)."""
    given = Path(environment.get("XDG_STATE_HOME", ""))
    root = given if given.is_absolute() else Path.home() / ".local" / "state"
    return root / "video-connector" / "uploads"
