import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.manifests import hls
from connector.manifests.presentation import Presentation
from tests.unit.manifests.presentations import CUTS, audio, early, segments, usual, video


def _attributes(line: str) -> dict[str, str]:
    pairs = re.findall(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",]*)(?:,|$)', line.partition(":")[2])
    assert line.partition(":")[2] == ",".join(f"{k}={v}" for k, v in pairs)
    return {k: v.strip('"') for k, v in pairs}


def _tags(playlist: str, tag: str) -> list[dict[str, str]]:
    return [_attributes(line) for line in playlist.splitlines() if line.startswith(f"#{tag}:")]


def test_a_master_playlist_offers_each_rendition_with_sound_and_trick_play():
    assert hls.master(usual()).splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        (
            '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",LANGUAGE="en",NAME="English",DEFAULT=YES,AUTOSELECT=YES,'
            'CHANNELS="2",URI="audio/128000/media.m3u8"'
        ),
        (
            "#EXT-X-STREAM-INF:BANDWIDTH=526009,AVERAGE-BANDWIDTH=437689,"
            'CODECS="avc1.64001F,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=25.000,AUDIO="audio"'
        ),
        "video/1000000/media.m3u8",
        (
            "#EXT-X-STREAM-INF:BANDWIDTH=334009,AVERAGE-BANDWIDTH=277689,"
            'CODECS="avc1.64001F,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=25.000,AUDIO="audio"'
        ),
        "video/400000/media.m3u8",
        (
            "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=16000,AVERAGE-BANDWIDTH=13334,"
            'CODECS="avc1.64001F",RESOLUTION=1280x720,URI="video/1000000/iframes.m3u8"'
        ),
        (
            "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=16000,AVERAGE-BANDWIDTH=13334,"
            'CODECS="avc1.64001F",RESOLUTION=640x360,URI="video/400000/iframes.m3u8"'
        ),
    ]


def test_bandwidth_covers_every_segment_with_its_sound():
    p = usual()
    for stream, track in zip(_tags(hls.master(p), "EXT-X-STREAM-INF"), p.video, strict=True):
        assert int(stream["BANDWIDTH"]) == track.peak_bitrate + p.audio[0].peak_bitrate
        assert int(stream["AVERAGE-BANDWIDTH"]) == track.mean_bitrate + p.audio[0].mean_bitrate


def test_silent_video_has_no_audio_group():
    playlist = hls.master(Presentation((video(),), ()))
    assert "AUDIO" not in playlist
    assert _tags(playlist, "EXT-X-STREAM-INF")[0]["CODECS"] == "avc1.64001F"


def test_sound_alone_is_a_plain_variant():
    playlist = hls.master(Presentation((), (audio(),)))
    assert "EXT-X-MEDIA" not in playlist
    (stream,) = _tags(playlist, "EXT-X-STREAM-INF")
    assert set(stream) == {"BANDWIDTH", "AVERAGE-BANDWIDTH", "CODECS"}
    assert playlist.splitlines()[-1] == "audio/128000/media.m3u8"


def test_several_sound_tracks_alone_are_choices_and_not_bitrates():
    tracks = (audio(), audio(128_001, language="de", name="Deutsch"))
    playlist = hls.master(Presentation((), tracks))
    assert [m["LANGUAGE"] for m in _tags(playlist, "EXT-X-MEDIA")] == ["en", "de"]
    assert len(_tags(playlist, "EXT-X-STREAM-INF")) == 1


def test_one_track_is_the_default_and_one_per_language_is_automatic():
    tracks = (audio(1), audio(2, name="Comments"), audio(3, language="und", name="Unknown"))
    media = _tags(hls.master(Presentation((video(),), tracks)), "EXT-X-MEDIA")
    assert [m["DEFAULT"] for m in media] == ["YES", "NO", "NO"]
    assert [m["AUTOSELECT"] for m in media] == ["YES", "NO", "YES"]
    assert "LANGUAGE" not in media[2]


def test_players_begin_with_a_rendition_of_modest_bitrate():
    big = video(6_000_000, segments(960_000, size=3_000_000))
    streams = hls.master(Presentation((big, video(), video(500_000)), ()))
    assert re.findall(r"^video/(\d+)/", streams, re.MULTILINE) == ["1000000", "6000000", "500000"]


@given(st.text(max_size=30))
def test_no_name_breaks_out_of_its_attribute(name):
    playlist = hls.master(Presentation((video(),), (audio(name=name),)))
    assert len(playlist.splitlines()) == 3 + 1 + 2 + 1
    (media,) = _tags(playlist, "EXT-X-MEDIA")
    assert media["URI"] == "audio/128000/media.m3u8"
    assert playlist.encode()


@given(CUTS)
def test_durations_add_up_and_fit_the_target(cut):
    playlist = hls.media(video(cut=cut))
    durations = [Decimal(d) for d in re.findall(r"#EXTINF:([\d.]+),", playlist)]
    exact = Fraction(cut[-1].time + cut[-1].duration - cut[0].time, 240_000)
    assert abs(Fraction(sum(durations)) - exact) <= Fraction(1, 1_000_000)
    (target,) = re.findall(r"#EXT-X-TARGETDURATION:(\d+)", playlist)
    assert all(int(d + Decimal("0.5")) <= int(target) for d in durations)


def test_a_media_playlist_names_files_beside_it():
    assert hls.media(audio(cut=segments(962_560, 230_400))).splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        "#EXT-X-TARGETDURATION:4",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MAP:URI="init.mp4"',
        "#EXTINF:4.010667,",
        "0.m4s",
        "#EXTINF:0.960000,",
        "962560.m4s",
        "#EXT-X-ENDLIST",
    ]


def test_an_iframe_playlist_points_at_the_first_frame_of_each_segment():
    track = video(cut=segments(960_000, 240_000), keyframes=((0, 5000), (0, 700)))
    playlist = hls.iframes(track).splitlines()
    assert "#EXT-X-I-FRAMES-ONLY" in playlist
    assert playlist[-7:-1] == [
        "#EXTINF:4.000000,",
        "#EXT-X-BYTERANGE:5000@0",
        "0.m4s",
        "#EXTINF:1.000000,",
        "#EXT-X-BYTERANGE:700@0",
        "960000.m4s",
    ]


@pytest.mark.parametrize(
    ("rate", "text"), [(Fraction(30000, 1001), "29.970"), (Fraction(24000, 1001), "23.976"), (Fraction(60), "60.000")]
)
def test_frame_rates_have_three_decimals(rate, text):
    playlist = hls.master(Presentation((video(frame_rate=rate),), ()))
    assert _tags(playlist, "EXT-X-STREAM-INF")[0]["FRAME-RATE"] == text


def test_an_early_playlist_is_an_event_that_begins_at_its_beginning():
    p = early()
    for track in (*p.video, *p.audio):
        lines = hls.media(track, early=p.early).splitlines()
        # As planned: the segments so far may be shorter, and it must not change when a longer one comes.
        assert "#EXT-X-TARGETDURATION:6" in lines
        assert "#EXT-X-PLAYLIST-TYPE:EVENT" in lines
        assert "#EXT-X-START:TIME-OFFSET=0.0005" in lines
        assert "#EXT-X-ENDLIST" not in lines
        whole = hls.media(track).splitlines()
        assert whole[-1] == "#EXT-X-ENDLIST"
        assert [x for x in lines if "m4s" in x or "EXTINF" in x] == [x for x in whole if "m4s" in x or "EXTINF" in x]


def test_an_early_master_playlist_promises_what_is_known_only():
    p = early()
    streams = _tags(hls.master(p), "EXT-X-STREAM-INF")
    for stream, track in zip(streams, p.video, strict=True):
        assert "AVERAGE-BANDWIDTH" not in stream
        assert int(stream["BANDWIDTH"]) >= track.id + p.audio[0].id, "players read it once: at least the nominal one"
    assert not _tags(hls.master(p), "EXT-X-I-FRAME-STREAM-INF")
