"""The reader's cache by itself: what it fetches, and what it keeps."""

import random
from threading import Event, current_thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.storage.read_ahead import CACHED_CELLS, CELL, LONGEST_RUN, ReadAhead

DATA = random.Random(1).randbytes(30 * 1024 * 1024 + 777)


class Source:
    """Notes every fetch."""

    def __init__(self) -> None:
        self.fetched: list[tuple[int, int]] = []

    def fetch(self, offset: int, length: int) -> bytes:
        assert offset % CELL == 0
        assert 0 < length <= LONGEST_RUN * CELL
        assert offset + length <= len(DATA)
        self.fetched.append((offset, length))
        return DATA[offset : offset + length]


offsets = st.integers(0, len(DATA) + 10) | st.sampled_from([i * CELL + d for i in range(120) for d in (-1, 0, 1)])
lengths = st.sampled_from([0, 1, 4096, CELL - 1, CELL, CELL + 1, 5 * CELL, 6_000_000])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(offsets, lengths, st.integers(1, 12)), max_size=12))
def test_any_pattern_of_reads_answers_the_bytes_in_bounded_memory(reads):
    source = Source()
    cache = ReadAhead(source.fetch, len(DATA))
    for start, length, times in reads:
        offset = max(start, 0)
        for _ in range(times):
            assert cache.read_at(offset, length) == DATA[offset : offset + length]
            assert len(cache._cells) <= CACHED_CELLS
            offset += length
    cache.close()


def test_fetches_double_while_reading_on():
    source = Source()
    cache = ReadAhead(source.fetch, len(DATA))
    for offset in range(0, 12 * 1024 * 1024, 50_000):
        cache.read_at(offset, 50_000)
    cache.close()

    assert [length // CELL for _, length in source.fetched[:6]] == [1, 2, 4, 8, 16, 17]


def test_who_jumps_to_the_end_gets_all_up_to_it_at_once():
    source = Source()
    cache = ReadAhead(source.fetch, len(DATA))
    begin = len(DATA) - 3_000_000
    for offset in range(begin, len(DATA), 50_000):
        cache.read_at(offset, 50_000)
    cache.close()

    assert source.fetched == [(begin // CELL * CELL, len(DATA) - begin // CELL * CELL)]


def test_bytes_still_cached_are_not_fetched_again():
    source = Source()
    cache = ReadAhead(source.fetch, len(DATA))
    for _ in range(3):
        for offset in (0, 10 * CELL, 20 * CELL, 40 * CELL):
            cache.read_at(offset, 1000)
    cache.close()

    assert len(source.fetched) == 4


def test_the_following_bytes_are_fetched_while_these_are_used():
    ahead = Event()

    def fetch(offset: int, length: int) -> bytes:
        if current_thread().name.startswith("read-ahead"):
            ahead.set()
        return DATA[offset : offset + length]

    cache = ReadAhead(fetch, len(DATA))
    cache.read_at(0, CELL)
    cache.read_at(CELL, CELL)

    assert ahead.wait(30)
    cache.close()


def test_a_failed_read_ahead_is_raised_to_whoever_needs_the_bytes_and_to_nobody_else():
    failing = True

    def fetch(offset: int, length: int) -> bytes:
        if failing and offset == 3 * CELL:
            raise OSError("gone")
        return DATA[offset : offset + length]

    cache = ReadAhead(fetch, len(DATA))
    cache.read_at(0, CELL)
    cache.read_at(CELL, 2 * CELL)  # starts to fetch cell 3
    assert cache.read_at(50 * CELL, 10) == DATA[50 * CELL : 50 * CELL + 10]

    with pytest.raises(OSError, match="gone"):
        cache.read_at(3 * CELL, 10)
    failing = False
    assert cache.read_at(3 * CELL, 10) == DATA[3 * CELL : 3 * CELL + 10]
    cache.close()
