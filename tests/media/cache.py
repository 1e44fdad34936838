"""Generated media is kept between runs, keyed by what it was made of, so that only the first run encodes."""

import hashlib
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import av

ROOT = Path(__file__).resolve().parents[2] / ".data" / "test-media"


@cache
def _generators() -> str:
    """Digest of every generator here and of the encoders they use."""
    digest = hashlib.sha256(av.__version__.encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def cached(name: str, make: Callable[[Path], object], *parameters: object) -> Path:
    """The file `make(path)` writes, called `name`; made once per set of parameters and generator version.

    Safe between processes: a file appears under its name only when it is whole.
    """
    key = hashlib.sha256(repr((_generators(), name, parameters)).encode()).hexdigest()[:16]
    path = ROOT / key / name
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as directory:
        draft = Path(directory) / name
        make(draft)
        draft.replace(path)
    return path
