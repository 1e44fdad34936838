import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.security.segments import decrypt, encrypt, encrypted_size

KEY, IV = bytes(range(16)), bytes(range(100, 116))


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 100_000])
def test_openssl_decrypts_what_was_encrypted(size):
    clear = os.urandom(size)
    command = ["openssl", "enc", "-d", "-aes-128-cbc", "-K", KEY.hex(), "-iv", IV.hex()]
    done = subprocess.run(command, input=encrypt(KEY, IV, clear), capture_output=True, check=True, timeout=20)
    assert done.stdout == clear


def test_the_published_vector_comes_out():
    """NIST SP 800-38A F.2.1, first block; a whole block of padding follows."""
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    clear = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
    data = encrypt(key, bytes(range(16)), clear)
    assert data[:16].hex() == "7649abac8119b246cee98e9b12e9197d"
    assert len(data) == 32


@given(st.binary(max_size=100))
def test_what_was_encrypted_comes_back(clear):
    assert decrypt(KEY, IV, encrypt(KEY, IV, clear)) == clear


@pytest.mark.parametrize("data", [b"", bytes(15), bytes(16), bytes(17)])
def test_what_was_not_encrypted_is_refused(data):
    with pytest.raises(ValueError):
        decrypt(KEY, IV, data)


@given(st.binary(max_size=100))
def test_the_size_is_known_beforehand(clear):
    assert len(encrypt(KEY, IV, clear)) == encrypted_size(len(clear))
