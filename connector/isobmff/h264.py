"""Converts H.264 byte streams (ITU-T H.264 annex B) to what ISO/IEC 14496-15 stores: length-prefixed units, avcC."""

from collections.abc import Iterator
from struct import pack

from connector.isobmff.boxes import box

_SLICE, _IDR_SLICE, _SPS, _PPS = 1, 5, 7, 8
_START_CODE = b"\x00\x00\x01"
_LONGEST_SET = 0xFFFF
"""Bytes of a parameter set that avcC can hold."""
_LEADING_ZEROS = 32
"""Zero bits before the first one of an Exp-Golomb code, at most (ITU-T H.264 section 9.1)."""
_PROFILES_WITH_CHROMA_FORMAT = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})


def nal_units(annexb: bytes) -> Iterator[bytes]:
    """Yields the NAL units between the start codes, without trailing zero bytes (annex B.1.1)."""
    at = annexb.find(_START_CODE)
    while at >= 0:
        start = at + 3
        at = annexb.find(_START_CODE, start)
        end = len(annexb) if at < 0 else at
        # A NAL unit never ends in a zero byte: zero bytes belong to the next start code or are padding.
        while end > start and annexb[end - 1] == 0:
            end -= 1
        if end > start:
            yield annexb[start:end]


def to_length_prefixed(annexb: bytes) -> bytes:
    """Returns the slices of one access unit, each behind its length in 4 bytes.

    All other units are left out. The parameter sets are in the init segment, and MP4 does not want delimiters. x264's
    SEI names its build, so that equal pictures would differ from one build to the next.
    Raises ValueError when there is no slice.
    """
    parts: list[bytes] = []
    for unit in nal_units(annexb):
        if unit[0] & 0x1F in (_SLICE, _IDR_SLICE):
            parts += (pack(">I", len(unit)), unit)
    if not parts:
        raise ValueError("access unit without a slice")
    return b"".join(parts)


def parameter_sets(extradata: bytes) -> tuple[bytes, bytes]:
    """Returns (SPS, PPS) of an encoder's annex B extradata.

    Raises ValueError unless there is exactly one of each, of a size that avcC can hold.
    """
    units = list(nal_units(extradata))
    sps = [u for u in units if u[0] & 0x1F == _SPS]
    pps = [u for u in units if u[0] & 0x1F == _PPS]
    if len(sps) != 1 or len(pps) != 1 or len(sps[0]) < 4 or max(len(sps[0]), len(pps[0])) > _LONGEST_SET:
        raise ValueError("extradata must hold one SPS and one PPS")
    return sps[0], pps[0]


def codec_string(sps: bytes) -> str:
    """Returns the RFC 6381 name: profile, constraint flags and level in hex, e.g. `avc1.64001F`."""
    return f"avc1.{sps[1:4].hex().upper()}"


def configuration(sps: bytes, pps: bytes) -> bytes:
    """Returns the avcC box (ISO/IEC 14496-15 section 5.3.3) for 4-byte NAL unit lengths."""
    record = [
        b"\x01",
        sps[1:4],
        b"\xff\xe1",  # reserved bits, length size 4; reserved bits, one SPS
        pack(">H", len(sps)),
        sps,
        b"\x01",
        pack(">H", len(pps)),
        pps,
    ]
    if sps[1] in _PROFILES_WITH_CHROMA_FORMAT:
        chroma_format, luma_depth, chroma_depth = _sample_format(sps)
        record.append(bytes((0xFC | chroma_format, 0xF8 | luma_depth - 8, 0xF8 | chroma_depth - 8, 0)))
    return box(b"avcC", *record)


def from_configuration(record: bytes) -> tuple[bytes, bytes]:
    """Returns (SPS, PPS) of an avcC box's payload. Raises ValueError unless there is one of each, and all of it."""
    sps_end = 8 + int.from_bytes(record[6:8])
    pps_start = sps_end + 3
    pps_end = pps_start + int.from_bytes(record[sps_end + 1 : pps_start])
    # The length comes first: a record that is cut off has no counts to look at.
    if len(record) < pps_end or record[5] & 0x1F != 1 or record[sps_end] != 1 or sps_end < 12:
        raise ValueError("avcC must hold one SPS and one PPS")
    return record[8:sps_end], record[pps_start:pps_end]


def _sample_format(sps: bytes) -> tuple[int, int, int]:
    """Returns (chroma_format_idc, luma bits, chroma bits) of a High-family SPS (section 7.3.2.1.1)."""
    bits = _Bits(sps[4:].replace(b"\x00\x00\x03", b"\x00\x00"))
    bits.exp_golomb()  # seq_parameter_set_id
    chroma_format = bits.exp_golomb()
    if chroma_format == 3:
        bits.read(1)  # separate_colour_plane_flag
    return chroma_format, 8 + bits.exp_golomb(), 8 + bits.exp_golomb()


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data)
        self._left = len(data) * 8

    def read(self, count: int) -> int:
        if count > self._left:
            raise ValueError("truncated SPS")
        self._left -= count
        return self._value >> self._left & (1 << count) - 1

    def exp_golomb(self) -> int:
        zeros = 0
        while not self.read(1):
            zeros += 1
            if zeros > _LEADING_ZEROS:
                raise ValueError("an SPS with a number of more than 32 bits")
        return (1 << zeros) - 1 + self.read(zeros)
