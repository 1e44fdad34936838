from collections.abc import Callable
from fractions import Fraction

import pytest

from tests.faults.recording import Recording
from tests.faults.world import Scene, scene
from tests.media.audio import Audio
from tests.media.cache import cached
from tests.media.sources import Video, numbered

SMALL = Video(fps=Fraction(10), frames=60, size=(128, 72), gop=10)
"""Six seconds: four chunks of one segment, and sound."""
LONG = Video(fps=Fraction(1), frames=61, size=(64, 48), gop=2)
"""A source without an index that is too long to be decoded from its start: it is split first."""


@pytest.fixture(scope="session")
def recorded() -> Recording:
    return Recording()


@pytest.fixture
def media(recorded: Recording) -> Recording:
    """Media jobs, really run at first, and from then on replayed."""
    return Recording(jobs=recorded.jobs)


@pytest.fixture(scope="session")
def make_scene() -> Callable[[str], Scene]:
    """By name: `clear`, `protected`, `split`."""
    small = cached("faults.mp4", lambda path: numbered(path, SMALL, Audio()), SMALL).read_bytes()
    long = cached("faults.ts", lambda path: numbered(path, LONG), LONG).read_bytes()
    scenes = {
        "clear": scene("small", small),
        "protected": scene("small", small, protected=True),
        "split": scene("long", long, segment_seconds=20),
    }
    return scenes.__getitem__
