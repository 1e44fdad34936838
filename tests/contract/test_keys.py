"""Wrapped keys are found by their id, replaced by compare-and-swap, and listed for rotation."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from connector.domain.keys import StoredKey
from connector.domain.video import new_id
from connector.errors import NotFound, RowChanged


def make_key() -> StoredKey:
    return StoredKey(id=uuid4(), video_id=new_id(), master="2026", wrapped=bytes(range(24)))


def test_a_key_is_found_by_its_id(storage):
    key = make_key()
    storage.keys.put(key)
    found = storage.keys.get(key.id)
    assert found.etag
    assert replace(found, etag=None) == key


def test_an_unknown_key_is_not_found(storage):
    with pytest.raises(NotFound):
        storage.keys.get(uuid4())


def test_a_key_is_not_overwritten_by_a_new_one_of_its_id(storage):
    key = make_key()
    storage.keys.put(key)
    with pytest.raises(RowChanged):
        storage.keys.put(key)


def test_of_two_who_wrap_a_key_anew_one_wins(storage):
    key = make_key()
    storage.keys.put(key)
    read = storage.keys.get(key.id)
    storage.keys.put(replace(read, master="2027", wrapped=bytes(24)))
    with pytest.raises(RowChanged):
        storage.keys.put(replace(read, master="2028"))
    assert storage.keys.get(key.id).master == "2027"


def test_a_deleted_key_is_not_brought_back_by_who_read_it_before(storage):
    key = make_key()
    storage.keys.put(key)
    read = storage.keys.get(key.id)
    storage.keys.delete(key.id)
    with pytest.raises(NotFound):
        storage.keys.put(read)


def test_every_key_is_listed(storage):
    keys = [make_key() for _ in range(3)]
    for key in keys:
        storage.keys.put(key)
    assert {key.id for key in keys} <= {key.id for key in storage.keys.all()}


def test_keys_are_found_by_how_their_ids_begin(storage):
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    keys = [replace(make_key(), id=new_id(moment + timedelta(hours=n))) for n in (0, 0, 0, 24)]
    for key in keys:
        storage.keys.put(key)
    found = {key.id: key for key in storage.keys.named(str(keys[0].id)[:6])}
    assert set(found) == {key.id for key in keys[:3]}
    assert replace(found[keys[0].id], etag=None) == keys[0]
    assert [key.id for key in storage.keys.named(str(keys[3].id))] == [keys[3].id]
    assert list(storage.keys.named("ffffff")) == []


def test_deleting_twice_is_harmless(storage):
    key = make_key()
    storage.keys.put(key)
    storage.keys.delete(key.id)
    storage.keys.delete(key.id)
    with pytest.raises(NotFound):
        storage.keys.get(key.id)
