"""What a source does not have is not spent on it."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.ladder import APART, FLOOR, PEAK, capped, ladder
from connector.domain.media_info import Access, MediaInfo, VideoStream
from connector.domain.planner import Limits, make_plan, source_bitrate

LIMITS = Limits(segment_seconds=4, chunk_seconds=30, max_lines=2160)


def _info(size=None, seconds=10, lines=1080, **changes) -> MediaInfo:
    width = lines * 16 // 9
    facts = {
        "index": 0, "codec": "h264", "width": width, "height": lines, "display_width": width, "display_height": lines,
        "frame_rate": "25", "constant": True, "start": "1", "end": str(1 + seconds), "tolerance": "1/50",
        "rotation": 0, "interlaced": False, "hdr": False,
    }  # fmt: skip
    video = VideoStream.model_validate({**facts, **changes})
    return MediaInfo(container="mov", access=Access.SEEK, video=video, audio=(), size=size)


@pytest.mark.parametrize(
    ("source", "rates"),
    [
        (None, [5_000_000, 2_800_000, 1_300_000, 750_000]),
        (12_000_000, [5_000_000, 2_800_000, 1_300_000, 750_000]),
        (2_000_000, [4_000_000, 2_800_000, 1_300_000, 750_000]),
        # 720 lines could cost nearly as much as 1080.
        (1_500_000, [3_000_000, 1_300_000, 750_000]),
        (800_000, [1_600_000, 750_000]),
        (650_000, [1_300_000, 750_000]),
        # The lowest is an alternative whatever the source has, and a still screen must stay legible.
        (450_000, [1_250_000, 900_000, 450_000]),
        (10_000, [1_250_000, 700_000, 320_000, 190_000]),
    ],
)
def test_no_rendition_may_spend_much_more_than_the_source(source, rates):
    assert [r.maxrate for r in capped(ladder(1920, 1080, Fraction(25), 2160), source)] == rates


@given(
    st.integers(1, 8192), st.integers(1, 8192), st.integers(1, 60), st.sampled_from([144, 360, 720, 2160]),
    st.none() | st.integers(0, 100_000_000),
)  # fmt: skip
def test_what_stays_is_distinct_and_ends_where_the_ladder_ends(width, height, rate, limit, source):
    whole = ladder(width, height, Fraction(rate), limit)
    kept = capped(whole, source)
    rates = [r.maxrate for r in kept]
    assert [r.id for r in kept] == rates
    assert all(rate % 10_000 == 0 for rate in rates)
    assert len(set(rates)) == len(rates)
    assert rates == sorted(rates, reverse=True)
    assert [(r.width, r.height) for r in (kept[0], kept[-1])] == [(r.width, r.height) for r in (whole[0], whole[-1])]
    if source is None or source * PEAK >= whole[0].maxrate:
        assert kept == whole


def test_no_rung_is_too_near_to_the_next_by_itself():
    for lines in range(2, 2161, 2):
        rates = [r.maxrate for r in ladder(lines * 16 // 9, lines, Fraction(25), 2160)]
        assert all(low <= APART * high for high, low in itertools.pairwise(rates))


@pytest.mark.parametrize(
    ("codec", "bitrate"),
    [("h264", 800_000), ("hevc", 1_280_000), ("vp9", 1_280_000), ("libdav1d", 1_600_000), ("mpeg2video", 800_000)],
)
def test_newer_codecs_say_more_in_a_bit(codec, bitrate):
    assert source_bitrate(_info(size=1_000_000, codec=codec)) == bitrate


@pytest.mark.parametrize("size", [None, 0])
def test_a_size_that_is_not_known_caps_nothing(size):
    assert source_bitrate(_info(size=size)) is None


def test_a_picture_without_a_length_caps_nothing():
    assert source_bitrate(_info(size=1000, seconds=0)) is None


def test_the_plan_is_capped_by_the_size_of_the_upload():
    # 1 Mbit/s
    assert [r.maxrate for r in make_plan(_info(size=1_250_000), LIMITS).renditions] == [2_000_000, 1_300_000, 750_000]
    assert make_plan(_info(size=10_000), LIMITS).renditions[0].maxrate == FLOOR * 5_000_000


@pytest.mark.parametrize(
    ("lines", "most", "heights"),
    [(None, 2160, [1080, 720, 480, 360]), (720, 2160, [720, 480, 360]), (360, 2160, [360]), (720, 480, [480, 360])],
)
def test_the_ladder_begins_where_the_source_has_detail(lines, most, heights):
    plan = make_plan(_info(detail_lines=lines), Limits(segment_seconds=4, chunk_seconds=30, max_lines=most))
    assert [r.height for r in plan.renditions] == heights
