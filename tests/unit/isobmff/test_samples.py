from array import array
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.layout import frame_time
from connector.isobmff.samples import Sample, SampleTable, video_samples

RATES = st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(17), Fraction(60), Fraction(1, 3)])
SAMPLES = st.builds(
    Sample,
    data=st.binary(max_size=5),
    duration=st.integers(1, 1 << 31),
    composition_offset=st.integers(-(1 << 31), (1 << 31) - 1),
    sync=st.booleans(),
)
TABLES = st.builds(
    SampleTable.of,
    st.integers(0, 1 << 50),
    st.integers(0, 1 << 20),
    st.lists(SAMPLES, min_size=1, max_size=6).map(lambda s: [Sample(s[0].data, s[0].duration), *s[1:]]),
)


@given(RATES, st.integers(0, 10**6), st.permutations(range(1, 8)))
def test_presentation_and_decoding_share_the_grid_and_its_start(rate, first, order):
    numbers = [first, *(first + n for n in order)]
    samples = video_samples(first, rate, [(n, b"", n == first) for n in numbers])
    decode = frame_time(first, rate)
    assert samples[0].composition_offset == 0
    for i, (number, sample) in enumerate(zip(numbers, samples, strict=True)):
        assert decode == frame_time(first + i, rate)
        assert decode + sample.composition_offset == frame_time(number, rate)
        decode += sample.duration
    assert decode == frame_time(first + len(numbers), rate)


@pytest.mark.parametrize(
    ("frame", "rate", "ticks"),
    [
        (1, Fraction(60000, 1001), 4004),
        (1, Fraction(30000, 1001), 8008),
        (1, Fraction(24000, 1001), 10010),
        (3, Fraction(7), 102857),
        (1, Fraction(32), 7500),
        (1, Fraction(64_000), 4),
        (1, Fraction(96_000), 3),
    ],
)
def test_a_frame_stands_at_its_number_over_the_rate_rounded_half_up(frame, rate, ticks):
    assert frame_time(frame, rate) == ticks


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [(5, b"", False)],
        [(6, b"", True)],
        [(5, b"", True), (7, b"", False)],
        [(5, b"", True), (5, b"", False)],
        [(6, b"", True), (5, b"", False)],
    ],
    ids=["empty", "no keyframe", "late", "gap", "twice", "open GOP"],
)
def test_a_segment_that_is_not_a_closed_gop_is_refused(frames):
    with pytest.raises(ValueError, match="a segment"):
        video_samples(5, Fraction(25), frames)


@given(st.lists(TABLES, max_size=4))
def test_packed_tables_read_back_also_concatenated(tables):
    assert SampleTable.unpack(b"".join(table.pack() for table in tables)) == tables


@given(TABLES, st.data())
def test_a_truncated_table_is_refused(table, data):
    packed = table.pack()
    cut = data.draw(st.integers(1, len(packed) - 1))
    with pytest.raises(ValueError, match="truncated"):
        SampleTable.unpack(packed[:cut])


def test_a_regular_table_is_compact():
    table = SampleTable.of(0, 100, [Sample(b"x", 5120)] * 188)
    assert len(table.pack()) < 188 * 4 + 40
    assert table.duration == 188 * 5120
    assert table.payload_size == 188


def _packed(*, time=0, sizes=(5,), durations=(9600,), offsets=(), syncs=()):
    columns = (array("I", sizes), array("I", durations), array("i", offsets), array("I", syncs))
    return SampleTable(time, 100, *columns).pack()


@pytest.mark.parametrize(
    "table",
    [
        {"sizes": ()},
        {"durations": ()},
        {"sizes": (5, 5, 5), "durations": (9600, 9600)},
        {"sizes": (5, 5), "offsets": (1,)},
        {"sizes": (5, 5), "syncs": (2,)},
        {"time": (1 << 64) - 1},
    ],
    ids=["no samples", "no durations", "too few durations", "too few offsets", "sync behind the last", "too late"],
)
def test_a_table_that_describes_no_samples_is_refused(table):
    """A media process, which hostile media may have taken over, writes the tables."""
    assert SampleTable.unpack(_packed())
    with pytest.raises(ValueError, match="describes no samples"):
        SampleTable.unpack(_packed() + _packed(**table))
