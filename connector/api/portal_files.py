"""The files of `connector/portal/`, by the path that they are asked for with.

The players and the API page's scripts, in `vendor/`, are large and change with a release only. Pages ask for them with
a version in the path, which follows from their content, so that browsers may keep them without asking again.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent.parent / "portal"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_VENDOR = "vendor/"
_VERSIONED = re.compile(r"vendor/([0-9a-f]{16})/")
_CACHED_FILES = 100
"""Files whose content is kept in memory; together they have about 5 MB."""


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is served."""

    content: bytes
    digest: bytes
    kind: str
    """Its media type."""
    kept: bool
    """Whether its path names its content, so that whoever has it never needs to ask again."""


def find(name: str) -> File | None:
    """Returns the file at this path, or None when there is none.

    A path with another version leads to the present file: a page of the release before may still ask for it.
    """
    version = _VERSIONED.match(name)
    path = _files().get(_VERSIONED.sub(_VENDOR, name, count=1))
    if path is None:
        return None
    content, digest = _content(path, path.stat().st_mtime_ns)
    kept = version is not None and version[1] == vendor_version()
    return File(content, digest, _TYPES[path.suffix], kept)


@cache
def vendor_version() -> str:
    """Returns 16 hexadecimal digits that follow from the content of all files in `vendor/`."""
    names = sorted(name for name in _files() if name.startswith(_VENDOR))
    digests = [(name, _content(_files()[name], _files()[name].stat().st_mtime_ns)[1]) for name in names]
    return hashlib.sha256(repr(digests).encode()).hexdigest()[:16]


@cache
def _files() -> dict[str, Path]:
    """Returns all files that are served, by path. Nothing else can be asked for."""
    return {p.relative_to(_FOLDER).as_posix(): p for p in _FOLDER.rglob("*") if p.suffix in _TYPES}


@lru_cache(_CACHED_FILES)
def _content(path: Path, modified: int) -> tuple[bytes, bytes]:  # noqa: ARG001 - part of the key of the cache
    """Returns the content of a file and its digest. They are read again when the time `modified` is another one."""
    content = path.read_bytes()
    return content, hashlib.sha256(content).digest()
