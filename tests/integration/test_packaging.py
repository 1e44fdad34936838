"""A small real presentation, from encoder to player: segments, init segments and manifests together."""

from fractions import Fraction

import pytest

from connector.domain import layout
from connector.isobmff.fragment import first_sample_range
from connector.isobmff.init import parse_init
from connector.manifests import dash, hls, smooth
from connector.manifests.presentation import AudioTrack, Presentation, Segment, VideoTrack
from tests.support.encoded import (
    Encoded,
    encode_audio,
    encode_video,
    ffmpeg_complaints,
    ffmpeg_frame_count,
    presentation_times,
)

RATE = Fraction(30000, 1001)
FRAMES, GOP = 100, 30


def _store(root, kind: str, bitrate: int, encoded: Encoded) -> tuple[Segment, ...]:
    folder = root / kind / str(bitrate)
    folder.mkdir(parents=True)
    (root / layout.init_segment(kind, bitrate)).write_bytes(encoded.init)
    for table, data in zip(encoded.tables, encoded.segments, strict=True):
        (root / layout.media_segment(kind, bitrate, table.time)).write_bytes(data)
    return tuple(
        Segment(table.time, table.duration, len(data))
        for table, data in zip(encoded.tables, encoded.segments, strict=True)
    )


def _video(root, bitrate: int, size: tuple[int, int]) -> VideoTrack:
    encoded = encode_video(FRAMES, RATE, GOP, size=size)
    facts = parse_init(encoded.init)
    return VideoTrack(
        id=bitrate,
        codec=facts.codec,
        init_size=len(encoded.init),
        segments=_store(root, "video", bitrate, encoded),
        width=facts.width,
        height=facts.height,
        frame_rate=RATE,
        sps=facts.sps,
        pps=facts.pps,
        keyframes=tuple(map(first_sample_range, encoded.segments, encoded.samples)),
    )


def _audio(root, bitrate: int, language: str, name: str) -> AudioTrack:
    encoded = encode_audio(3.4, 50, language=language)
    facts = parse_init(encoded.init)
    return AudioTrack(
        id=bitrate,
        codec=facts.codec,
        init_size=len(encoded.init),
        segments=_store(root, "audio", bitrate, encoded),
        sampling_rate=facts.sampling_rate,
        channels=facts.channels,
        config=facts.config,
        language=facts.language,
        name=name,
    )


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    root = tmp_path_factory.mktemp("published")
    presentation = Presentation(
        (_video(root, 300_000, (320, 180)), _video(root, 100_000, (160, 90))),
        (_audio(root, 96_000, "en", "English"), _audio(root, 96_001, "de", 'Deutsch "für" & <alle>')),
    )
    (root / layout.MASTER_PLAYLIST).write_text(hls.master(presentation), "utf-8")
    (root / layout.DASH_MANIFEST).write_text(dash.mpd(presentation), "utf-8")
    (root / "smooth.ism").mkdir()
    (root / layout.SMOOTH_MANIFEST).write_text(smooth.manifest(presentation), "utf-8")
    for track in presentation.video:
        (root / layout.media_playlist("video", track.id)).write_text(hls.media(track), "utf-8")
        (root / layout.iframe_playlist(track.id)).write_text(hls.iframes(track), "utf-8")
    for track in presentation.audio:
        (root / layout.media_playlist("audio", track.id)).write_text(hls.media(track), "utf-8")
    return root


@pytest.mark.media
@pytest.mark.parametrize("manifest", [layout.MASTER_PLAYLIST, layout.DASH_MANIFEST])
def test_everything_a_manifest_names_decodes_without_complaint(published, manifest):
    assert ffmpeg_complaints("-allowed_extensions", "ALL", "-i", published / manifest) == ""


@pytest.mark.media
@pytest.mark.parametrize("manifest", [layout.MASTER_PLAYLIST, layout.DASH_MANIFEST])
@pytest.mark.parametrize(("stream", "count"), [("v:0", FRAMES), ("v:1", FRAMES), ("a:0", 159), ("a:1", 159)])
def test_no_frame_is_missing_from_any_track(published, manifest, stream, count):
    assert ffmpeg_frame_count(published / manifest, stream) == count


@pytest.mark.media
@pytest.mark.parametrize(("kind", "step"), [("video", 1 / RATE), ("audio", Fraction(1024, 48_000))])
def test_frames_are_evenly_spaced_across_segments(published, kind, step):
    times = presentation_times(published / layout.MASTER_PLAYLIST, kind)
    # FFmpeg's HLS demuxer rounds to 1/90000 s.
    assert max(abs(time - times[0] - n * step) for n, time in enumerate(times)) <= Fraction(1, 90_000)


@pytest.mark.media
def test_an_iframe_range_decodes_to_one_picture(published, tmp_path):
    folder = published / "video" / "100000"
    playlist = (folder / "iframes.m3u8").read_text().splitlines()
    ranges = [line.partition(":")[2] for line in playlist if line.startswith("#EXT-X-BYTERANGE")]
    names = [line for line in playlist if line.endswith(".m4s")]
    assert len(ranges) == len(names) == 4
    for span, name in zip(ranges, names, strict=True):
        length, _, offset = span.partition("@")
        data = (folder / name).read_bytes()[int(offset) :][: int(length)]
        file = tmp_path / "iframe.mp4"
        # The mdat header still announces the whole segment, as it does to a player.
        file.write_bytes((folder / "init.mp4").read_bytes() + data)
        assert len(presentation_times(file, "video")) == 1
