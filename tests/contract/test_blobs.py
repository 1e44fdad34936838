import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from connector.domain.layout import UPLOADS
from connector.domain.video import new_id
from connector.errors import BrokenOutput, InvalidName, NotFound, StorageError

NAMES = ["master.m3u8", "video/5000000/0.m4s", "Größe 50 % #1? 海 🎬+~.bin"]


@pytest.fixture
def container(storage):
    name = f"video-{new_id()}"
    storage.blobs.create_container(name, public=True)
    yield name
    storage.blobs.delete_container(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_blob_comes_back_as_it_was_put(storage, container, name):
    data = secrets.token_bytes(100_000)

    storage.blobs.put(container, name, data)

    assert storage.blobs.get(container, name) == data
    assert storage.blobs.exists(container, name)
    assert storage.blobs.properties(container, name)[0] == len(data)


def test_an_empty_blob_is_a_blob(storage, container):
    storage.blobs.put(container, "a", b"")

    assert storage.blobs.get(container, "a") == b""
    assert storage.blobs.properties(container, "a")[0] == 0


def test_putting_again_replaces_and_changes_the_etag(storage, container):
    storage.blobs.put(container, "a", b"one")
    before = storage.blobs.properties(container, "a")[1]

    storage.blobs.put(container, "a", b"two")

    assert storage.blobs.get(container, "a") == b"two"
    assert storage.blobs.properties(container, "a")[1] != before


@pytest.mark.parametrize("place", ["a container without it", "no container"])
def test_what_is_not_there_is_not_found(storage, container, place):
    where = container if place == "a container without it" else f"video-{new_id()}"

    assert not storage.blobs.exists(where, "a")
    for call in (storage.blobs.get, storage.blobs.properties, storage.blobs.open):
        with pytest.raises(NotFound):
            call(where, "a")


def test_nothing_is_written_without_a_container(storage):
    where = f"video-{new_id()}"

    for write in (
        lambda: storage.blobs.put(where, "a", b"1"),
        lambda: storage.blobs.stage(where, "a", "0001", b"1"),
        lambda: storage.blobs.commit(where, "a", []),
    ):
        with pytest.raises(NotFound):
            write()


def test_creating_a_container_again_keeps_what_is_in_it(storage, container):
    storage.blobs.put(container, "a", b"1")

    storage.blobs.create_container(container, public=True)

    assert storage.blobs.get(container, "a") == b"1"


def test_a_container_is_deleted_with_all_blobs_and_deleting_it_again_is_harmless(storage, container):
    storage.blobs.put(container, "a", b"1")

    storage.blobs.delete_container(container)
    storage.blobs.delete_container(container)

    assert not storage.blobs.exists(container, "a")


def test_blocks_are_joined_in_the_order_of_the_commit(storage, container):
    for block in ("0003", "0001", "0002"):
        storage.blobs.stage(container, "a", block, block.encode() * 1000)
    assert not storage.blobs.exists(container, "a")

    storage.blobs.commit(container, "a", ["0001", "0002", "0003"])

    assert storage.blobs.get(container, "a") == b"0001" * 1000 + b"0002" * 1000 + b"0003" * 1000


def test_staging_a_block_again_replaces_it(storage, container):
    storage.blobs.stage(container, "a", "0001", b"first")
    storage.blobs.stage(container, "a", "0001", b"second")

    storage.blobs.commit(container, "a", ["0001"])

    assert storage.blobs.get(container, "a") == b"second"


def test_committing_twice_is_harmless(storage, container):
    storage.blobs.stage(container, "a", "0001", b"data")

    storage.blobs.commit(container, "a", ["0001"])
    storage.blobs.commit(container, "a", ["0001"])

    assert storage.blobs.get(container, "a") == b"data"


def test_blocks_left_out_of_a_commit_are_dropped(storage, container):
    storage.blobs.stage(container, "a", "0001", b"one")
    storage.blobs.stage(container, "a", "0002", b"two")
    storage.blobs.commit(container, "a", ["0001"])

    with pytest.raises(BrokenOutput):
        storage.blobs.commit(container, "a", ["0001", "0002"])

    assert storage.blobs.get(container, "a") == b"one"


def test_committing_a_missing_block_is_broken_output(storage, container):
    storage.blobs.stage(container, "a", "0001", b"one")

    with pytest.raises(BrokenOutput):
        storage.blobs.commit(container, "a", ["0001", "0002"])

    assert not storage.blobs.exists(container, "a")


def test_block_names_of_different_length_are_refused(storage, container):
    storage.blobs.stage(container, "a", "0001", b"one")

    with pytest.raises(StorageError):
        storage.blobs.stage(container, "a", "0000002", b"two")


def test_an_upload_is_deleted_and_no_other(storage):
    video_id, other = new_id(), new_id()
    mine = [f"{video_id}/{video_id}.mp4", f"{video_id}/Größe 🎬.mp4"]
    for name in [*mine, f"{other}/{other}.mp4"]:
        storage.blobs.put(UPLOADS, name, b"1")

    storage.blobs.delete_upload(video_id)
    storage.blobs.delete_upload(video_id)

    assert not any(storage.blobs.exists(UPLOADS, name) for name in mine)
    assert storage.blobs.exists(UPLOADS, f"{other}/{other}.mp4")


def test_a_snapshot_keeps_what_was_uploaded_whatever_is_written_later(storage):
    name = f"{new_id()}/a.mp4"
    storage.blobs.put(UPLOADS, name, b"the upload")

    kept = storage.blobs.take_snapshot(UPLOADS, name)
    storage.blobs.put(UPLOADS, name, b"something else")

    assert kept.size == len(b"the upload")
    reader = storage.blobs.open(UPLOADS, name, kept)
    assert (reader.size, reader.read_at(0, 100), reader.read_at(4, 2)) == (10, b"the upload", b"up")
    reader.close()
    assert storage.blobs.get(UPLOADS, name) == b"something else"


def test_a_snapshot_has_the_etag_of_the_version_that_it_keeps(storage):
    name = f"{new_id()}/a.mp4"
    storage.blobs.put(UPLOADS, name, b"the upload")
    etag = storage.blobs.properties(UPLOADS, name).etag
    first, second = (storage.blobs.take_snapshot(UPLOADS, name) for _ in range(2))
    assert first.etag == second.etag == etag

    reader = storage.blobs.open(UPLOADS, name, first._replace(etag='"0x1"'))
    with pytest.raises(NotFound):
        reader.read_at(0, 1)
    reader.close()


def test_there_is_no_snapshot_of_what_is_not_there(storage):
    with pytest.raises(NotFound):
        storage.blobs.take_snapshot(UPLOADS, f"{new_id()}/a.mp4")


def test_an_upload_is_deleted_with_its_snapshots(storage):
    video_id = new_id()
    name = f"{video_id}/a.mp4"
    storage.blobs.put(UPLOADS, name, b"the upload")
    versions = [storage.blobs.take_snapshot(UPLOADS, name)]
    storage.blobs.put(UPLOADS, name, b"something else")
    versions.append(storage.blobs.take_snapshot(UPLOADS, name))

    storage.blobs.delete_upload(video_id)

    for version in versions:
        reader = storage.blobs.open(UPLOADS, name, version)
        with pytest.raises(NotFound):
            reader.read_at(0, 1)
        reader.close()


def test_containers_are_found_by_how_their_names_begin(storage):
    names = [f"work-feedbeef-{n}" for n in range(3)]
    for name in names:
        storage.blobs.create_container(name, public=False)

    assert sorted(storage.blobs.container_names("work-feedbe")) == names
    assert list(storage.blobs.container_names("work-feedbf")) == []
    for name in names:
        storage.blobs.delete_container(name)
    assert list(storage.blobs.container_names("work-feedbe")) == []


def test_uploads_are_found_by_how_their_folders_begin(storage):
    video_id = new_id()
    for name in ("a.mp4", "b.mp4", "c/d.mp4"):
        storage.blobs.put(UPLOADS, f"{video_id}/{name}", b"1")

    assert list(storage.blobs.upload_folders(str(video_id)[:18])) == [str(video_id)]
    storage.blobs.delete_upload(video_id)
    assert list(storage.blobs.upload_folders(str(video_id))) == []


def test_signed_urls_name_the_blob_and_are_longer_than_the_plain_one(storage):
    name = f"{new_id()}/ä.mp4"
    plain = storage.blobs.public_uri(UPLOADS, name)

    assert storage.blobs.upload_uri(name, timedelta(hours=1)).startswith(plain + "?")
    assert storage.blobs.read_uri(UPLOADS, name, timedelta(hours=1)).startswith(plain + "?")
    assert "?" not in plain


def test_an_early_blob_is_replaced_by_greater_versions_only(storage, container):
    assert storage.blobs.early_version(container, "master.m3u8") is None
    assert storage.blobs.put_early(container, "master.m3u8", b"two", 2)
    assert not storage.blobs.put_early(container, "master.m3u8", b"one", 1)
    assert not storage.blobs.put_early(container, "master.m3u8", b"two again", 2)
    assert storage.blobs.get(container, "master.m3u8") == b"two"
    assert storage.blobs.put_early(container, "master.m3u8", b"three", 3)
    assert storage.blobs.get(container, "master.m3u8") == b"three"
    assert storage.blobs.early_version(container, "master.m3u8") == 3


def test_what_was_put_is_replaced_by_nothing_early(storage, container):
    storage.blobs.put_early(container, "master.m3u8", b"early", 7)

    storage.blobs.put(container, "master.m3u8", b"whole")

    assert not storage.blobs.put_early(container, "master.m3u8", b"late", 8)
    assert storage.blobs.get(container, "master.m3u8") == b"whole"
    assert storage.blobs.early_version(container, "master.m3u8") is None


def test_nothing_is_put_early_without_a_container(storage):
    where = f"video-{new_id()}"

    with pytest.raises(NotFound):
        storage.blobs.put_early(where, "master.m3u8", b"1", 1)
    assert storage.blobs.early_version(where, "master.m3u8") is None


def test_of_many_early_versions_at_once_the_greatest_stays(storage, container):
    def put_early(version):
        return storage.blobs.put_early(container, "manifest.mpd", str(version).encode(), version)

    with ThreadPoolExecutor(8) as threads:
        written = list(threads.map(put_early, [5, 3, 8, 1, 7, 2, 6, 4] * 3))

    assert any(written)
    assert storage.blobs.get(container, "manifest.mpd") == b"8"


BAD_NAMES = ["", ".", "..", "../uploads/a", "a/../b", "a/./b", "/a", "a/", "a//b", "a\\b", "a\nb", "a\x7fb"]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_could_lead_elsewhere_is_refused(storage, container, name):
    blobs, hour = storage.blobs, timedelta(hours=1)
    for call in (
        lambda: blobs.put(container, name, b"1"),
        lambda: blobs.put_early(container, name, b"1", 1),
        lambda: blobs.early_version(container, name),
        lambda: blobs.get(container, name),
        lambda: blobs.exists(container, name),
        lambda: blobs.properties(container, name),
        lambda: blobs.open(container, name),
        lambda: blobs.stage(container, name, "0001", b"1"),
        lambda: blobs.commit(container, name, ["0001"]),
        lambda: blobs.upload_uri(name, hour),
        lambda: blobs.read_uri(container, name, hour),
        lambda: blobs.public_uri(container, name),
    ):
        with pytest.raises(InvalidName):
            call()


@pytest.mark.parametrize("name", ["", "..", "video-1/..", "Video", "a" * 64])
def test_a_container_that_is_none_is_refused(storage, name):
    blobs = storage.blobs
    for call in (
        lambda: blobs.create_container(name, public=False),
        lambda: blobs.delete_container(name),
        lambda: blobs.put(name, "a", b"1"),
        lambda: blobs.get(name, "a"),
        lambda: blobs.container_uri(name),
        lambda: blobs.container_query(name, timedelta(hours=1)),
        lambda: list(blobs.container_names(name)),
    ):
        with pytest.raises(InvalidName):
            call()
