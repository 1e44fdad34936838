"""A journal holds what is needed to continue an upload. It is one file for each upload, which only its owner can read.

The upload URL allows writing only, so storage cannot be asked which blocks it has. The key of an encrypted upload is
returned only once. The first line of a journal describes the upload; each further line is the index of a block that
storage has confirmed.
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

_MAX_AGE_SECONDS = 7 * 24 * 3600
"""The Blob service removes blocks that were not committed for a week."""


class Journal:
    """The journal of one upload: its video, the key that encrypts it, and the blocks that were sent."""

    def __init__(self, path: Path, video_id: str, encryption: UploadKey | None, sent: set[int]) -> None:
        self._path = path
        self.video_id = video_id
        self.encryption = encryption
        self.sent = sent

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Reads a journal. Returns None when there is none, or when its first line is not complete."""
        try:
            first, *lines = path.read_text("utf-8").split("\n")
            head = json.loads(first)
            key = head["key"] and UploadKey(base64.b64decode(head["key"]), base64.b64decode(head["iv"]))
            # The text after the last line break may be half a number.
            return cls(path, head["video"], key, {int(line) for line in lines[:-1]})
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def create(self) -> None:
        """Writes the first line into a new file. Raises FileError."""
        key = self.encryption
        head = {
            "video": self.video_id,
            "key": key and base64.b64encode(key.key).decode(),
            "iv": key and base64.b64encode(key.iv).decode(),
        }
        with _file_errors(self._path.parent):
            self._path.unlink(missing_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a Path cannot open a descriptor
                file.write(json.dumps(head) + "\n")

    def confirm(self, index: int) -> None:
        """Records that storage has confirmed this block. Raises FileError."""
        with _file_errors(self._path.parent), self._path.open("a", encoding="utf-8") as file:
            file.write(f"{index}\n")
        self.sent.add(index)

    def remove(self) -> None:
        """Deletes the file."""
        self._path.unlink(missing_ok=True)


class Journals:
    """The folder of journals. It has one for each identity of an upload."""

    def __init__(self, folder: Path) -> None:
        """Creates the folder and removes journals that are too old. Raises FileError when that is impossible."""
        self._folder = folder
        with _file_errors(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in folder.iterdir():
                if path.stat().st_mtime < time.time() - _MAX_AGE_SECONDS:
                    path.unlink()

    def find(self, identity: Mapping[str, Any]) -> Journal | None:
        """Returns the journal of this upload, or None when it was not begun before."""
        return Journal.read(self._path(identity))

    def create(self, identity: Mapping[str, Any], video_id: str, encryption: UploadKey | None) -> Journal:
        """Creates the journal of a new upload. Raises FileError."""
        journal = Journal(self._path(identity), video_id, encryption, set())
        journal.create()
        return journal

    def _path(self, identity: Mapping[str, Any]) -> Path:
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        return self._folder / f"{digest[:32]}.journal"


@contextmanager
def _file_errors(folder: Path) -> Iterator[None]:
    """Turns errors of the file system into FileError."""
    try:
        yield
    except OSError as error:
        raise FileError(
            f"{folder} cannot be used to record uploads ({error.strerror}).",
            "Set XDG_STATE_HOME to a folder that you can write to and that has free space.",
        ) from None


def folder(environment: Mapping[str, str]) -> Path:
    """Returns the folder of journals, by the XDG Base Directory Specification: it says to ignore relative paths."""
    given = Path(environment.get("XDG_STATE_HOME", ""))
    root = given if given.is_absolute() else Path.home() / ".local" / "state"
    return root / "video-connector" / "uploads"
