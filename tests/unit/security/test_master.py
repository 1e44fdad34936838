import base64
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import KeyUnavailable
from connector.security.master import KeyRing, WrappedKey, fingerprint, unwrap, wrap

OLD, NEW = bytes(range(32)), bytes(range(32, 64))


def _text(name: str, key: bytes) -> str:
    return f"{name}:{base64.b64encode(key).decode()}"


@pytest.mark.parametrize(
    ("master", "key", "wrapped"),
    [
        (
            "000102030405060708090A0B0C0D0E0F",
            "00112233445566778899AABBCCDDEEFF",
            "1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5",
        ),
        (
            "000102030405060708090A0B0C0D0E0F1011121314151617",
            "00112233445566778899AABBCCDDEEFF",
            "96778B25AE6CA435F92B5B97C050AED2468AB8A17AD84E5D",
        ),
        (
            "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
            "00112233445566778899AABBCCDDEEFF",
            "64E8C3F9CE0F5BA263E9777905818A2A93C8191E7D6E8AE7",
        ),
        (
            "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
            "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F",
            "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21",
        ),
    ],
)
def test_the_vectors_of_rfc_3394_come_out(master, key, wrapped):
    """Sections 4.1, 4.2, 4.3 and 4.6."""
    ring = KeyRing((("m", bytes.fromhex(master)),))
    assert wrap(ring, bytes.fromhex(key)) == WrappedKey("m", bytes.fromhex(wrapped))
    assert unwrap(ring, WrappedKey("m", bytes.fromhex(wrapped))) == bytes.fromhex(key)


def test_an_old_master_key_unwraps_until_it_is_removed():
    wrapped = wrap(KeyRing.parse(_text("old", OLD)), bytes(16))
    assert unwrap(KeyRing.parse(f"{_text('new', NEW)},{_text('old', OLD)}"), wrapped) == bytes(16)
    with pytest.raises(KeyUnavailable):
        unwrap(KeyRing.parse(_text("new", NEW)), wrapped)


def test_new_keys_are_wrapped_under_the_first_master_key():
    ring = KeyRing.parse(f"{_text('new', NEW)}, {_text('old', OLD)}")
    assert ring.current == ("new", NEW)
    assert wrap(ring, bytes(16)).master == "new"


def test_another_key_of_the_same_name_unwraps_nothing():
    wrapped = wrap(KeyRing((("m", OLD),)), bytes(16))
    with pytest.raises(KeyUnavailable):
        unwrap(KeyRing((("m", NEW),)), wrapped)


@given(st.integers(0, 24 * 8 - 1))
def test_a_flipped_bit_is_noticed(bit):
    ring = KeyRing((("m", OLD),))
    data = int.from_bytes(wrap(ring, bytes(range(16))).data) ^ 1 << bit
    with pytest.raises(KeyUnavailable):
        unwrap(ring, WrappedKey("m", data.to_bytes(24)))


@pytest.mark.parametrize("data", [b"", b"short", bytes(17), bytes(16)])
def test_what_cannot_be_a_wrapped_key_is_refused(data):
    with pytest.raises(KeyUnavailable):
        unwrap(KeyRing((("m", OLD),)), WrappedKey("m", data))


@pytest.mark.parametrize("size", [16, 24, 32])
def test_keys_of_every_aes_size_are_read(size):
    assert KeyRing.parse(f" {_text('k', bytes(size))} ,").keys == (("k", bytes(size)),)


def test_a_ring_without_keys_has_no_current_one():
    ring = KeyRing.parse(" , ")
    with pytest.raises(KeyUnavailable):
        _ = ring.current
    with pytest.raises(KeyUnavailable):
        ring.find("")


@pytest.mark.parametrize(
    "text",
    [
        _text("k", bytes(15)),
        _text("k", b""),
        _text("", bytes(32)),
        base64.b64encode(bytes(32)).decode(),
        "k:not-base64-but-secret!",
        "k:c2VjcmV0äöü",
        f"{_text('k', OLD)},{_text('k', NEW)}",
    ],
)
def test_a_malformed_ring_is_refused_without_being_quoted(text):
    with pytest.raises(ValueError) as refused:
        KeyRing.parse(text)
    told = str(refused.value)
    assert all(part.partition(":")[2] not in told for part in text.split(",") if part.partition(":")[2])


def test_a_ring_does_not_show_its_keys():
    ring = KeyRing.parse(_text("k", b"0123456789abcdef"))
    assert "0123456789abcdef" not in f"{ring} {ring!r}"


def test_a_refusal_to_unwrap_shows_no_key():
    wrapped = wrap(KeyRing((("m", b"A" * 16),)), b"B" * 16)
    with pytest.raises(KeyUnavailable) as refused:
        unwrap(KeyRing((("m", b"C" * 16),)), wrapped)
    told = "".join(traceback.format_exception(refused.value))
    assert not any(letter * 16 in told for letter in "ABC")


def test_a_fingerprint_tells_keys_apart_and_stays_the_same():
    assert fingerprint(OLD) == fingerprint(bytes(range(32))) == "f1588041ed49f914"
    assert fingerprint(NEW) != fingerprint(OLD)
    assert OLD.hex()[:8] not in fingerprint(OLD)
