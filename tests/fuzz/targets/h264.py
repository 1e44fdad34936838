"""H.264 byte streams and parameter sets (`connector/isobmff/h264.py`)."""

from collections.abc import Iterator
from contextlib import suppress

from connector.isobmff.boxes import find
from connector.isobmff.h264 import configuration, from_configuration, parameter_sets, to_length_prefixed
from tests.fuzz.target import Target
from tests.support.parameter_sets import PPS, SPS


def _run(data: bytes) -> None:
    with suppress(ValueError):
        assert len(to_length_prefixed(data)) <= 2 * len(data)  # a start code of 3 bytes becomes a length of 4
    with suppress(ValueError):
        from_configuration(data)
    sets = parameter_sets(data)
    assert from_configuration(find(configuration(*sets), b"avcC")) == sets


def _seeds() -> Iterator[bytes]:
    yield b"\0\0\0\1" + SPS + b"\0\0\0\1" + PPS
    yield b"\0\0\0\1\x67\x42\xc0\x1e\xd9\0\x50\x05\xbb\x01\x10\0\0\1" + PPS
    yield b"\0\0\0\1\x09\x10\0\0\1\x06\x05\x01x264\x80\0\0\1\x65\x88\x84\0\0\1\x41\x9a\x02\0\0"
    yield find(configuration(SPS, PPS), b"avcC")


TARGET = Target(_run, _seeds, (ValueError,), (b"\0\0\1", b"\0\0\3", b"\x67\x64", b"\x68", b"\x65"))
