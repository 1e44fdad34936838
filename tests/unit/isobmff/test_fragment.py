from fractions import Fraction

import pytest

from connector.domain.layout import frame_time
from connector.isobmff.boxes import boxes, find
from connector.isobmff.fragment import first_sample_range, header_size, media_segment
from connector.isobmff.samples import Sample
from tests.support.encoded import AAC_FRAME, encode_audio, encode_video, ffmpeg_complaints, presentation_times


def test_a_segment_is_one_moof_and_one_mdat():
    samples = [Sample(b"key", 10), Sample(b"other", 10, 5, sync=False)]
    segment = media_segment("video", 7, 1234, samples)
    assert [kind for kind, _, _ in boxes(segment)] == [b"moof", b"mdat"]
    assert find(segment, b"mdat") == b"keyother"
    assert segment[header_size(segment) :] == b"keyother"
    assert first_sample_range(segment, samples) == (0, len(segment) - len(b"other"))
    assert int.from_bytes(find(segment, b"moof", b"traf", b"tfdt")[4:]) == 1234
    assert int.from_bytes(find(segment, b"moof", b"mfhd")[4:]) == 7


@pytest.mark.parametrize(
    ("samples", "flags"),
    [
        ([Sample(b"a", 10), Sample(b"b", 10)], 0x201),
        ([Sample(b"a", 10), Sample(b"b", 10, sync=False)], 0x205),
        ([Sample(b"a", 10), Sample(b"b", 11, 3, sync=False)], 0xB05),
        ([Sample(b"a", 10), Sample(b"b", 10), Sample(b"c", 10, sync=False)], 0x601),
    ],
    ids=["all sync", "first sync", "uneven with offsets", "some sync"],
)
def test_a_run_states_what_its_defaults_do_not(samples, flags):
    trun = find(media_segment("video", 1, 0, samples), b"moof", b"traf", b"trun")
    assert int.from_bytes(trun[1:4]) == flags
    assert trun[0] == 1


@pytest.mark.parametrize(
    ("kind", "samples"),
    [
        ("video", []),
        ("video", [Sample(b"a", 1, sync=False)]),
        ("audio", [Sample(b"a", 1, 2)]),
        ("audio", [Sample(b"a", 1), Sample(b"b", 1, sync=False)]),
    ],
)
def test_impossible_segments_are_refused(kind, samples):
    with pytest.raises(ValueError, match="sample"):
        media_segment(kind, 1, 0, samples)


@pytest.mark.media
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(17)])
@pytest.mark.parametrize("first", [0, 50])
def test_every_frame_decodes_on_the_grid(tmp_path, rate, first):
    video = encode_video(60, rate, 25, first=first)
    file = tmp_path / "video.mp4"
    file.write_bytes(video.init + b"".join(video.segments))
    ticks = [int(time * 240_000) for time in presentation_times(file, "video")]
    assert min(s.composition_offset for s in video.samples[0]) < 0
    # FFmpeg shows fragments with negative offsets later by the greatest of them, as it does with its own files.
    late = max(-s.composition_offset for group in video.samples for s in group)
    assert [t - late for t in ticks] == [frame_time(first + n, rate) for n in range(60)]
    assert ffmpeg_complaints("-i", file) == ""


@pytest.mark.media
def test_each_segment_decodes_on_its_own_after_the_init_segment(tmp_path):
    video = encode_video(60, Fraction(25), 25)
    for segment, group in zip(video.segments, video.samples, strict=True):
        file = tmp_path / "one.mp4"
        file.write_bytes(video.init + segment)
        assert len(presentation_times(file, "video")) == len(group)
        assert ffmpeg_complaints("-i", file) == ""


@pytest.mark.media
@pytest.mark.parametrize("channels", [1, 2])
def test_audio_decodes_without_gaps_from_the_start(tmp_path, channels):
    audio = encode_audio(2.4, 40, channels=channels)
    file = tmp_path / "audio.mp4"
    file.write_bytes(audio.init + b"".join(audio.segments))
    ticks = [int(time * 240_000) for time in presentation_times(file, "audio")]
    assert ticks == [n * AAC_FRAME for n in range(112)]
    assert ffmpeg_complaints("-i", file) == ""


@pytest.mark.media
def test_the_same_input_gives_the_same_bytes():
    assert encode_video(30, Fraction(25), 25) == encode_video(30, Fraction(25), 25)
