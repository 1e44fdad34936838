from array import array
from fractions import Fraction

import av
import pytest

from connector.domain.layout import frame_time
from connector.isobmff.boxes import boxes, find
from connector.isobmff.init import audio_init, video_init
from connector.isobmff.progressive import Track, head, interleave
from connector.isobmff.samples import Sample, SampleTable
from tests.support.encoded import AAC_FRAME, encode_audio, encode_video, ffmpeg_complaints, presentation_times
from tests.support.parameter_sets import PPS, SPS

RATE = Fraction(30000, 1001)


def _write(file, encoded):
    tracks = [Track(e.init, e.tables) for e in encoded]
    order = interleave(tracks)
    payloads = (encoded[t].segments[s][encoded[t].tables[s].header_size :] for t, s in order)
    file.write_bytes(head(tracks, order) + b"".join(payloads))
    return file


@pytest.fixture(scope="module")
def video():
    return encode_video(70, RATE, 25)


@pytest.fixture(scope="module")
def audio():
    return encode_audio(2.4, 40)


@pytest.mark.media
@pytest.mark.parametrize("kinds", [("video",), ("audio",), ("video", "audio"), ("audio", "video")])
def test_every_sample_decodes_at_its_time(tmp_path, video, audio, kinds):
    file = _write(tmp_path / "file.mp4", [{"video": video, "audio": audio}[kind] for kind in kinds])
    expected = {
        "video": [frame_time(n, RATE) for n in range(70)],
        "audio": [n * AAC_FRAME for n in range(112)],
    }
    for kind in kinds:
        assert [int(t * 240_000) for t in presentation_times(file, kind)] == expected[kind]
    assert ffmpeg_complaints("-i", file) == ""
    data = file.read_bytes()
    assert [kind for kind, _, _ in boxes(data)] == [b"ftyp", b"moov", b"mdat"]
    assert b"elst" not in data


@pytest.mark.media
def test_duration_and_keyframes_are_those_of_the_segments(tmp_path, video):
    with av.open(str(_write(tmp_path / "file.mp4", [video]))) as container:
        stream = container.streams.video[0]
        assert stream.duration * stream.time_base == 70 / RATE
        keys = [p.pts * p.time_base for p in container.demux(stream) if p.size and p.is_keyframe]
    assert keys == [n / RATE for n in (0, 25, 50)]


@pytest.mark.media
def test_a_track_that_begins_later_stays_later(tmp_path, audio):
    video = encode_video(30, Fraction(25), 25, first=25)
    file = _write(tmp_path / "file.mp4", [video, audio])
    assert presentation_times(file, "video")[0] == 1
    assert presentation_times(file, "audio")[0] == 0
    assert ffmpeg_complaints("-i", file) == ""


def _tables(count, *, time=0, samples=4, duration=10, size=1):
    one = [Sample(bytes(size), duration)] * samples
    return [SampleTable.of(time + i * samples * duration, 100, one) for i in range(count)]


def test_segments_interleave_by_start_time_with_the_picture_first():
    video = Track(video_init(SPS, PPS, 16, 16), _tables(2, samples=6))
    audio = Track(audio_init(b"\x11\x90", 48_000, 2, "en", 1), _tables(3))
    assert interleave([video, audio]) == [(0, 0), (1, 0), (1, 1), (0, 1), (1, 2)]


def test_chunk_offsets_point_behind_the_head():
    track = Track(video_init(SPS, PPS, 16, 16), _tables(3))
    data = head([track], interleave([track]))
    stco = find(data, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stco")[8:]
    assert [int.from_bytes(stco[i : i + 4]) for i in range(0, 12, 4)] == [len(data) + 4 * i for i in range(3)]


def test_a_file_over_4_gib_gets_wide_offsets_and_a_wide_data_header():
    tables = _tables(3)
    for table in tables:
        table.sizes[0] = 3 << 30
        table.sizes[1:] = array("I", [0, 0, 0])
    track = Track(video_init(SPS, PPS, 16, 16), tables)
    data = head([track], interleave([track]))
    co64 = find(data, b"moov", b"trak", b"mdia", b"minf", b"stbl", b"co64")[8:]
    assert [int.from_bytes(co64[i : i + 8]) for i in (0, 8, 16)] == [len(data) + (gib << 30) for gib in (0, 3, 6)]
    assert data[-16:-8] == b"\0\0\0\1mdat"
    assert int.from_bytes(data[-8:]) == (9 << 30) + 16


def test_a_gap_between_segments_lengthens_the_sample_before_it():
    track = Track(video_init(SPS, PPS, 16, 16), [*_tables(1), *_tables(1, time=45)])
    stts = find(head([track], [(0, 0), (0, 1)]), b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stts")
    values = [int.from_bytes(stts[i : i + 4]) for i in range(8, len(stts), 4)]
    assert values == [3, 10, 1, 15, 4, 10]


@pytest.mark.parametrize("order", [[], [(0, 0)], [(0, 0), (0, 0)], [(0, 0), (0, 1), (0, 1)], [(0, 0), (1, 1)]])
def test_an_order_that_does_not_name_each_segment_once_is_refused(order):
    track = Track(video_init(SPS, PPS, 16, 16), _tables(2))
    with pytest.raises(ValueError, match="order"):
        head([track], order)


@pytest.mark.parametrize("time", [20, 1 << 40])
def test_segments_that_overlap_or_have_a_gap_longer_than_a_sample_are_refused(time):
    track = Track(video_init(SPS, PPS, 16, 16), [*_tables(1), *_tables(1, time=time)])
    with pytest.raises(ValueError, match="overlap"):
        head([track], [(0, 0), (0, 1)])
