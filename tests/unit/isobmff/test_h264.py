import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.isobmff.boxes import find
from connector.isobmff.h264 import (
    codec_string,
    configuration,
    from_configuration,
    nal_units,
    parameter_sets,
    to_length_prefixed,
)
from tests.support.parameter_sets import PPS, SPS

BASELINE_SPS = bytes.fromhex("6742c01ed9005005bb0110")

# No start code inside and no zero at the end: what emulation prevention guarantees for every NAL unit.
UNITS = st.binary(min_size=1, max_size=20).map(lambda b: b.replace(b"\0\0", b"\0\3") + b"\x80")
START_CODES = st.sampled_from([b"\0\0\1", b"\0\0\0\1", b"\0\0\0\0\0\1"])


@given(st.lists(st.tuples(START_CODES, UNITS), max_size=6))
def test_units_come_out_between_start_codes_of_any_length(stream):
    assert list(nal_units(b"".join(code + unit for code, unit in stream))) == [unit for _, unit in stream]


def test_only_slices_are_kept():
    aud, sei, idr, slice_ = b"\x09\x10", b"\x06\x05\x01x264\x80", b"\x65\x88\x84", b"\x41\x9a\x02"
    stream = b"".join(b"\0\0\0\1" + unit for unit in (aud, SPS, PPS, sei, idr, slice_))
    assert to_length_prefixed(stream) == b"\0\0\0\3" + idr + b"\0\0\0\3" + slice_


def test_an_access_unit_without_a_slice_is_refused():
    with pytest.raises(ValueError, match="slice"):
        to_length_prefixed(b"\0\0\0\1" + SPS)


def test_parameter_sets_are_found_beside_other_units():
    sei = b"\x06\x05\x01x264\x80"
    assert parameter_sets(b"\0\0\0\1" + SPS + b"\0\0\1" + PPS + b"\0\0\1" + sei) == (SPS, PPS)


@pytest.mark.parametrize("extradata", [b"", b"\0\0\1" + SPS, b"\0\0\1" + PPS, (b"\0\0\1" + SPS) * 2 + b"\0\0\1" + PPS])
def test_parameter_sets_must_be_one_of_each(extradata):
    with pytest.raises(ValueError, match="one SPS"):
        parameter_sets(extradata)


def test_the_codec_string_names_profile_and_level():
    assert codec_string(SPS) == "avc1.64001F"
    assert codec_string(BASELINE_SPS) == "avc1.42C01E"


@pytest.mark.parametrize(("sps", "extension"), [(SPS, bytes.fromhex("fdf8f800")), (BASELINE_SPS, b"")])
def test_the_configuration_reads_back_and_describes_high_profile(sps, extension):
    record = find(configuration(sps, PPS), b"avcC")
    assert from_configuration(record) == (sps, PPS)
    assert record[11 + len(sps) + len(PPS) :] == extension


def test_a_configuration_that_is_cut_off_is_refused():
    record = find(configuration(BASELINE_SPS, PPS), b"avcC")
    for length in range(len(record)):
        with pytest.raises(ValueError, match="one SPS"):
            from_configuration(record[:length])


def test_a_configuration_with_an_sps_too_short_to_name_its_profile_is_refused():
    with pytest.raises(ValueError, match="one SPS"):
        from_configuration(bytes.fromhex("0164001fffe1 0003 676400 01 0001 68"))


def test_a_number_of_an_sps_has_at_most_32_bits():
    """Otherwise the time for a set of zeros would grow with the square of its length."""
    with pytest.raises(ValueError, match="32 bits"):
        configuration(b"\x67\x64\0\x1f" + bytes(60_000) + b"\x80", PPS)


@pytest.mark.parametrize("which", [SPS, PPS], ids=["SPS", "PPS"])
def test_a_parameter_set_that_is_too_long_for_its_box_is_refused(which):
    other = PPS if which is SPS else SPS
    with pytest.raises(ValueError, match="one SPS"):
        parameter_sets(b"\0\0\1" + other + b"\0\0\1" + which + b"\x55" * 0x10000)
