"""Sound with a hole: the timestamps of a file can leave hours out."""

import struct

import numpy as np
import pytest

from connector.domain.video import State
from tests.hostile.ebml import element, matroska, track
from tests.support.published import published

pytestmark = pytest.mark.media

RATE = 8000


def test_sound_after_a_long_hole_is_where_it_belongs(tmp_path):
    """The filter alone would keep all of the silence in memory: hours of it are gigabytes."""
    pcm = element(0xE1, element(0xB5, struct.pack(">d", RATE)), element(0x9F, 1), element(0x6264, 16))
    tone = (8000 * np.sin(np.arange(RATE // 10) * 2 * np.pi * 440 / RATE)).astype("<i2").tobytes()
    times = (0, 100, 200, 30_000, 30_100, 30_200)
    path = tmp_path / "hole.mkv"
    path.write_bytes(matroska([track(1, "A_PCM/INT/LIT", (0, 0), pcm, kind=2)], [(1, time, tone) for time in times]))
    result = published(path, segment_seconds=4)
    assert result.video.state is State.READY
    sound = np.abs(result.sound()[0])
    loud = [bool(sound[round(at * 48_000) :][:4800].max() > 0.1) for at in (0.1, 0.5, 15, 29.8, 30.1)]
    assert loud == [True, False, False, False, True]
    onset = np.flatnonzero(sound[48_000:] > 0.05)[0] / 48_000 + 1
    assert onset == pytest.approx(30, abs=0.01)
    assert len(sound) / 48_000 == pytest.approx(30.3, abs=0.05)
