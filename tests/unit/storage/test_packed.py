import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.storage.packed import LONGEST, compress, unpack


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_packed_is_read_back(text):
    assert unpack(compress(text)) == text


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", compress("[1, 2, 3]")[:-1], zlib.compress(b"\xff")],
    ids=["nothing", "not compressed", "cut off", "not text"],
)
def test_anything_else_is_refused(data):
    with pytest.raises(ValueError):
        unpack(data)


def test_few_bytes_do_not_fill_the_memory():
    bomb = zlib.compress(bytes(LONGEST + 1))
    assert len(bomb) < 64 * 1024
    with pytest.raises(ValueError, match="too long"):
        unpack(bomb)
