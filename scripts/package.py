"""`python -m scripts.package`: what a deployment uploads, and how large it is."""

import hashlib
import importlib.util
import os
import sys
from importlib import metadata
from pathlib import Path

from pathspec import GitIgnoreSpec

from scripts import wheels
from scripts.wheels import LOCK, PACKAGES, PROJECT

LIMIT = 150_000_000
"""Bytes of everything but FFmpeg, unpacked: a new instance loads the package before it can do anything."""
FFMPEG = "av"
"""The Python package that brings FFmpeg, and cannot be made smaller here."""


def install() -> None:
    """Installs the Python packages as azd's hook does, unless they were installed from this lock by this script.

    Raises subprocess.CalledProcessError when a package has no wheel for Azure.
    """
    made_of = LOCK.read_bytes() + Path(wheels.__file__).read_bytes() + sys.version.encode()
    digest = hashlib.sha256(made_of).hexdigest()
    stamp = PACKAGES / ".made-of"
    if not (stamp.is_file() and stamp.read_text("utf-8") == digest):
        wheels.install()
        stamp.write_text(digest, "utf-8")


def ignored() -> GitIgnoreSpec:
    """The patterns of .funcignore, read as azd reads them."""
    return GitIgnoreSpec.from_lines((PROJECT / ".funcignore").read_text("utf-8").splitlines())


def files() -> list[Path]:
    """What is uploaded, relative to the project: all that .funcignore does not name."""
    patterns = ignored()
    found: list[Path] = []
    for folder, folders, names in os.walk(PROJECT):
        here = Path(folder).relative_to(PROJECT)
        folders[:] = [name for name in folders if not patterns.match_file(f"{(here / name).as_posix()}/")]
        found += [here / name for name in names if not patterns.match_file((here / name).as_posix())]
    return sorted(found)


def sizes() -> dict[str, int]:
    """Bytes of each Python package by its name, compiled modules included, and those of the app under `app`."""
    owners = {
        Path(str(package.locate_file(file))): package.name
        for package in metadata.distributions(path=[str(PACKAGES)])
        for file in package.files or ()
    }
    found: dict[str, int] = {}
    for path in files():
        file = PROJECT / path
        source = Path(importlib.util.source_from_cache(str(file))) if file.suffix == ".pyc" else file
        owner = owners.get(source, "app")
        found[owner] = found.get(owner, 0) + file.stat().st_size
    return found


def figures(found: dict[str, int]) -> list[str]:
    """The sizes for people: the two that matter, an empty line, and what the first is made of."""
    counted = sorted(((size, name) for name, size in found.items() if name != FFMPEG), reverse=True)
    return [
        f"{sum(size for size, _ in counted) / 1e6:6.1f} MB unpacked, of at most {LIMIT / 1e6:.0f}",
        f"{found[FFMPEG] / 1e6:6.1f} MB of FFmpeg besides ({FFMPEG})",
        "",
        *(f"{size / 1e6:6.1f} MB  {name}" for size, name in counted),
    ]


def main() -> int:
    """The exit status: 1 when the package is too large."""
    install()
    found = sizes()
    print("\n".join(figures(found)))  # noqa: T201 - what the command is for
    return int(sum(found.values()) - found[FFMPEG] > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
