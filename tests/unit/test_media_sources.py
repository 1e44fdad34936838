"""The generated test media is what it claims to be; everything else that is tested with it rests on that."""

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from av.filter import Graph

from tests.media.audio import Audio
from tests.media.colour import BT601, BT709
from tests.media.corpus import CORPUS, SECONDS, build
from tests.media.frame_numbers import BITS, PATCHES, draw, draw_rgb, luma_of, patches_of, read, read_luma
from tests.media.sources import NTSC, Video, numbered
from tests.media.special import SPECIAL, special
from tests.media.sync import flash_and_beep, measure_av_offset

pytestmark = pytest.mark.media


@pytest.mark.parametrize("size", [(1920, 1080), (320, 240), (240, 426), (321, 241), (176, 144)])
def test_every_number_is_read_back_even_from_a_thumbnail(size):
    for n in [0, 1, 2**BITS - 1, *(2**bit for bit in range(BITS)), 0x5555]:
        frame = draw(n, *size)
        assert read(frame) == n
        assert read(frame.reformat(width=160, height=90, format="yuv420p")) == n


def test_a_turned_or_mirrored_picture_has_no_number():
    luma = luma_of(draw(0x1234, 320, 240))
    assert [read_luma(np.rot90(luma, k)) for k in (1, 2, 3)] == [None] * 3
    assert read_luma(luma[:, ::-1]) is None


def test_a_blend_of_two_frames_has_no_number():
    blend = (draw_rgb(7, 320, 240).astype(int) + draw_rgb(8, 320, 240)) // 2
    assert read_luma(blend.mean(axis=2).astype(np.uint8)) is None


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_flat_picture_has_no_number(value):
    assert read_luma(np.full((90, 160), value, np.uint8)) is None


def test_the_content_moves_in_every_frame():
    for n in range(40):
        change = np.abs(draw_rgb(n, 160, 90).astype(int) - draw_rgb(n + 1, 160, 90))
        assert change[:20].mean() > 5


@pytest.mark.parametrize("colour", [BT601, BT709])
def test_patches_keep_their_colour_through_the_encoder(tmp_path, colour):
    path = numbered(tmp_path / "a.mp4", Video(frames=2, colour=colour))
    with av.open(str(path)) as source:
        found = patches_of(next(source.decode(video=0)))
    assert np.abs(np.array(found) - PATCHES).max() <= 6


@pytest.mark.parametrize("extension", CORPUS)
def test_each_extension_has_a_file_that_decodes_whole(extension):
    entry = CORPUS[extension]
    with av.open(str(build(extension))) as source:
        assert bool(source.streams.video) == entry.has_video
        assert bool(source.streams.audio) == entry.has_audio
        assert source.duration / av.time_base == pytest.approx(float(entry.seconds), abs=0.1)
        numbers, sound = [], 0.0
        for frame in source.decode(*source.streams.video, *source.streams.audio):
            if isinstance(frame, av.VideoFrame):
                numbers.append(read(frame))
            else:
                sound += frame.samples / frame.sample_rate
    assert numbers == list(range(entry.video.frames if entry.video else 0))
    assert sound == pytest.approx(float(entry.seconds if entry.has_audio else 0), abs=0.05)
    assert entry.seconds <= SECONDS * Fraction(11, 10)


@pytest.mark.parametrize("name", SPECIAL)
def test_each_special_source_is_what_it_says(name):
    case = SPECIAL[name]
    with av.open(str(special(name))) as source:
        assert len(source.streams.audio) == len(case.audio)
        for stream, track in zip(source.streams.audio, case.audio, strict=True):
            assert stream.layout.name == track.layout
            assert stream.rate == track.rate
            assert track.language in {None, stream.language}
        frames = list(source.decode(video=0)) if case.video else []
    # a display matrix says by how much to turn counter-clockwise, as rot90 does
    assert [read_luma(np.rot90(luma_of(f), f.rotation // 90)) for f in frames] == list(case.numbers)
    if not case.video:
        return
    assert (frames[0].width, frames[0].height) == case.video.size
    assert {f.interlaced_frame for f in frames} == {case.video.interlaced is not None}
    assert {-f.rotation % 360 for f in frames} == {case.video.rotation}
    if case.video.codec != "gif":
        tags = {(f.colorspace, f.color_range, f.color_primaries, f.color_trc) for f in frames}
        colour = case.video.colour
        assert tags == {(colour.matrix, colour.range, colour.primaries, colour.transfer)}
    times = [f.pts * f.time_base for f in frames]
    wanted = case.video.times[case.hidden :]
    tolerance = 0.00101  # Matroska and FLV count in whole milliseconds
    assert [float(t - times[0]) for t in times] == pytest.approx(
        [float(t - wanted[0]) for t in wanted[:-1]], abs=tolerance
    )


@pytest.mark.parametrize("name", ["interlaced_tff", "interlaced_bff"])
def test_interlaced_frames_hold_two_moments_in_the_order_they_say(name):
    """As 50 fields a second the content moves steadily in the right order, to and fro in the wrong one."""
    with av.open(str(special(name))) as source:
        graph = Graph()
        stream = source.streams.video[0]
        graph.link_nodes(
            graph.add_buffer(template=stream),
            graph.add("bwdif", "mode=send_field:parity=auto"),
            graph.add("buffersink"),
        ).configure()
        fields = []
        for frame in source.decode(stream):
            graph.push(frame)
            while len(fields) < 12:
                try:
                    fields.append(luma_of(graph.pull())[5:50].astype(int))
                except av.error.BlockingIOError:
                    break
    steps = [np.abs(a - b).mean() for a, b in pairwise(fields)]
    leaps = [np.abs(a - b).mean() for a, b in zip(fields, fields[2:], strict=False)]
    assert max(steps) < min(leaps)


def test_variable_timestamps_are_kept(tmp_path):
    times = [Fraction(0), Fraction(1, 10), Fraction(3, 25), Fraction(1)]
    for suffix in ("mkv", "mp4"):
        path = numbered(tmp_path / f"vfr.{suffix}", Video(timestamps=times))
        with av.open(str(path)) as source:
            found = [(read(f), f.pts * f.time_base) for f in source.decode(video=0)]
        assert found == list(enumerate(times))


@pytest.mark.parametrize("fps", [Fraction(25), NTSC])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_flash_and_beep_are_measured_together(tmp_path, suffix, fps):
    path = flash_and_beep(tmp_path / f"sync.{suffix}", 4, fps=fps, size=(160, 90))
    # at a rate that is not whole the flash is up to three thousandths after the third second
    assert measure_av_offset(path) == pytest.approx([0, 0, 0], abs=0.004)


def test_an_offset_is_measured(tmp_path):
    path = flash_and_beep(tmp_path / "late.mkv", 3, size=(160, 90), audio=Audio(frequency=1000, start=Fraction(1, 10)))
    assert measure_av_offset(path) == pytest.approx([0.1, 0.1], abs=0.002)


def test_missing_beeps_are_told(tmp_path):
    path = flash_and_beep(tmp_path / "late.mkv", 3, size=(160, 90), audio=Audio(frequency=1000, seconds=Fraction(1)))
    with pytest.raises(ValueError, match="2 flashes, 0 beeps"):
        measure_av_offset(path)
