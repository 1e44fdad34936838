"""Published keys: read once, kept for a while, read anew when they changed, and never from elsewhere."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from connector.errors import AuthorityUnavailable
from connector.security.key_sets import FRESH_SECONDS, PAUSE_SECONDS, STALE_SECONDS, UNKNOWN_SECONDS, KeySet
from tests.support.authority import authority, public_jwk, rsa_key


@pytest.fixture
def keys(published, clock) -> KeySet:
    return KeySet(published.url, clock, newer_seconds=20)


def numbers(key: object) -> object:
    return key.public_numbers()  # type: ignore[attr-defined]


def test_keys_are_found_by_their_id(keys):
    assert numbers(keys.find("a")) == numbers(rsa_key("a").public_key())
    assert keys.find("b") is None
    assert keys.find("") is None


def test_they_are_read_once_for_many(keys, published):
    for _ in range(20):
        assert keys.find("a")
    assert published.reads == 1


def test_they_are_read_once_by_threads_that_come_together(keys, published):
    together = Barrier(8)

    def find(_: int) -> object:
        together.wait()
        return keys.find("a")

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(find, range(8)))
    assert published.reads == 1


def test_a_storm_of_unknown_ids_reads_them_once_per_pause(keys, published, clock):
    for pauses in range(1, 4):
        assert [keys.find(f"unknown-{n}") for n in range(50)] == [None] * 50
        assert published.reads == pauses
        clock.now += PAUSE_SECONDS


def test_a_new_key_is_found_after_the_pause(keys, published, clock):
    assert keys.find("a")
    published.keys["b"] = public_jwk("b")
    clock.now += PAUSE_SECONDS - 1
    assert keys.find("b") is None
    clock.now += 1
    assert numbers(keys.find("b")) == numbers(rsa_key("b").public_key())
    assert published.reads == 2


def test_a_removed_key_is_forgotten_when_the_set_is_read_anew(keys, published, clock):
    assert keys.find("a")
    published.keys = {"b": public_jwk("b")}
    clock.now += FRESH_SECONDS - 1
    assert keys.find("a")
    assert published.reads == 1
    clock.now += 1
    assert keys.find("a") is None
    assert keys.find("b")


def test_a_removed_key_is_forgotten_at_once_when_a_new_one_is_seen(keys, published, clock):
    assert keys.find("a")
    published.keys = {"b": public_jwk("b")}
    clock.now += PAUSE_SECONDS
    assert keys.find("b")
    assert keys.find("a") is None


def test_an_issuer_that_hangs_holds_up_no_call_whose_key_is_known(published, clock):
    keys = KeySet(published.url, clock)
    assert keys.find("a")
    published.answering.clear()
    together = Barrier(6)

    def waited(_: int) -> float:
        together.wait()
        begun = time.monotonic()
        assert keys.find("a")
        return time.monotonic() - begun

    for _ in range(2):
        clock.now += FRESH_SECONDS
        with ThreadPoolExecutor(6) as pool:
            assert max(pool.map(waited, range(6))) < 0.5
    assert published.reads == 2, "one thread reads, and no second one while it does"


def test_a_call_whose_key_is_not_known_waits_for_an_issuer_that_hangs_for_a_bounded_time(published, clock):
    keys = KeySet(published.url, clock, download_seconds=0.2)
    published.answering.clear()
    begun = time.monotonic()
    with pytest.raises(AuthorityUnavailable):
        keys.find("a")
    assert 0.2 <= time.monotonic() - begun < 2


def test_the_set_is_read_in_the_background_and_used_once_it_is_there(published, clock):
    keys = KeySet(published.url, clock, newer_seconds=0)
    assert keys.find("a")
    published.keys = {"b": public_jwk("b")}
    clock.now += FRESH_SECONDS
    assert keys.find("a"), "the set that is known has it"
    until = time.monotonic() + 20
    while keys.find("a"):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert published.reads == 2


def test_an_issuer_is_not_asked_again_and_again_for_an_id_that_it_has_not(keys, published, clock):
    assert keys.find("b") is None
    for _ in range(UNKNOWN_SECONDS // PAUSE_SECONDS - 1):
        clock.now += PAUSE_SECONDS
        assert keys.find("b") is None
    assert published.reads == 1
    published.keys["b"] = public_jwk("b")
    clock.now += PAUSE_SECONDS
    assert keys.find("b")


def test_known_keys_outlive_a_short_outage_and_unknown_ones_stay_undecided(keys, published, clock):
    assert keys.find("a")
    published.status = 500
    clock.now += STALE_SECONDS - 1
    assert keys.find("a")
    with pytest.raises(AuthorityUnavailable):
        keys.find("b")
    assert published.reads == 2
    clock.now += 1
    with pytest.raises(AuthorityUnavailable):
        keys.find("a")


def test_after_an_outage_the_keys_are_back(keys, published, clock):
    published.status = 503
    with pytest.raises(AuthorityUnavailable):
        keys.find("a")
    published.status = 200
    with pytest.raises(AuthorityUnavailable):
        keys.find("a")
    assert published.reads == 1
    clock.now += PAUSE_SECONDS
    assert keys.find("a")


def test_nobody_listening_is_an_outage(clock):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        keys = KeySet(f"http://127.0.0.1:{free.getsockname()[1]}/keys", clock)
        with pytest.raises(AuthorityUnavailable):
            keys.find("a")


GARBAGE = {
    "empty": b"",
    "no-json": b"<html>Welcome to the hotel's network</html>",
    "too-deep": b"[" * 100_000,
    "no-object": b"[]",
    "no-keys": b"{}",
    "keys-no-list": b'{"keys": "a"}',
    "keys-of-nothing": b'{"keys": [1, {}, {"kid": "a"}]}',
    "unknown-kind": b'{"keys": [{"kid": "a", "kty": "secret"}]}',
    "broken-key": b'{"keys": [{"kid": "a", "kty": "RSA", "n": "!", "e": "AQAB"}]}',
    "not-text": bytes(range(128, 256)),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_an_outage(keys, published, name):
    published.answer = GARBAGE[name]
    with pytest.raises(AuthorityUnavailable):
        keys.find("a")


def test_a_set_larger_than_any_is_not_read_to_its_end(keys, published):
    published.answer = b'{"keys": []' + b" " * (8 << 20) + b"}"
    with pytest.raises(AuthorityUnavailable):
        keys.find("a")


def test_a_broken_key_does_not_spoil_the_others(keys, published):
    published.keys["broken"] = {"kty": "RSA", "n": "!", "e": "AQAB"}
    assert keys.find("a")
    assert keys.find("broken") is None


def test_a_key_for_encryption_verifies_nothing(keys, published):
    published.keys["e"] = public_jwk("b")
    published.answer = published.document().replace(b'"kid": "e", "use": "sig"', b'"kid": "e", "use": "enc"')
    assert keys.find("e") is None
    assert keys.find("a")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_another_address_is_never_followed(keys, published, status):
    with authority() as other:
        published.status, published.headers = status, {"Location": other.url}
        with pytest.raises(AuthorityUnavailable):
            keys.find("a")
        assert other.reads == 0
