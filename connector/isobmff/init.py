"""Writes and reads CMAF headers ("init segments"): ftyp and a moov without samples."""

from dataclasses import dataclass
from struct import error, pack, unpack_from

from connector.isobmff import h264
from connector.isobmff.boxes import box, find, full_box
from connector.isobmff.movie import movie_header, sample_tables, track

TRACK_ID = 1
"""Id of every CMAF track, because each is the only track of a file of its own."""

_FTYP = box(b"ftyp", b"iso6", pack(">I", 0), b"iso6", b"cmfc", b"cmf2")
_AAC_OBJECT_TYPE = 0x40
_AUDIO_STREAM = 0x15  # streamType 5, upStream 0, reserved 1


@dataclass(frozen=True, slots=True)
class VideoInit:
    """Holds the facts of a video init segment: `sps` and `pps` without start code, sizes in px."""

    sps: bytes
    pps: bytes
    width: int
    height: int

    @property
    def codec(self) -> str:
        """The RFC 6381 name, e.g. `avc1.64001F`."""
        return h264.codec_string(self.sps)


@dataclass(frozen=True, slots=True)
class AudioInit:
    """Holds the facts of an audio init segment: `config` is the AudioSpecificConfig, `language` an RFC 5646 tag."""

    config: bytes
    sampling_rate: int
    channels: int
    language: str
    bitrate: int

    @property
    def codec(self) -> str:
        """The RFC 6381 name with the audio object type, e.g. `mp4a.40.2`."""
        return f"mp4a.40.{self.config[0] >> 3}"


def video_init(sps: bytes, pps: bytes, width: int, height: int) -> bytes:
    """Returns the init segment of a BT.709, limited-range, square-pixel H.264 track."""
    entry = box(
        b"avc1",
        pack(">6xH16xHHIIIH32sHh", 1, width, height, 72 << 16, 72 << 16, 0, 1, b"", 24, -1),
        h264.configuration(sps, pps),
        box(b"colr", b"nclx", pack(">HHHB", 1, 1, 1, 0)),
        box(b"pasp", pack(">II", 1, 1)),
    )
    return _init_segment(b"vide", width, height, "und", entry)


def audio_init(config: bytes, sampling_rate: int, channels: int, language: str, bitrate: int) -> bytes:
    """Returns the init segment of an AAC track; `bitrate` is in bit/s."""
    entry = box(
        b"mp4a",
        pack(">6xH8xHHIHH", 1, channels, 16, 0, sampling_rate, 0),
        _esds(config, bitrate),
    )
    return _init_segment(b"soun", 0, 0, language, entry)


def parse_init(data: bytes) -> VideoInit | AudioInit:
    """Returns the facts in an init segment of ours. Raises ValueError for anything else."""
    try:
        return _facts(find(data, b"moov", b"trak", b"mdia"))
    except (IndexError, error):
        raise ValueError("an init segment whose boxes are cut off") from None


def _facts(media: bytes) -> VideoInit | AudioInit:
    entry_box = find(media, b"minf", b"stbl", b"stsd")[8:]
    kind = entry_box[4:8]
    if kind == b"avc1":
        entry = find(entry_box, b"avc1")
        width, height = unpack_from(">HH", entry, 24)
        sps, pps = h264.from_configuration(find(entry[78:], b"avcC"))
        return VideoInit(sps, pps, width, height)
    if kind == b"mp4a":
        entry = find(entry_box, b"mp4a")
        (channels,) = unpack_from(">H", entry, 16)
        (sampling_rate,) = unpack_from(">H", entry, 24)
        esds = find(entry[28:], b"esds")
        (bitrate,) = unpack_from(">I", esds, 20)
        config = esds[26 : 26 + esds[25]]
        if not config or len(config) != esds[25]:
            raise ValueError("an esds box without its AudioSpecificConfig")
        language = find(media, b"elng")[4:].rstrip(b"\0").decode("ascii")
        return AudioInit(config, sampling_rate, channels, language, bitrate)
    raise ValueError(f"unknown sample entry {kind!r}")


def sample_description(init: bytes) -> bytes:
    """Returns the whole stsd box of an init segment, for a file that describes the same samples."""
    return box(b"stsd", find(init, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"))


def _init_segment(handler: bytes, width: int, height: int, language: str, entry: bytes) -> bytes:
    stsd = full_box(b"stsd", 0, 0, pack(">I", 1), entry)
    return _FTYP + box(
        b"moov",
        movie_header(0, TRACK_ID + 1),
        track(
            TRACK_ID,
            handler,
            sample_tables(stsd),
            start=0,
            duration=0,
            width=width,
            height=height,
            language=language,
        ),
        # All defaults are 0: each fragment states its own, so that it also plays with a moov that a player made.
        box(b"mvex", full_box(b"trex", 0, 0, pack(">IIIII", TRACK_ID, 1, 0, 0, 0))),
    )


def _esds(config: bytes, bitrate: int) -> bytes:
    """Returns the esds box (ISO/IEC 14496-1 section 7.2.6.5 and following).

    The offsets in `parse_init` rely on one-byte sizes.
    """
    if not 0 < len(config) < 64:
        raise ValueError("AudioSpecificConfig of an unlikely size")
    specific = pack(">BB", 0x05, len(config)) + config
    decoder = pack(">BB3xII", _AAC_OBJECT_TYPE, _AUDIO_STREAM, bitrate, bitrate) + specific
    stream = pack(">HB", 0, 0) + pack(">BB", 0x04, len(decoder)) + decoder + b"\x06\x01\x02"
    return full_box(b"esds", 0, 0, pack(">BB", 0x03, len(stream)), stream)
