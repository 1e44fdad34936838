"""Every source frame comes out once, in order and at its exact time, in every rendition, across all seams of chunks."""

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from random import Random

import av
import pytest

from connector.domain import planner
from connector.domain.media_info import Access
from tests.media.audio import Audio
from tests.media.cache import cached
from tests.media.frame_numbers import read
from tests.media.sources import FIFTY, NTSC, NTSC_DOUBLE, NTSC_FILM, PAL, Video, numbered
from tests.support.apps import memory_app
from tests.support.fragments import TICKS, nal_types, pictures
from tests.support.in_process import publish
from tests.support.tracks import Output

pytestmark = pytest.mark.media

SIZE = (432, 432)
"""Two renditions, and not too many px."""
SECONDS = 8
_OPEN_GOP = {"preset": "veryfast", "crf": "18", "x264-params": "open-gop=1:scenecut=0:threads=1"}


@dataclass(frozen=True)
class Case:
    suffix: str
    video: Video
    audio: tuple[Audio, ...] = ()
    access: Access = Access.SEEK
    shared: bool = False
    """Whether two tasks make the first segment, as of a larger picture."""


def _constant(fps: Fraction, **more) -> Video:
    # A little more than whole seconds, so that the last segment and chunk are short ones.
    return Video(fps=fps, frames=int(fps * SECONDS) + 7, size=SIZE, **more)


def _irregular(seed: int, tick: int) -> tuple[Fraction, ...]:
    """Frames between 1/50 s and 1/4 s apart, in whole units of 1 / `tick` s."""
    random = Random(seed)
    steps = [random.choice([1 / 50, 1 / 30, 1 / 30, 1 / 24, 1 / 10, 1 / 4]) for _ in range(100)]
    return (Fraction(0), *(Fraction(round(t * tick), tick) for t in accumulate(steps)))


CASES = {
    "film_mkv": Case("mkv", _constant(NTSC_FILM, gop=53, b_frames=3, options=_OPEN_GOP)),
    "pal_mp4": Case("mp4", _constant(PAL, gop=37, b_frames=3, options=_OPEN_GOP), shared=True),
    "ntsc_hevc_mp4": Case("mp4", _constant(NTSC, gop=41, codec="libx265")),
    "fifty_ts": Case("ts", _constant(FIFTY, gop=66, b_frames=2), access=Access.START),
    "ntsc_double_mp4": Case("mp4", _constant(NTSC_DOUBLE, gop=1000, b_frames=2), (Audio(),)),
    "variable_mkv": Case("mkv", Video(timestamps=_irregular(1, 1000), size=SIZE, gop=29, b_frames=2)),
    "variable_mp4": Case("mp4", Video(timestamps=_irregular(2, 90_000), size=SIZE, gop=29, b_frames=2)),
}


@pytest.fixture(scope="module", params=CASES)
def case(request) -> Case:
    return CASES[request.param]


@pytest.fixture(scope="module")
def published(case) -> Output:
    name = f"frames.{case.suffix}"
    path = cached(name, lambda p: numbered(p, case.video, case.audio), repr(case))
    app = memory_app(segment_seconds=1, chunk_seconds=2)
    with pytest.MonkeyPatch.context() as patch:
        if case.shared:
            patch.setattr(planner, "SHARED_PIXELS", 0)
        return Output(app, publish(app, path))


def _expected(case: Case, published: Output) -> list[int]:
    """The source frame that is current at the time of each output frame."""
    plan, video = published.plan, case.video
    if video.timestamps is None:
        return list(range(video.frames))
    times, tolerance = list(video.timestamps), published.video.info.video.tolerance
    assert tolerance <= Fraction(1, 1000)
    return [bisect_right(times, n / plan.frame_rate + tolerance) - 1 for n in range(plan.frames)]


def test_the_grid_is_the_source_s(case, published):
    info, plan = published.video.info, published.plan
    assert info.access is case.access
    assert len(plan.renditions) == 2
    assert len(plan.chunks) >= 5
    assert [chunk.start for chunk in plan.chunks].count(0) == (2 if case.shared else 1)
    if case.video.timestamps is None:
        assert (plan.frame_rate, plan.frames) == (case.video.fps, case.video.frames)
    else:
        assert not info.video.constant
        # How long the last frame lasts is told differently by each container.
        last = case.video.timestamps[-1]
        assert last < plan.duration <= last + Fraction(1, 4)


def test_every_rendition_shows_each_frame_at_its_time(case, published):
    expected = _expected(case, published)
    for track in published.video_tracks:
        times = [time for fragment in track.fragments for time in fragment.presented]
        assert times == [int(n * TICKS / published.plan.frame_rate + Fraction(1, 2)) for n in range(len(expected))]
        assert [read(picture) for picture in pictures(track.init, list(track.segments.values()))] == expected


def test_the_progressive_file_shows_each_frame_at_its_time(case, published, tmp_path):
    path = tmp_path / "download.mp4"
    path.write_bytes(published.blobs["download.mp4"])
    with av.open(str(path)) as container:
        shown = [(frame.pts * frame.time_base, read(frame)) for frame in container.decode(video=0)]
    assert [number for _, number in shown] == _expected(case, published)
    for n, (time, _) in enumerate(shown):
        assert abs(time - n / published.plan.frame_rate) <= Fraction(1, 2 * TICKS)


def test_segments_are_continuous_and_each_can_be_entered(published):
    plan = published.plan
    for track in published.video_tracks:
        at = 0
        for name, fragment in zip(track.segments, track.fragments, strict=True):
            assert name == fragment.time == at == fragment.presented[0]
            begin = round(at * plan.frame_rate / TICKS)
            end = min(plan.segment_start(plan.segment_of(begin) + 1), plan.frames)
            assert len(fragment.samples) == end - begin
            assert [s.sync for s in fragment.samples] == [True] + [False] * (len(fragment.samples) - 1)
            assert nal_types(fragment.payload[: fragment.samples[0].size]) == [5]
            at += fragment.duration
        assert at == int(plan.frames * TICKS / plan.frame_rate + Fraction(1, 2))


def test_a_segment_alone_decodes_to_its_own_frames(case, published):
    track = published.video_tracks[-1]
    expected, plan = _expected(case, published), published.plan
    for n in (0, 1, len(track.segments) // 2, len(track.segments) - 1):
        segment = list(track.segments.values())[n]
        assert [read(p) for p in pictures(track.init, [segment])] == (
            expected[plan.segment_start(n) : plan.segment_start(n + 1)]
        )


def test_all_chunks_agree_on_the_init_segments(published):
    for rendition in published.plan.renditions:
        found = {r.init for output in published.chunk_outputs for r in output.renditions if r.id == rendition.id}
        assert found == {published.track("video", rendition.id).init.hex()}


def test_nothing_was_taken_for_damaged(published):
    assert [output.damaged for output in published.chunk_outputs] == [0] * len(published.plan.chunks)
