"""Init segments, which media processes make and the package step reads (`connector/isobmff/`)."""

from collections.abc import Iterator

from connector.isobmff.fragment import media_segment
from connector.isobmff.init import audio_init, parse_init, sample_description, video_init
from connector.isobmff.samples import Sample
from tests.fuzz.target import Target
from tests.support.parameter_sets import PPS, SPS


def _run(data: bytes) -> None:
    facts = parse_init(data)
    assert facts.codec
    assert sample_description(data)


def _seeds() -> Iterator[bytes]:
    video = video_init(SPS, PPS, 1280, 720)
    yield video
    yield audio_init(bytes.fromhex("119056e500"), 48_000, 2, "pt-BR", 128_000)
    yield video + media_segment("video", 1, 0, [Sample(b"\0\0\0\1\x65", 9600)])
    yield video.replace(b"avc1", b"vp09")


TARGET = Target(
    _run,
    _seeds,
    (ValueError,),
    (b"ftyp", b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1", b"avcC", b"mp4a", b"esds", b"elng"),
)
