import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.isobmff.boxes import box, boxes, data_header, find, full_box

TYPES = st.binary(min_size=4, max_size=4)


@given(st.lists(st.tuples(TYPES, st.binary(max_size=40)), max_size=8))
def test_what_is_built_is_found_again(content):
    data = b"".join(box(kind, payload) for kind, payload in content)
    assert [(kind, data[start:end]) for kind, start, end in boxes(data)] == content


@given(TYPES, st.integers(0, 255), st.integers(0, (1 << 24) - 1), st.binary(max_size=8))
def test_a_full_box_carries_version_and_flags(kind, version, flags, payload):
    ((_, start, end),) = boxes(data := full_box(kind, version, flags, payload))
    assert data[start] == version
    assert int.from_bytes(data[start + 1 : start + 4]) == flags
    assert data[start + 4 : end] == payload


@given(st.binary(min_size=1, max_size=30))
def test_garbage_is_an_error_and_never_an_endless_loop(data):
    try:
        end = 0
        for _, start, end in boxes(data):
            assert 0 <= start <= end <= len(data)
        assert end == len(data)
    except ValueError:
        pass


def test_a_missing_box_is_named():
    with pytest.raises(ValueError, match="trak"):
        find(box(b"moov", box(b"mvhd")), b"moov", b"trak")


@pytest.mark.parametrize(
    ("payload", "header", "total"), [(10, 8, 18), ((1 << 32) - 9, 8, (1 << 32) - 1), ((1 << 32) - 8, 16, 0)]
)
def test_a_data_header_grows_when_the_size_needs_it(payload, header, total):
    data = data_header(payload)
    assert len(data) == header
    assert data[4:8] == b"mdat"
    if total:
        assert int.from_bytes(data[:4]) == total
    else:
        assert int.from_bytes(data[:4]) == 1
        assert int.from_bytes(data[8:]) == payload + 16
