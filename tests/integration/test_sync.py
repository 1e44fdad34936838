"""Sound and picture stay together over five minutes, and end together."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from tests.media.audio import Audio
from tests.media.cache import cached
from tests.media.frame_numbers import luma_of
from tests.media.sync import flash_and_beep, measure_av_offset
from tests.support.apps import memory_app
from tests.support.fragments import TICKS, decoded_sound, pictures, seconds
from tests.support.in_process import publish
from tests.support.tracks import Output

pytestmark = pytest.mark.media

SECONDS = 300
RATE = Fraction(15_000, 1001)
"""Half of NTSC's, for speed; as far from whole seconds as that."""
LIMIT = 0.005
"""Seconds. People notice ten times as much, but nothing here makes sound and picture differ by more than a sample."""
AAC_FRAME = Fraction(1024, 48_000)
_LOUD, _QUIET_SECONDS = 0.4, 0.2


@pytest.fixture(scope="module")
def published() -> Output:
    # Sound at a rate that does not divide ours, pictures at one that does not divide seconds.
    audio = Audio(rate=44_100, layout="mono", frequency=1000)
    path = cached("sync.mp4", lambda p: flash_and_beep(p, SECONDS, fps=RATE, size=(64, 64), audio=audio), repr(audio))
    app = memory_app(segment_seconds=20, chunk_seconds=600, encoder_preset="ultrafast")
    return Output(app, publish(app, path))


def _sound(published: Output):
    return published.track("audio", published.plan.audio[0].id)


FLASHES = [-int(-k * RATE // 1) for k in range(1, SECONDS)]
"""Output frames: the first at or after each second. The beep is at the second itself."""


def _error(offsets: Sequence[float]) -> float:
    """The greatest deviation of (beep - flash) from what it is in the source, seconds."""
    return max(abs(o - float(k - n / RATE)) for k, (n, o) in enumerate(zip(FLASHES, offsets, strict=True), 1))


def test_the_progressive_file_is_in_sync_from_begin_to_end(published, tmp_path):
    path = tmp_path / "download.mp4"
    path.write_bytes(published.blobs["download.mp4"])
    assert _error(measure_av_offset(path)) < LIMIT


def test_the_segments_are_in_sync_by_the_times_in_their_boxes(published):
    video, audio = published.video_tracks[0], _sound(published)
    times = [seconds(t) for fragment in video.fragments for t in fragment.presented]
    shown = pictures(video.init, list(video.segments.values()))
    white = [n for n, picture in enumerate(shown) if luma_of(picture).mean() > 128]
    assert white == FLASHES

    samples = decoded_sound(audio.init, list(audio.segments.values()))
    loud = np.flatnonzero(np.abs(samples).max(axis=0) > _LOUD) / 48_000
    beeps = loud[np.diff(loud, prepend=-1) > _QUIET_SECONDS] + float(seconds(audio.fragments[0].time))
    assert _error([beep - float(times[n]) for beep, n in zip(beeps, white, strict=True)]) < LIMIT


def test_sound_and_picture_begin_and_end_together(published):
    video, audio = published.video_tracks[0].fragments, _sound(published).fragments
    assert (video[0].time, audio[0].time) == (0, 0)
    ends = [seconds(track[-1].time + track[-1].duration) for track in (video, audio)]
    assert ends[0] == published.plan.duration == int(SECONDS * RATE) / RATE
    assert 0 <= ends[1] - ends[0] < AAC_FRAME


def test_segments_of_sound_begin_with_those_of_the_picture(published):
    video, audio = published.video_tracks[0].fragments, _sound(published).fragments
    assert len(video) == len(audio)
    for picture, sound in zip(video, audio, strict=True):
        assert 0 <= seconds(sound.time - picture.time) < AAC_FRAME


def test_audio_segments_are_continuous_and_named_by_their_time(published):
    track = _sound(published)
    assert [f.time for f in track.fragments] == list(track.segments)
    assert all(a.time + a.duration == b.time for a, b in pairwise(track.fragments))
    for fragment in track.fragments:
        assert {(s.duration, s.composition, s.sync) for s in fragment.samples} == {(AAC_FRAME * TICKS, 0, True)}
