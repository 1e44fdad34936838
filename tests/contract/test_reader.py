import random
from functools import cache

import pytest

from connector.domain.video import new_id
from connector.errors import NotFound

MIB = 1024 * 1024
SIZE = 64 * MIB
BLOCK = 4 * MIB


@cache
def data() -> bytes:
    return random.Random(1).randbytes(SIZE - 12_345) + bytes(12_345)


@pytest.fixture(scope="module")
def container(storage):
    name = f"work-{new_id()}"
    storage.blobs.create_container(name, public=False)
    storage.blobs.put(name, "large", data())
    yield name
    storage.blobs.delete_container(name)


@pytest.fixture
def reader(storage, container):
    reader = storage.blobs.open(container, "large")
    yield reader
    reader.close()


def test_the_size_is_known_at_once(reader):
    assert reader.size == SIZE
    assert reader.bytes_read == 0


@pytest.mark.parametrize("seed", range(2))
def test_random_access_answers_exactly_the_bytes(reader, seed):
    choose = random.Random(seed)
    position = 0
    for _ in range(100):
        if choose.random() < 0.2:
            position = choose.randrange(SIZE)
        length = choose.choice([1, 100, 32_768, 262_144, 300_001, 1_000_000])
        assert reader.read_at(position, length) == data()[position : position + length]
        position = min(position + length, SIZE)


def test_reads_at_the_end_are_short_and_behind_it_empty(reader):
    assert reader.read_at(SIZE - 10, 100) == data()[-10:]
    assert reader.read_at(SIZE, 100) == b""
    assert reader.read_at(SIZE + 10**9, 100) == b""
    assert reader.read_at(0, 0) == b""


def test_reading_a_little_of_a_large_blob_fetches_little(reader):
    start = 33 * MIB + 4711
    for offset in range(start, start + MIB, 32_768):
        reader.read_at(offset, 32_768)
    reader.close()

    assert MIB <= reader.bytes_read < 6 * MIB


def test_single_reads_all_over_the_blob_fetch_little_each(reader):
    for offset in range(MIB, SIZE, 8 * MIB):
        reader.read_at(offset + 100_000, 1000)
    reader.close()

    assert reader.bytes_read <= 8 * 256 * 1024


@pytest.mark.parametrize("step", [32_768, 1_000_000, 10 * MIB])
def test_reading_on_fetches_each_byte_once(reader, step):
    read = b"".join(reader.read_at(offset, step) for offset in range(0, SIZE, step))
    reader.close()

    assert read == data()
    assert reader.bytes_read == SIZE


def test_reading_on_in_two_places_in_turn_fetches_each_byte_once(reader):
    for offset in range(0, SIZE // 2, 131_072):
        reader.read_at(offset, 131_072)
        reader.read_at(SIZE // 2 + offset, 131_072)
    reader.close()

    assert SIZE <= reader.bytes_read <= SIZE + 2 * BLOCK  # the first place may be read on beyond the middle


def test_two_readers_of_one_blob_do_not_disturb_each_other(storage, container):
    readers = [storage.blobs.open(container, "large") for _ in range(2)]
    for offset in range(0, 3 * MIB, 100_000):
        assert readers[0].read_at(offset, 100) == data()[offset : offset + 100]
        assert readers[1].read_at(SIZE - offset - 100, 100) == data()[SIZE - offset - 100 : SIZE - offset]
    for reader in readers:
        reader.close()


def test_an_empty_blob_reads_as_nothing(storage, container):
    storage.blobs.put(container, "empty", b"")
    reader = storage.blobs.open(container, "empty")

    assert reader.size == 0
    assert reader.read_at(0, 10) == b""
    reader.close()


@pytest.mark.parametrize("change", ["overwritten", "deleted"])
def test_a_reader_fails_once_its_blob_changed(storage, change):
    container = f"work-{new_id()}"
    storage.blobs.create_container(container, public=False)
    storage.blobs.put(container, "a", b"1" * 8 * MIB)
    reader = storage.blobs.open(container, "a")
    reader.read_at(0, 10)

    if change == "overwritten":
        storage.blobs.put(container, "a", b"2" * 8 * MIB)
    else:
        storage.blobs.delete_container(container)

    with pytest.raises(NotFound):
        reader.read_at(8 * MIB - 10, 10)
    reader.close()


def test_a_version_that_is_known_is_read_and_no_other(storage, container):
    storage.blobs.put(container, "b", b"12")
    version = storage.blobs.properties(container, "b")
    reader = storage.blobs.open(container, "b", version)
    assert (reader.size, reader.read_at(0, 9)) == (2, b"12")
    reader.close()
    storage.blobs.put(container, "b", b"34")

    reader = storage.blobs.open(container, "b", version)
    with pytest.raises(NotFound):
        reader.read_at(0, 9)
    reader.close()


def test_a_blob_that_is_not_there_cannot_be_opened(storage, container):
    with pytest.raises(NotFound):
        storage.blobs.open(container, "nothing")


def test_a_closed_reader_reads_no_more_and_closes_twice(storage, container):
    reader = storage.blobs.open(container, "large")
    reader.close()
    reader.close()

    with pytest.raises(ValueError, match="closed"):
        reader.read_at(0, 1)
