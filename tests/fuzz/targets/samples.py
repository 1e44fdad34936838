"""Tables of samples, which media processes write, and the head of the progressive file that is made from them."""

from collections.abc import Iterator

from connector.isobmff.boxes import find
from connector.isobmff.init import audio_init, video_init
from connector.isobmff.progressive import Track, head, interleave
from connector.isobmff.samples import Sample, SampleTable
from tests.fuzz.target import Target
from tests.support.parameter_sets import PPS, SPS

_SOUND = Track(audio_init(b"\x11\x90", 48_000, 2, "en", 1), [SampleTable.of(0, 100, [Sample(b"x", 5120)] * 3)])
_PICTURE = video_init(SPS, PPS, 16, 16)


def _run(data: bytes) -> None:
    tables = SampleTable.unpack(data)
    assert b"".join(table.pack() for table in tables) == data
    tracks = [Track(_PICTURE, tables), _SOUND]
    assert find(head(tracks, interleave(tracks)), b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsz")


def _seeds() -> Iterator[bytes]:
    equal = SampleTable.of(0, 100, [Sample(b"abc", 9600)] * 4).pack()
    samples = [Sample(b"abcde", 9600), Sample(b"f", 9601, 9600, sync=False), Sample(b"", 9600, -9601, sync=False)]
    yield equal
    yield SampleTable.of(0, 100, samples).pack() + SampleTable.of(40_000, 120, samples).pack()
    yield equal + SampleTable.of(38_400, 100, samples).pack()


TARGET = Target(_run, _seeds, (ValueError,))
