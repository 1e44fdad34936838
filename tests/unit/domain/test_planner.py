import itertools
import json
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connector.domain.ladder import even, ladder, lines_of
from connector.domain.media_info import Access, AudioStream, MediaInfo, VideoStream
from connector.domain.plan import Plan
from connector.domain.planner import (
    MAX_CHUNKS,
    Limits,
    audio_renditions,
    cut_chunks,
    make_plan,
    output_rate,
    sound_segments,
    tasks,
)
from connector.domain.step import Step, TaskId
from connector.storage.packed import PROPERTY_LIMIT, pack

LIMITS = Limits(segment_seconds=4, chunk_seconds=30, max_lines=2160)


def _video(start="0", end="10", rate="25", **changes) -> VideoStream:
    facts = {
        "index": 0, "codec": "h264", "width": 1280, "height": 720, "display_width": 1280, "display_height": 720,
        "frame_rate": rate, "constant": True, "start": start, "end": end, "tolerance": "1/50", "rotation": 0,
        "interlaced": False, "hdr": False,
    }  # fmt: skip
    return VideoStream.model_validate({**facts, **changes})


def _audio(start="0", end="10", index=1, language="en", title="") -> AudioStream:
    facts = {"index": index, "codec": "aac", "channels": 2, "sampling_rate": 48_000, "start": start, "end": end}
    return AudioStream.model_validate({**facts, "language": language, "title": title})


def _plan(video, *audio, limits=LIMITS):
    return make_plan(MediaInfo(container="mov", access=Access.SEEK, video=video, audio=audio), limits)


def _starts(plan):
    return [chunk.start for chunk in plan.chunks]


@pytest.mark.parametrize(
    ("rate", "grid"),
    [
        ("23.976", "24000/1001"), ("24", "24"), ("25", "25"), ("29.97", "30000/1001"), ("30", "30"), ("50", "50"),
        ("59.94", "60000/1001"), ("60", "60"), ("120", "60"), ("119.88", "60000/1001"), ("240", "60"), ("100", "50"),
        ("12.5", "25/2"), ("7.3", "73/10"), ("15", "15"), ("10", "10"), ("0.1", "1"), ("0", "25"), ("-5", "25"),
        ("1000", "1000/17"), ("90000", "60"), ("60.05", "60"),
    ],
)  # fmt: skip
def test_the_grid_of_a_rate(rate, grid):
    assert output_rate(Fraction(rate)) == Fraction(grid)


@given(st.fractions(Fraction(1, 100), 100_000))
def test_no_grid_is_outside_1_to_60(rate):
    assert 1 <= output_rate(rate) <= 60
    assert output_rate(rate).denominator <= 1001


@pytest.mark.parametrize(
    ("size", "lines"),
    [((1920, 1080), 1080), ((1920, 800), 1080), ((1440, 1080), 1080), ((1080, 1920), 1080), ((3840, 2160), 2160)],
)
def test_lines_are_those_of_the_frame_around_the_picture(size, lines):
    assert lines_of(*size) == lines


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        ((1920, 1080), [(1920, 1080), (1280, 720), (854, 480), (640, 360)]),
        ((1080, 1920), [(1080, 1920), (720, 1280), (480, 854), (360, 640)]),
        ((1440, 1080), [(1440, 1080), (960, 720), (640, 480), (480, 360)]),
        ((2560, 1080), [(2560, 1080), (1920, 810), (1280, 540), (854, 360), (640, 270)]),
        ((7680, 4320), [(3840, 2160), (2560, 1440), (1920, 1080), (1280, 720), (854, 480), (640, 360)]),
        ((1281, 721), [(1280, 720), (852, 480), (640, 360)]),
        ((160, 90), [(160, 90)]),
        ((17, 3), [(16, 2)]),
        ((1, 1), [(2, 2)]),
    ],
)
def test_the_ladder_follows_the_shape_of_the_source(size, sizes):
    got = [(r.width, r.height) for r in ladder(*size, Fraction(25), 2160)]
    assert got == sizes


def test_the_ladder_ends_at_the_setting():
    assert [r.height for r in ladder(1920, 1080, Fraction(25), 720)] == [720, 480, 360]


def test_fast_pictures_get_more_bits():
    slow, fast = (ladder(1280, 720, Fraction(rate), 2160)[0].maxrate for rate in (30, 60))
    assert (slow, fast) == (2_800_000, 4_200_000)


@given(st.integers(1, 8192), st.integers(1, 8192), st.integers(1, 60), st.sampled_from([144, 360, 720, 1080, 2160]))
def test_a_rendition_is_even_unique_and_never_above_the_source(width, height, rate, limit):
    renditions = ladder(width, height, Fraction(rate), limit)
    assert len({r.id for r in renditions}) == len(renditions) >= 1
    assert [r.maxrate for r in renditions] == sorted((r.maxrate for r in renditions), reverse=True)
    for r in renditions:
        assert r.width % 2 == r.height % 2 == 0
        assert 2 <= r.width <= max(2, width)
        assert 2 <= r.height <= max(2, height)
        assert lines_of(r.width, r.height) <= limit + 1


def test_even_numbers_stay():
    assert [even(n) for n in (0, 1, 2, 3.1, 100)] == [2, 2, 2, 4, 100]


@given(st.integers(1, 3000), st.integers(0, 200))
def test_chunks_cover_everything_and_begin_short(segments, longest):
    starts = cut_chunks(segments, longest)
    assert list(starts) == sorted(set(starts))
    lengths = [b - a for a, b in zip(starts, (*starts[1:], segments), strict=True)]
    assert starts[0] == 0
    assert sum(lengths) == segments
    assert lengths[0] == 1
    assert all(1 <= n <= max(1, longest) for n in lengths)
    rising = lengths[: lengths.index(max(lengths)) + 1]
    falling = lengths[len(lengths) - lengths[::-1].index(max(lengths)) - 1 :]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)


def test_chunks_double_up_to_the_longest_and_the_last_ones_are_short_again():
    assert cut_chunks(40, 4) == (0, 1, 2, 4, 8, 12, 16, 20, 24, 28, 32, 36, 38)
    starts = cut_chunks(76, 7)
    assert [b - a for a, b in zip(starts, (*starts[1:], 76), strict=True)][-4:] == [6, 3, 2, 1]


@pytest.mark.parametrize(
    ("end", "starts"),
    [("0.5", [0]), ("4", [0]), ("4.04", [0, 50]), ("6", [0, 50]), ("6.04", [0, 50, 150]), ("13", [0, 50, 150, 250])],
)
def test_the_first_segment_is_half_as_long_unless_there_is_but_one(end, starts):
    plan = _plan(_video(end=end))
    assert [plan.segment_start(n) for n in range(plan.segments)] == starts
    assert plan.head == (50 if len(starts) > 1 else 100)


def test_a_plan_of_an_older_version_has_equal_segments():
    plan = Plan.model_validate(_plan(_video(end="13")).model_dump(exclude={"head"}))
    assert [plan.segment_start(n) for n in range(plan.segments)] == [0, 100, 200, 300]


def _as_in_version_0_2(plan) -> str:
    """JSON of the plan as version 0.2 wrote it: of each chunk the first frame alone."""
    return json.dumps(plan.model_dump(mode="json") | {"chunks": _starts(plan)})


LARGE = {"display_width": 1920, "display_height": 1080}
SMALL = {"display_width": 854, "display_height": 480}
TINY = {"display_width": 640, "display_height": 360}


@pytest.mark.parametrize("end", ["0.04", "4", "4.04", "13", "600", "3600"])
@pytest.mark.parametrize("size", [LARGE, SMALL, TINY], ids=["shared", "not shared", "one rendition"])
def test_plans_of_version_0_2_have_the_same_chunks(size, end):
    plan = _plan(_video(end=end, **size), _audio(end=end))
    assert _starts(plan).count(0) == (2 if size is LARGE else 1)
    read = Plan.model_validate_json(_as_in_version_0_2(plan))
    assert read.chunks == plan.chunks
    assert read == plan
    assert tasks(read) == tasks(plan)


def test_a_plan_of_version_0_2_for_sound_alone_has_no_chunks():
    plan = _plan(None, _audio())
    assert Plan.model_validate_json(_as_in_version_0_2(plan)) == plan


def test_what_was_read_is_written_as_of_today():
    plan = _plan(_video(end="600", **LARGE))
    assert Plan.model_validate_json(_as_in_version_0_2(plan)).model_dump_json() == plan.model_dump_json()


def test_the_longest_plan_fits_into_its_property():
    rate = Fraction(24_000, 1001)
    limits = replace(LIMITS, segment_seconds=1, chunk_seconds=2)
    # Two segments to a chunk, and as many of them as there may be.
    end = (2 * MAX_CHUNKS - 20) * 24 / rate
    tracks = [_audio(index=i, title=f"{i}, {'a' * 60}") for i in range(16)]
    plan = _plan(_video(end=end, rate=rate, display_width=3840, display_height=2160), *tracks, limits=limits)
    assert MAX_CHUNKS - 20 < len(plan.chunks) <= MAX_CHUNKS
    assert len(pack(plan.model_dump_json())) <= PROPERTY_LIMIT


@given(st.integers(1, 3000), st.sampled_from(["24000/1001", "25", "1"]), st.sampled_from([1, 2.5, 4]))
def test_every_frame_is_in_the_segment_between_two_starts(frames, rate, seconds):
    end = Fraction(frames) / Fraction(rate)
    plan = _plan(_video(end=end, rate=rate), limits=replace(LIMITS, segment_seconds=seconds))
    for frame in {0, 1, plan.head - 1, plan.head, plan.gop, frames // 2, frames - 1} & set(range(frames)):
        number = plan.segment_of(frame)
        assert plan.segment_start(number) <= frame < plan.segment_start(number + 1)


def test_sound_is_cut_with_the_picture():
    plan = _plan(_video(rate="24000/1001"), _audio())
    assert sound_segments(plan, 4) == (48 / plan.frame_rate, 96 / plan.frame_rate)


def test_sound_alone_begins_with_a_short_segment_unless_there_is_but_one():
    assert sound_segments(_plan(None, _audio(end="10")), 4) == (2, 4)
    assert sound_segments(_plan(None, _audio(end="4")), 4) == (4, 4)


@pytest.mark.parametrize(
    ("size", "rate", "longest"),
    [((1280, 720), "25", 7), ((1920, 1080), "30", 7), ((3840, 2160), "30", 3), ((3840, 2160), "60", 1)],
)
def test_larger_and_faster_pictures_get_shorter_chunks(size, rate, longest):
    shape = dict(zip(("width", "height", "display_width", "display_height"), size * 2, strict=True))
    plan = _plan(_video(end="3600", rate=rate, **shape))
    lengths = {len(chunk.frames) // plan.gop for chunk in plan.chunks[1:-1]}
    assert max(lengths) == longest


@given(st.integers(1, 20_000), st.sampled_from(["24000/1001", "25", "60", "73/10"]), st.sampled_from([1, 2.5, 4, 20]))
def test_chunks_part_the_frames(frames, rate, seconds):
    plan = _plan(
        _video(end=Fraction(frames) / Fraction(rate), rate=rate), limits=replace(LIMITS, segment_seconds=seconds)
    )
    ranges = [chunk.frames for chunk in plan.chunks]
    first = sum(frames.start == 0 for frames in ranges)
    assert ranges[0] == ranges[first - 1]
    ranges = ranges[first - 1 :]
    assert plan.frames == frames
    assert ranges[0].start == 0
    assert ranges[-1].stop == plan.frames
    assert all(a.stop == b.start for a, b in itertools.pairwise(ranges))
    assert all(len(a) == plan.head for a in ranges[:1][: len(ranges) - 1])
    assert all(len(a) % plan.gop == 0 for a in ranges[1:-1])
    assert all(ranges)
    assert all(0 <= frame < frames for frame in plan.stills.thumbnails)
    assert plan.stills.count <= 100


def test_picture_and_sound_that_begin_together():
    plan = _plan(_video("1", "11"), _audio("1", "11"))
    assert (plan.origin, plan.frames, plan.duration, plan.gop) == (1, 250, 10, 100)


def test_sound_that_begins_first_holds_the_first_picture_for_whole_frames():
    plan = _plan(_video("1", "11"), _audio("0.5", "11"))
    assert (plan.origin, plan.frames) == (Fraction("0.52"), 262)


def test_sound_that_begins_later_changes_nothing():
    assert _plan(_video("1", "11"), _audio("3", "11")).origin == 1


@pytest.mark.parametrize(("end", "frames"), [("10", 250), ("10.1", 250), ("10.11", 253), ("15", 375), ("5", 250)])
def test_sound_that_goes_on_holds_the_last_picture_unless_it_is_a_moment(end, frames):
    assert _plan(_video(), _audio(end=end)).frames == frames


def test_sound_alone():
    plan = _plan(None, _audio("1", "11"), _audio("0.5", "9", index=2))
    assert (plan.frames, plan.gop, plan.chunks, plan.renditions, plan.stills) == (0, 0, (), (), None)
    assert (plan.origin, plan.duration, plan.progressive) == (Fraction("0.5"), Fraction("10.5"), 128_000)
    assert tasks(plan) == (TaskId(Step.AUDIO), TaskId(Step.AUDIO, 1))


def test_neither_picture_nor_sound():
    with pytest.raises(ValueError, match="neither"):
        _plan(None)


def test_variable_frame_rate_keeps_its_tolerance():
    plan = _plan(_video(constant=False, tolerance="1/90000"))
    assert plan.tolerance == Fraction(1, 90_000)


@pytest.mark.parametrize("end", ["0", "0.01", "0.04"])
def test_a_single_frame(end):
    plan = _plan(_video(end=end))
    assert (plan.frames, _starts(plan)) == (1, [0, 0])
    assert (plan.stills.count, plan.stills.columns, plan.stills.thumbnails) == (1, 1, (0,))


def test_the_progressive_file_is_full_hd_at_most():
    sizes = {r.id: r.height for r in _plan(_video(display_width=3840, display_height=2160)).renditions}
    assert sizes[_plan(_video(display_width=3840, display_height=2160)).progressive] == 1080


def test_the_first_chunk_comes_first_then_the_sound():
    first = (TaskId(Step.CHUNK), TaskId(Step.CHUNK, 1), TaskId(Step.AUDIO), TaskId(Step.CHUNK, 2))
    assert tasks(_plan(_video(), _audio()))[:4] == first


def test_two_tasks_share_the_first_segment_of_a_large_picture():
    plan = _plan(_video(display_width=1920, display_height=1080))
    made = [[r.height for r in plan.renditions_of(chunk)] for chunk in plan.chunks]
    assert made == [[1080], [720, 480, 360], *[[1080, 720, 480, 360]] * (len(made) - 2)]
    assert _starts(plan)[:3] == [0, 0, plan.head]
    assert [chunk.frames for chunk in plan.chunks[:2]] == [range(plan.head)] * 2
    assert [plan.makes_top(chunk) for chunk in plan.chunks[:3]] == [True, False, True]


@pytest.mark.parametrize("size", [(854, 480), (640, 360), (100, 100)])
def test_one_task_makes_the_first_segment_of_a_small_one(size):
    plan = _plan(_video(display_width=size[0], display_height=size[1]))
    assert _starts(plan)[:2] == [0, plan.head]
    assert all(plan.renditions_of(chunk) == plan.renditions for chunk in plan.chunks)


def test_a_single_rendition_is_shared_by_nobody():
    limits = replace(LIMITS, max_lines=360)
    plan = _plan(_video(display_width=4000, display_height=360), limits=limits)
    assert len(plan.renditions) == 1
    assert _starts(plan)[:2] == [0, plan.head]


def test_names_and_ids_of_tracks_are_unique():
    titles = ["English", "English", "English 2", "", "", "English"]
    tracks = audio_renditions(tuple(_audio(index=i, title=t, language="und") for i, t in enumerate(titles)))
    assert [t.name for t in tracks] == ["English", "English 2", "English 2 2", "Audio 4", "Audio 5", "English 3"]
    assert [t.id for t in tracks] == [128_000 + i for i in range(6)]


@pytest.mark.parametrize(
    "changes",
    [{"chunks": 1}, {"chunks": [0, None]}, {"renditions": None}, {"renditions": [{}]}, {"frames": "all"}],
    ids=str,
)
def test_a_plan_that_is_neither_new_nor_old_is_refused(changes):
    old = {"chunks": [0, 0, 25], "renditions": [{"id": 1}], "frames": 50}
    with pytest.raises(ValidationError):
        Plan.model_validate(old | changes)
