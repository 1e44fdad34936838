"""Files that are well-formed and say monstrous things: sizes, times, counts, depths, and what they expand to."""

import struct
import zlib
from collections.abc import Iterator
from functools import cache

from tests.hostile.boxes import Movie, box, claiming, full, picture, u32
from tests.hostile.ebml import ATTACHED, ATTACHMENTS, bomb, element, encrypted, matroska, track, zlib_packed
from tests.media.corpus import build

BILLION = 10**9
MANY = 3000
"""Tracks, streams, boxes."""
DEEP = 4000
LOW, HIGH = -(1 << 31), (1 << 31) - 1


def files() -> Iterator[tuple[str, str, bytes]]:
    """(name, extension, content)"""
    for extension, group in (("mov", _movies()), ("mkv", _matroska()), ("gif", _gifs())):
        for name, data in group.items():
            yield name, extension, data
    yield from _streams()


def _movies() -> dict[str, bytes]:
    five = [picture()] * 5
    huge = [claiming(picture(), 65500, 65500)] * 5
    deep = b""
    for _ in range(DEEP):
        deep = box(b"udta", deep)
    deep_moov = b""
    for _ in range(DEEP):
        deep_moov = box(b"moov", deep_moov)
    moov = Movie().moov(0)
    packed, twice = zlib.compress(moov), zlib.compress(box(b"cmov", box(b"dcom", b"zlib"), moov))
    name = struct.pack(">HH", 40, 0) + b"\xff\xfe\x80" * 13 + b"x"
    movies = {
        "whole": Movie(),
        "size-65535": Movie(size=(65535, 65535)),
        "jpeg-65500": Movie(samples=huge),
        "jpeg-65500-says-so": Movie(samples=huge, size=(65500, 65500)),
        "size-0": Movie(size=(0, 0)),
        "size-1": Movie(size=(1, 1), samples=[picture(1, 1)] * 5),
        "size-65535-by-1": Movie(size=(65535, 1)),
        "size-raw-65535": Movie(codec=b"raw ", size=(65535, 65535), samples=five),
        "size-raw-30000": Movie(codec=b"raw ", size=(30000, 30000), samples=five),
        "grows": Movie(samples=[*five, claiming(picture(), 16000, 16000), *five]),
        "changes": Movie(samples=[picture(64 + 16 * (n % 3), 48 + 16 * (n % 2)) for n in range(12)]),
        "codec-unknown": Movie(codec=b"xyzw"),
        "codec-none": Movie(codec=b"\0\0\0\0"),
        "codec-h264-without-config": Movie(codec=b"avc1"),
        "codec-hevc-of-jpegs": Movie(codec=b"hvc1"),
        "codec-png-of-jpegs": Movie(codec=b"png "),
        "codec-svq3": Movie(codec=b"SVQ3"),
        "drm": Movie(codec=b"drmi"),
        "encv": Movie(codec=b"encv"),
        "encv-sinf": Movie(
            codec=b"encv",
            in_entry=box(b"sinf", box(b"frma", b"jpeg"), full(b"schm", 0, 0, b"cenc", u32(1 << 16))),
        ),
        "frames-billion": Movie(counts=((b"stts", BILLION),)),
        "stts-billion": Movie(stts=[(BILLION, 1)]),
        "stts-zero-steps": Movie(stts=[(5, 0)]),
        "stts-negative": Movie(stts=[(5, -1)]),
        "stts-huge-step": Movie(stts=[(5, HIGH)]),
        "stts-all-bits": Movie(stts=[(0xFFFFFFFF, 0xFFFFFFFF)] * 5),
        "stsz-billion": Movie(stsz=u32(0, BILLION)),
        "stsz-billion-of-one": Movie(stsz=u32(1, BILLION), stsc=[(1, BILLION, 1)], stts=[(BILLION, 1)]),
        "stsz-thirty-million": Movie(stsz=u32(1, 30_000_000), stsc=[(1, 30_000_000, 1)], stts=[(30_000_000, 1)]),
        "stsz-two-million": Movie(stsz=u32(1, 2_000_000), stsc=[(1, 2_000_000, 1)], stts=[(2_000_000, 1)]),
        "stsz-of-gigabytes": Movie(stsz=u32(HIGH, 5)),
        "stsz-zero": Movie(stsz=u32(0, 5, 0, 0, 0, 0, 0)),
        "stsc-billion": Movie(counts=((b"stsc", BILLION),)),
        "stsc-backwards": Movie(stsc=[(5, 1, 1), (1, 9, 1), (3, 0, 1)]),
        "stsc-chunks-of-billions": Movie(stsc=[(1, BILLION, 1)]),
        "stsc-zero": Movie(stsc=[(0, 0, 0)]),
        "stsd-billion": Movie(counts=((b"stsd", BILLION),)),
        "stco-billion": Movie(counts=((b"stco", BILLION),)),
        "ctts-billion": Movie(ctts=[(5, 0)], counts=((b"ctts", BILLION),)),
        "ctts-runs-of-billions": Movie(ctts=[(BILLION, 1)] * 5),
        "ctts-negative": Movie(ctts=[(1, LOW), (4, HIGH)]),
        "ctts-scattered": Movie(ctts=[(1, n * 7_000_000) for n in (0, 5, 1, 9, 3)]),
        "million-seconds": Movie(timescale=1, stts=[(5, 200_000)], duration=BILLION // 1000),
        "million-seconds-of-frames": Movie(timescale=1, stsz=u32(len(picture()), 1_000_000), stts=[(1_000_000, 1)]),
        "declared-century": Movie(duration=0xFFFFFFFE),
        "declared-century-slow": Movie(duration=0xFFFFFFFE, timescale=1, movie_timescale=1),
        "timescale-0": Movie(timescale=0),
        "timescale-0-everywhere": Movie(timescale=0, movie_timescale=0),
        "timescale-1": Movie(timescale=1, movie_timescale=1),
        "timescale-huge": Movie(timescale=0xFFFFFFFF),
        "rate-2000": Movie(timescale=2000, samples=[picture()] * 40),
        "rate-90000": Movie(timescale=90_000, samples=[picture()] * 40),
        "edit-empty-huge": Movie(edits=[(HIGH, -1, 1 << 16), (5, 0, 1 << 16)]),
        "edit-negative": Movie(edits=[(200, LOW, 1 << 16)]),
        "edit-beyond": Movie(edits=[(200, HIGH, 1 << 16)]),
        "edit-rate-0": Movie(edits=[(200, 0, 0)]),
        "edits-many": Movie(edits=[(1, n % 5, 1 << 16) for n in range(MANY)]),
        "edits-repeat": Movie(edits=[(200, 0, 1 << 16)] * 200),
        "matrix-0": Movie(matrix=bytes(36)),
        "matrix-all-bits": Movie(matrix=b"\xff" * 36),
        "matrix-tilted": Movie(matrix=struct.pack(">9i", 40000, 50000, 0, -50000, 40000, 0, 0, 0, 1 << 30)),
        "sar-huge": Movie(in_entry=box(b"pasp", u32(0x7FFFFFFF, 1))),
        "sar-0": Movie(in_entry=box(b"pasp", u32(0, 0))),
        "tracks-many": Movie(tracks=MANY),
        "tracks-90": Movie(tracks=90),
        "deep": Movie(in_moov=deep),
        "deep-in-track": Movie(in_entry=deep),
        "boxes-many": Movie(before=box(b"free") * 200_000),
        "box-of-size-1": Movie(before=u32(1) + b"free" + (1 << 63).to_bytes(8)),
        "box-of-size-0": Movie(before=u32(0) + b"free"),
    }
    out = {name: bytes(movie) for name, movie in movies.items()}
    head = box(b"ftyp", b"qt  ", u32(0))
    dcom = box(b"dcom", b"zlib")
    out |= {
        "deep-moov": head + deep_moov,
        "cmov": head + box(b"moov", box(b"cmov", dcom, box(b"cmvd", u32(len(moov)), packed))),
        "cmov-bomb": head + box(b"moov", box(b"cmov", dcom, box(b"cmvd", u32(HIGH), bomb(256 << 20)))),
        "cmov-lies": head + box(b"moov", box(b"cmov", dcom, box(b"cmvd", u32(16), packed))),
        "cmov-in-cmov": head + box(b"moov", box(b"cmov", dcom, box(b"cmvd", u32(len(moov)), twice))),
        "cover-65500": bytes(Movie(in_moov=_cover(claiming(picture(), 65500, 65500), 13))),
        "cover-png-bomb": bytes(Movie(in_moov=_cover(_png(30000, 30000), 14))),
        "cover-alone": head + box(b"moov", _cover(_png(20000, 20000), 14)),
        "cover-of-gigabytes": head + box(b"moov", box(b"udta", full(b"meta", 0, 0, u32(HIGH) + b"ilst"))),
        "text-not-utf-8": bytes(Movie(in_moov=box(b"udta", box(b"\xa9nam", name)))),
        "moov-without-tracks": head + box(b"moov"),
        "moov-twice": bytes(Movie()) + Movie().moov(0),
    }  # fmt: skip
    return out


def _cover(data: bytes, kind: int) -> bytes:
    covr = box(b"covr", box(b"data", u32(kind, 0), data))
    hdlr = full(b"hdlr", 0, 0, bytes(4), b"mdir", bytes(13))
    return box(b"udta", full(b"meta", 0, 0, hdlr, box(b"ilst", covr)))


@cache
def _png(width: int, height: int) -> bytes:
    """One grey bit a pixel, so that little data makes a large picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return u32(len(data)) + kind + data + u32(zlib.crc32(kind + data))

    rows = bomb(height * (width // 8 + 1) + (1 << 20))
    ihdr = u32(width, height) + b"\x01\0\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _matroska() -> dict[str, bytes]:
    jpeg = picture()
    five = [(1, 40 * n, jpeg) for n in range(5)]
    packed = [(1, 40 * n, zlib.compress(jpeg)) for n in range(5)]
    bombs = [(1, 40 * n, bomb(256 << 20)) for n in range(3)]
    text = track(1, "S_TEXT/UTF8", kind=17)
    font = element(
        ATTACHED,
        element(0x466E, "font.ttf"),
        element(0x4660, "font/ttf"),
        element(0x465C, bytes(5000)),
        element(0x46AE, 1),
    )
    png = element(
        ATTACHED,
        element(0x466E, "cover.png"),
        element(0x4660, "image/png"),
        element(0x465C, _png(30000, 30000)),
        element(0x46AE, 2),
    )
    return {
        "whole": matroska([track()], five),
        "size-65535": matroska([track(size=(65535, 65535))], five),
        "size-32-bit": matroska([track(size=(0xFFFFFFFF, 0xFFFFFFFF))], five),
        "vp9-65535": matroska([track(1, "V_VP9", (65535, 65535))], five),
        "raw-65535": matroska([track(1, "V_UNCOMPRESSED", (65535, 65535))], five),
        "codec-unknown": matroska([track(1, "V_UNKNOWN")], five),
        "codec-path": matroska([track(1, "/etc/hostname")], five),
        "codec-av1-of-nothing": matroska([track(1, "V_AV1")], [(1, 0, b"")] * 5),
        "zlib-bomb": matroska([track(1, "V_MJPEG", (64, 48), zlib_packed())], bombs),
        "zlib-nonsense": matroska([track(1, "V_MJPEG", (64, 48), zlib_packed())], five),
        "zlib": matroska([track(1, "V_MJPEG", (64, 48), zlib_packed())], packed),
        "encrypted": matroska([track(1, "V_MJPEG", (64, 48), encrypted())], five),
        "tracks-many": matroska([track(n + 1) for n in range(MANY)], five),
        "subtitles-only": matroska([text], [(1, 0, b"Hello")]),
        "attachment-only": matroska([], more=element(ATTACHMENTS, font)),
        "cover-bomb": matroska([track()], five, more=element(ATTACHMENTS, png)),
        "attachments-many": matroska([track()], five, more=element(ATTACHMENTS, *[font] * 150)),
        "scale-1": matroska([track()], five, scale=1),
        "scale-huge": matroska([track()], five, scale=10**15),
        "scale-0": matroska([track()], five, scale=0),
        "begin-huge": matroska([track()], five, begin=(1 << 62)),
        "begin-all-bits": matroska([track()], five, begin=(1 << 64) - 1),
        "times-negative": matroska([track()], [(1, -30000 + n, jpeg) for n in range(5)]),
        "times-the-same": matroska([track()], [(1, 7, jpeg)] * 5),
        "times-backwards": matroska([track()], [(1, 1000 - 40 * n, jpeg) for n in range(5)]),
        "duration-nan": matroska([track()], five, info=element(0x4489, struct.pack(">d", float("nan")))),
        "duration-infinite": matroska([track()], five, info=element(0x4489, struct.pack(">d", float("inf")))),
        "duration-negative": matroska([track()], five, info=element(0x4489, struct.pack(">d", -1e300))),
        "rate-of-a-nanosecond": matroska([track(1, "V_MJPEG", (64, 48), element(0x23E383, 1))], five),
        "language-odd": matroska([track(1, "V_MJPEG", (64, 48), element(0x22B59C, b'"\n\xff<x>'))], five),
        "deep": matroska([track()], five, more=_deep_ebml()),
        "empty-blocks": matroska([track()], [(1, 40 * n, b"") for n in range(500)]),
        "blocks-of-no-track": matroska([track()], [(9, 40 * n, jpeg) for n in range(500)]),
    }  # fmt: skip


def _deep_ebml() -> bytes:
    """Tags within tags."""
    data = element(0x67C8, element(0x45A3, "x"))
    for _ in range(1000):
        data = element(0x67C8, data)
    return element(0x1254C367, element(0x7373, data))


def _gifs() -> dict[str, bytes]:
    def gif(size: tuple[int, int], frames: int, *, delay: int = 4, picture_size: tuple[int, int] = (1, 1)) -> bytes:
        head = b"GIF89a" + struct.pack("<HH", *size) + b"\x80\0\0" + b"\0\0\0\xff\xff\xff"
        loop = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
        control = b"\x21\xf9\x04\0" + struct.pack("<H", delay) + b"\0\0"
        image = b"\x2c" + struct.pack("<HHHH", 0, 0, *picture_size) + b"\0\x02\x02\x44\x01\0"
        return head + loop + (control + image) * frames

    return {
        "endless": gif((16, 16), 20) + b"\x3b",
        "endless-without-end": gif((16, 16), 20),
        "frames-many": gif((16, 16), 100_000),
        "size-65535": gif((65535, 65535), 5),
        "frame-65535": gif((16, 16), 5, picture_size=(65535, 65535)),
        "delay-0": gif((16, 16), 20, delay=0),
        "delay-longest": gif((16, 16), 20, delay=65535),
        "delay-longest-many": gif((16, 16), 2000, delay=65535),
        "size-0": gif((0, 0), 5),
    }


def _streams() -> Iterator[tuple[str, str, bytes]]:
    yield "programs-many", "ts", _programs()
    yield "streams-many", "ogg", b"".join(_ogg_head(n) for n in range(MANY))
    yield "streams-many", "avi", _avi(MANY, (64, 48))
    yield "size-65535", "avi", _avi(1, (65535, 65535))
    yield "size-negative", "avi", _avi(1, (-65535, -65535))
    yield "rate-0", "avi", _avi(1, (64, 48), rate=(0, 0))
    yield "frames-billion", "avi", _avi(1, (64, 48), frames=BILLION)
    yield "mp3-tag-of-gigabytes", "mp3", b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(2000)
    mp3 = build("mp3").read_bytes()
    cover = b"\0image/png\0\x03\0" + _png(30000, 30000)
    frame = b"APIC" + _syncsafe(len(cover)) + b"\0\0" + cover
    yield "mp3-cover-bomb", "mp3", b"ID3\x04\0\0" + _syncsafe(len(frame)) + frame + mp3
    yield "mp3-cover-alone", "mp3", b"ID3\x04\0\0" + _syncsafe(len(frame)) + frame
    wav = bytearray(build("wav").read_bytes())
    for name, at, data in (
        ("rate-0", 24, bytes(4)), ("rate-huge", 24, b"\xff" * 4), ("channels-0", 22, bytes(2)),
        ("channels-65535", 22, b"\xff\xff"), ("block-0", 32, bytes(2)), ("format-unknown", 20, b"\x34\x12"),
        ("size-all-bits", 4, b"\xff" * 4), ("bits-65535", 34, b"\xff\xff"),
    ):  # fmt: skip
        yield name, "wav", bytes(wav[:at] + data + wav[at + len(data) :])
    flac = bytearray(build("flac").read_bytes())
    at = flac.index(b"fLaC") + 8
    yield "samples-all-bits", "flac", bytes(flac[: at + 13] + b"\xff\xff\xff\xff\xff" + flac[at + 18 :])


def _syncsafe(value: int) -> bytes:
    return bytes(value >> shift & 0x7F for shift in (21, 14, 7, 0))


def _ogg_head(serial: int) -> bytes:
    """The first page of one more Vorbis stream; its checksum is wrong, as a hostile one's may be."""
    vorbis = b"\x01vorbis" + bytes(4) + b"\x02\x80\xbb\0\0" + bytes(12) + b"\xb8\x01"
    return b"OggS\0\x02" + bytes(8) + struct.pack("<II", serial, 0) + bytes(4) + bytes([1, len(vorbis)]) + vorbis


def _avi(streams: int, size: tuple[int, int], *, rate: tuple[int, int] = (1, 25), frames: int = 5) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)

    strh = b"vidsMJPG" + struct.pack("<IHHIIIIIIIIhhhh", 0, 0, 0, 0, *rate, 0, frames, 0, 0, 0, 0, 0, 0, 0)
    strf = struct.pack("<IiiHH4sIiiII", 40, *size, 1, 24, b"MJPG", 0, 0, 0, 0, 0)
    strl = chunk(b"LIST", b"strl" + chunk(b"strh", strh) + chunk(b"strf", strf))
    avih = struct.pack("<14I", 40000, 0, 0, 0, frames, 0, streams, 0, abs(size[0]), abs(size[1]), 0, 0, 0, 0)
    head = chunk(b"LIST", b"hdrl" + chunk(b"avih", avih) + strl * streams)
    media = chunk(b"LIST", b"movi" + chunk(b"00dc", picture()) * 5)
    return chunk(b"RIFF", b"AVI " + head + media)


def _programs() -> bytes:
    """A transport stream whose tables list streams on every PID there is."""

    def packet(pid: int, section: bytes) -> bytes:
        return (b"\x47" + struct.pack(">H", 0x4000 | pid) + b"\x10\0" + section).ljust(188, b"\xff")

    def section(table: int, number: int, body: bytes) -> bytes:
        rest = struct.pack(">HBBB", number, 0xC1, 0, 0) + body
        return _with_crc(bytes([table]) + struct.pack(">H", 0xB000 | len(rest) + 4) + rest)

    out = []
    for program in range(1, 400):
        at = 0x20 + program
        out.append(packet(0, section(0, 1, struct.pack(">HH", program, 0xE000 | at))))
        streams = b"".join(
            struct.pack(">BHH", 0x1B, 0xE000 | 0x400 + (program * 30 + n) % 7000, 0xF000) for n in range(30)
        )
        out.append(packet(at, section(2, program, struct.pack(">HH", 0xE100, 0xF000) + streams)))
    return b"".join(out) * 3


def _with_crc(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        for bit in range(7, -1, -1):
            top = crc >> 31 ^ byte >> bit & 1
            crc = (crc << 1 & 0xFFFFFFFF) ^ (0x04C11DB7 if top else 0)
    return data + crc.to_bytes(4)
