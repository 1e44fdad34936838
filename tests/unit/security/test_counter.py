import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.security.counter import decrypt_at

KEY = bytes(range(32))
IV = bytes(range(200, 216))


def _openssl(clear: bytes, iv: bytes) -> bytes:
    command = ["openssl", "enc", "-aes-256-ctr", "-K", KEY.hex(), "-iv", iv.hex()]
    return subprocess.run(command, input=clear, capture_output=True, check=True, timeout=20).stdout


@pytest.mark.parametrize("iv", [IV, bytes(16), b"\xff" * 16, b"\0" * 8 + b"\xff" * 8], ids=bytes.hex)
def test_any_range_of_what_openssl_encrypted_is_decrypted(iv):
    """The counter is one number of 128 bits: it carries into the upper half, and runs over to 0."""
    clear = os.urandom(1000)
    encrypted = _openssl(clear, iv)
    for start in (0, 1, 15, 16, 17, 500, 999, 1000):
        for end in (start, start + 1, start + 16, 1000):
            assert decrypt_at(KEY, iv, start, encrypted[start:end]) == clear[start:end]


@given(st.binary(max_size=200), st.integers(0, 2**45))
def test_decrypting_twice_gives_back_the_data_at_any_offset(data, offset):
    assert decrypt_at(KEY, IV, offset, decrypt_at(KEY, IV, offset, data)) == data


@given(st.integers(0, 2**45), st.integers(0, 64))
def test_the_key_stream_does_not_depend_on_where_reading_began(offset, skip):
    zeros = bytes(skip + 32)
    assert decrypt_at(KEY, IV, offset, zeros)[skip:] == decrypt_at(KEY, IV, offset + skip, zeros[skip:])
