"""All hostile files. Deterministic: the same bytes in every run, but for the canaries' addresses."""

from dataclasses import dataclass, field
from pathlib import Path

from tests.hostile import damage, declared, disguised
from tests.media.cache import cached
from tests.media.sources import Video, numbered

_CENC = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
    "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
}


@dataclass(frozen=True)
class Hostile:
    """`name` is unique, and tells the kind of file first."""

    name: str
    extension: str
    data: bytes = field(repr=False)


def hostile(path: str, url: str) -> list[Hostile]:
    """Every file. `path` and `url`: what playlists and the like point at."""
    encrypted = cached("cenc.mp4", lambda p: numbered(p, Video(frames=12), container_options=_CENC), "hostile")
    groups = {
        "damage": damage.files(),
        "disguised": disguised.files(path, url),
        "declared": declared.files(),
        "encrypted": [("cenc", "mp4", encrypted.read_bytes())],
    }
    return [
        Hostile(
            f"{group}-{name}-{extension}-{n}" if group == "damage" else f"{group}-{name}-{extension}", extension, data
        )
        for group, files in groups.items()
        for n, (name, extension, data) in enumerate(files)
    ]


def written(file: Hostile, directory: Path) -> Path:
    path = directory / f"{file.name[:80]}.{file.extension}"
    path.write_bytes(file.data)
    return path
