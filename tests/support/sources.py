"""Sources that more than one test publishes through the running service."""

from functools import partial
from pathlib import Path

from tests.media.audio import Audio
from tests.media.cache import cached
from tests.media.sources import Video, numbered

FAST_ENV = {"SEGMENT_SECONDS": "1", "CHUNK_SECONDS": "2", "ENCODER_PRESET": "ultrafast"}
"""Settings of a service that publishes them quickly."""
SMALL = Video(frames=60, size=(192, 144))
TWO_RENDITIONS = Video(frames=80, size=(432, 432), gop=17, b_frames=2)
"""With `FAST_ENV`, four segments in two chunks."""


def small_source() -> Path:
    return cached("uploaded.mp4", partial(numbered, video=SMALL, audio=Audio()), SMALL)


def two_renditions_source() -> Path:
    return cached("protected.mp4", partial(numbered, video=TWO_RENDITIONS, audio=Audio()), TWO_RENDITIONS)
