"""`python -m scripts.package`: what a deployment uploads, what the remote build adds to it, and how large both are."""

import hashlib
import os
import subprocess
import sys
import tempfile
import venv
from importlib import metadata
from pathlib import Path

from pathspec import GitIgnoreSpec

PROJECT = Path(__file__).parent.parent
REQUIREMENTS = PROJECT / "requirements.txt"
LIMIT = 150_000_000
"""Bytes of everything but FFmpeg, unpacked: a new instance loads the package before it can do anything."""
FFMPEG = "av"
"""The Python package that brings FFmpeg, and cannot be made smaller here."""


def files() -> list[Path]:
    """What is uploaded, relative to the project: all that .funcignore does not name."""
    ignored = GitIgnoreSpec.from_lines((PROJECT / ".funcignore").read_text("utf-8").splitlines())
    found: list[Path] = []
    for folder, folders, names in os.walk(PROJECT):
        here = Path(folder).relative_to(PROJECT)
        folders[:] = [name for name in folders if not ignored.match_file(f"{(here / name).as_posix()}/")]
        found += [here / name for name in names if not ignored.match_file((here / name).as_posix())]
    return sorted(found)


def environment() -> Path:
    """A virtual environment as the remote build makes it: the packages of requirements.txt and no other, not even pip.

    Only wheels are taken, because no compiler is there. It is kept until requirements.txt changes. Raises
    CalledProcessError when something cannot be installed.
    """
    made_of = REQUIREMENTS.read_bytes() + sys.version.encode()
    folder = PROJECT / ".setup" / f"package-{hashlib.sha256(made_of).hexdigest()[:16]}"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as directory:
            draft = Path(directory) / "draft"
            venv.create(draft, symlinks=True)
            pip = [sys.executable, "-m", "pip", "--python", str(draft / "bin" / "python"), "install", "--quiet"]
            subprocess.run([*pip, "--only-binary", ":all:", "-r", str(REQUIREMENTS)], check=True)
            draft.rename(folder)
    return folder


def site_packages(environment: Path) -> Path:
    """Where the environment keeps its packages."""
    return environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


def sizes() -> dict[str, int]:
    """Bytes of each Python package by its name, compiled modules included, and those of the app under `app`."""
    found = {"app": sum((PROJECT / path).stat().st_size for path in files())}
    for package in metadata.distributions(path=[str(site_packages(environment()))]):
        paths = [Path(str(package.locate_file(file))) for file in package.files or ()]
        found[package.name] = sum(path.stat().st_size for path in paths if path.is_file())
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
    found = sizes()
    print("\n".join(figures(found)))  # noqa: T201 - what the command is for
    return int(sum(found.values()) - found[FFMPEG] > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
