"""Awkward sources come out right: every picture once, in order, upright, in its colours, with its sound."""

import zipfile
from fractions import Fraction

import av
import numpy as np
import pytest

from connector.domain import layout
from connector.domain.jobs import ProbeJob
from connector.domain.media_info import Access
from connector.domain.video import State
from connector.media.probe import SCAN_BYTES
from connector.pipeline.media_task import BlobWriter
from tests.media.frame_numbers import patches_of
from tests.media.special import SPECIAL, special
from tests.media.sync import flash_and_beep, measure_av_offset
from tests.media.unusual import GAP, UNUSUAL, unusual
from tests.support.apps import memory_app
from tests.support.published import Published, ahead, pitch, published, shown

pytestmark = pytest.mark.media

HDR = ("hdr10", "hlg")
PICTURES = [name for name, case in SPECIAL.items() if case.video]
# Sources that are read as any other, so that no seam has to be tested; and HDR, of which a chunk takes long to begin.
ONE_CHUNK = {
    *("rotated_90", "rotated_180", "rotated_270", "portrait", "anamorphic", "odd_size", "full_range", "bt601", "bt709"),
    *("surround", "mono_8k", "three_languages", *HDR),
}
LONG = [name for name in UNUSUAL if name.startswith("long_") and name != "long_sound"]
SHORT_PLAIN = ["no_cues", "open_gop_ts", "open_gop_mpeg2_ts", "b_frames_avi", "b_frames_h264_avi", "two_renditions"]


def _published(name: str) -> Published:
    if name in UNUSUAL:
        # Segments as long as chunks: several pieces, several chunks, and few processes.
        return published(unusual(name), **({"segment_seconds": 15, "chunk_seconds": 15} if name in LONG else {}))
    return published(special(name), **({"segment_seconds": 2} if name in ONE_CHUNK else {}))


@pytest.fixture(scope="module")
def sources(request):
    yield from ahead(request, "name", _published)


@pytest.fixture
def source(sources, name) -> Published:
    result = sources[name].result()
    assert (result.video.state, result.video.failure) == (State.READY, None)
    return result


def current(times: list[Fraction], rate: Fraction, frames: int, tolerance: Fraction) -> list[int]:
    """Which of the frames that appear at `times` each output frame shows."""
    return [max(i for i, time in enumerate(times) if time <= n / rate + tolerance or i == 0) for n in range(frames)]


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_is_shown_in_order_and_upright(source, name):
    case, plan = SPECIAL[name], source.video.plan
    if case.constant:
        numbers, before, after = shown(source.numbers)
        assert numbers == list(case.numbers)
        held = (case.video.start - min([case.video.start, *(a.start for a in case.audio)])) * plan.frame_rate
        assert before <= held + 1
        assert after <= 1
    else:
        times = case.video.times[:-1]
        assert source.numbers == current(times, plan.frame_rate, plan.frames, plan.tolerance)
    assert source.is_evenly_timed()
    for rendition in plan.renditions:
        assert source.numbers_of(rendition.id) == source.numbers


@pytest.mark.parametrize("name", PICTURES)
def test_the_size_is_that_of_the_displayed_picture(source, name):
    width, height = SPECIAL[name].size
    top = source.video.plan.renditions[0]
    assert (top.width, top.height) == (width - width % 2, height - height % 2)
    assert {(f.width, f.height) for f in source.pictures} == {(top.width, top.height)}


@pytest.mark.parametrize("name", SPECIAL)
def test_the_duration_is_that_of_the_longest_track(source, name):
    assert float(source.video.plan.duration) == pytest.approx(float(SPECIAL[name].seconds), abs=0.06)


@pytest.mark.parametrize(
    "name", ["bt709", "bt601", "full_range", "hevc_10_bit", "odd_size", "gif", "mpeg2_ts", "interlaced_tff", "vp9_opus"]
)
def test_colours_are_kept(source, name):
    with av.open(str(special(name))) as original:
        frame = next(original.decode(video=0))
        wanted = np.array(patches_of(frame))
    assert np.abs(source.patches() - wanted).max() <= 6


@pytest.mark.parametrize("name", HDR)
def test_hdr_becomes_sdr(source, name):
    patches = source.patches()
    light, dark = patches[0], patches[-1]
    assert np.ptp(light) <= 8  # grey stays grey
    assert np.ptp(dark) <= 8
    assert 100 <= light.mean() <= 215
    assert 25 <= dark.mean() <= light.mean() / 2
    for colour, is_high in zip(
        patches[1:-1], np.array([(1, 1, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1), (1, 0, 0), (0, 0, 1)]) == 1, strict=True
    ):
        assert colour[is_high].min() > colour[~is_high].max() + 50


@pytest.mark.parametrize("name", [name for name, case in SPECIAL.items() if case.audio and name != "surround"])
def test_every_sound_track_is_there_at_its_pitch(source, name):
    case = SPECIAL[name]
    assert len(source.video.plan.audio) == len(case.audio)
    for n, track in enumerate(case.audio):
        sound = source.sound(n)
        loud = np.flatnonzero(np.abs(sound[0]) > 0.05)
        begins, ends = loud[0], loud[-1]
        assert [pitch(channel[begins:ends]) for channel in sound] == pytest.approx(
            [track.frequency, track.frequency * (1 if track.layout == "mono" else 2)], abs=4
        )


@pytest.mark.parametrize("name", ["surround"])
def test_surround_is_mixed_to_stereo(source, name):
    left, right = (np.abs(np.fft.rfft(channel[:48_000])) for channel in source.sound())
    # Hz of front left, front right, centre; each channel is a tone of its own.
    assert left[440] > 10 * left[880]
    assert right[880] > 10 * right[440]
    assert min(left[1320], right[1320]) > 0.3 * left[440]


@pytest.mark.parametrize("name", ["three_languages"])
def test_languages_and_names_of_tracks_arrive_in_the_manifests(source, name):
    media = [line for line in source.master.splitlines() if "TYPE=AUDIO" in line]
    for line, (language, title) in zip(
        media, [("eng", "English"), ("deu", "Deutsch"), ("fra", "Français")], strict=True
    ):
        assert f'LANGUAGE="{language}"' in line
        assert f'NAME="{title}"' in line
    assert source.blob(layout.DASH_MANIFEST).decode().count('contentType="audio"') == 3


# Time


@pytest.mark.parametrize(
    ("name", "begins"), [("late_audio", 0.5), ("late_sound", 1.5), ("early_sound", 0), ("late_video", 0)]
)
def test_sound_begins_when_it_does_in_the_source(source, name, begins):
    (start,) = np.flatnonzero(np.abs(source.sound()[0]) > 0.05)[:1] / 48_000
    assert start == pytest.approx(begins, abs=0.04)


@pytest.mark.parametrize("name", ["early_sound"])
def test_the_first_picture_waits_for_sound_that_begins_before_it(source, name):
    numbers, before, after = shown(source.numbers)
    assert numbers == list(range(25))
    assert before == 37
    assert after <= 1


@pytest.mark.parametrize("name", ["long_sound"])
def test_the_last_picture_stays_while_sound_goes_on(source, name):
    assert source.numbers == [*range(25), *[24] * 50]
    assert source.sound().shape[1] / 48_000 == pytest.approx(3, abs=0.03)


@pytest.mark.parametrize("name", ["short_sound"])
def test_short_sound_is_followed_by_silence(source, name):
    assert source.numbers == list(range(75))
    sound = source.sound()
    assert sound.shape[1] / 48_000 == pytest.approx(3, abs=0.03)
    assert np.abs(sound[:, 52_800:]).max() < 0.001


@pytest.mark.parametrize("name", ["gap_mkv", "gap_ts"])
def test_a_picture_stays_over_a_gap_in_time(source, name):
    plan = source.video.plan
    _, before, after = shown(source.numbers)
    assert plan.frame_rate == 25
    assert source.numbers[before:][:124] == current(GAP, plan.frame_rate, 124, plan.tolerance)
    assert before + after <= 2


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "flv"])
def test_sound_and_picture_stay_together(suffix, tmp_path):
    result = published(flash_and_beep(tmp_path / f"sync.{suffix}", 3, size=(160, 96)))
    file = tmp_path / "download.mp4"
    file.write_bytes(result.blob(layout.PROGRESSIVE))
    assert measure_av_offset(file) == pytest.approx([0, 0], abs=0.01)


# Reading


@pytest.mark.parametrize("name", LONG)
def test_a_source_without_index_is_cut_into_pieces_and_comes_out_frame_exact(source, name):
    video = UNUSUAL[name][1]
    assert source.video.info.access is Access.PIECES
    assert len(source.video.plan.chunks) > 3
    numbers, before, after = shown(source.numbers)
    assert numbers == list(range(video.frames))
    assert before + after <= 2


@pytest.mark.parametrize("name", SHORT_PLAIN)
def test_a_source_that_is_hard_to_seek_comes_out_frame_exact(source, name):
    video = UNUSUAL[name][1]
    numbers, before, after = shown(source.numbers)
    assert numbers == list(range(video.frames))
    assert before + after <= 2
    assert all(source.numbers_of(r.id) == source.numbers for r in source.video.plan.renditions)
    assert len(source.video.plan.chunks) > 1


@pytest.mark.parametrize("name", ["two_renditions"])
def test_a_larger_source_has_several_renditions(source, name):
    assert [r.height for r in source.video.plan.renditions] == [432, 360]


def test_of_a_truncated_file_what_is_there_is_published(tmp_path):
    whole = special("moov_first").read_bytes()
    path = tmp_path / "truncated.mp4"
    path.write_bytes(whole[: len(whole) * 6 // 10])
    result = published(path)
    assert result.video.state is State.READY
    numbers, before, _ = shown(result.numbers)
    assert before == 0
    assert 20 <= len(numbers) < 50
    assert numbers == list(range(len(numbers)))


def test_a_file_without_its_index_fails_with_a_reason(tmp_path):
    whole = special("moov_last").read_bytes()
    path = tmp_path / "truncated.mov"
    path.write_bytes(whole[: len(whole) * 6 // 10])
    assert published(path).video.failure.code == "UnreadableMedia"


def _archive(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("video.mp4", special("bt709").read_bytes())


NO_MEDIA = {
    "text": lambda path: path.write_text("This is not a video.\n" * 100),
    "zip": _archive,
    "m3u8": lambda path: path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nhttp://localhost/a.ts\n"),
    "ffconcat": lambda path: path.write_text("ffconcat version 1.0\nfile /etc/hostname\n"),
    "zeros": lambda path: path.write_bytes(bytes(100_000)),
}


@pytest.mark.parametrize("kind", NO_MEDIA)
def test_what_is_no_media_fails_with_a_reason(kind, tmp_path):
    path = tmp_path / "video.mp4"
    NO_MEDIA[kind](path)
    video = published(path).video
    assert (video.state, video.failure.code) == (State.FAILED, "UnreadableMedia")


class CountingFile:
    def __init__(self, data: bytes) -> None:
        self.size, self.bytes_read, self._data = len(data), 0, data

    def read_at(self, offset: int, length: int) -> bytes:
        self.bytes_read += length
        return self._data[offset : offset + length]

    def close(self) -> None:
        pass


@pytest.mark.parametrize("suffix", ["mov", "mp4", "mkv"])
def test_the_probe_reads_head_and_tail_only(suffix):
    file, app = CountingFile(unusual(f"big_{suffix}").read_bytes()), memory_app()
    job = ProbeJob(limits=app.options.jobs.probe, accepted=app.options.source)
    info = app.media.run(job, [lambda: file], BlobWriter(app, None))
    assert info.access is Access.SEEK
    assert (info.video.start, info.video.end) == (0, 50)
    assert float(info.audio[0].end) == pytest.approx(50, abs=0.03)
    assert file.size > SCAN_BYTES
    assert file.bytes_read < file.size / 2
