"""Manifests of protected media, and of media that need a signature."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from connector.manifests import dash, hls, smooth
from connector.manifests.addresses import Addresses
from connector.manifests.presentation import Presentation, Protection
from tests.unit.manifests.presentations import audio, usual, video

NS = {"": "urn:mpeg:dash:schema:mpd:2011", "sea": "urn:mpeg:dash:schema:sea:2012"}
URI = "https://host/api/Keys/0f8fad5b-d9cb-469f-a165-70867728950e?a=1&b=2"
PROTECTION = Protection(URI, bytes(range(16)), bytes(range(16, 32)))
VIDEO_IV, AUDIO_IV = "0x000102030405060708090a0b0c0d0e0f", "0x101112131415161718191a1b1c1d1e1f"
PROTECTED = replace(usual(), protection=PROTECTION)
SIGNED = Addresses("https://store.example/video-1/", "sig=a%2Bb&se=1")


def _parse(manifest: str) -> ET.Element:
    return ET.fromstring(manifest.encode())  # noqa: S314 - our own output


@pytest.mark.parametrize(("track", "iv"), [(video(), VIDEO_IV), (audio(), AUDIO_IV)])
def test_a_media_playlist_names_key_and_iv_before_the_init_segment(track, iv):
    lines = hls.media(track, protection=PROTECTION).splitlines()
    key = lines.index(f'#EXT-X-KEY:METHOD=AES-128,URI="{URI}",IV={iv}')
    assert lines[key + 1] == '#EXT-X-MAP:URI="init.mp4"'
    assert sum(line.startswith("#EXT-X-KEY") for line in lines) == 1


def test_a_protected_master_playlist_only_lacks_trick_play():
    clear = hls.master(usual()).splitlines()
    protected = hls.master(PROTECTED).splitlines()
    assert protected == [line for line in clear if not line.startswith("#EXT-X-I-FRAME-STREAM-INF")]


def test_dash_describes_segment_encryption_in_every_set_and_offers_no_stills():
    root = _parse(dash.mpd(PROTECTED))
    groups = root.findall("Period/AdaptationSet", NS)
    assert [g.get("contentType") for g in groups] == ["video", "audio"]
    for group, iv in zip(groups, (VIDEO_IV, AUDIO_IV), strict=True):
        (protection,) = group.findall("ContentProtection", NS)
        assert protection.get("schemeIdUri") == "urn:mpeg:dash:sea:2012"
        scheme = protection.find("sea:SegmentEncryption", NS).get("schemeIdUri")
        assert scheme == "urn:mpeg:dash:sea:aes128-cbc:2013"
        assert protection.find("sea:CryptoPeriod", NS).attrib == {"IV": iv, "keyUriTemplate": URI}


def test_dash_keeps_the_order_that_its_schema_demands():
    group = _parse(dash.mpd(PROTECTED)).findall("Period/AdaptationSet", NS)[1]
    assert [child.tag.partition("}")[2] for child in group] == [
        "AudioChannelConfiguration",
        "ContentProtection",
        "Label",
        "Role",
        "SegmentTemplate",
        "Representation",
    ]


def test_smooth_gives_key_and_iv_in_each_stream_and_nothing_that_means_playready():
    root = _parse(smooth.manifest(PROTECTED))
    assert root.find("Protection") is None
    for stream, iv in zip(root, (VIDEO_IV, AUDIO_IV), strict=True):
        assert stream.find("sea:CryptoPeriod", NS).attrib == {"IV": iv, "keyUriTemplate": URI}


def test_clear_manifests_do_not_speak_of_encryption():
    for text in (hls.media(video()), hls.master(usual()), dash.mpd(usual()), smooth.manifest(usual())):
        assert "KEY" not in text
        assert "sea" not in text


@pytest.mark.parametrize("iv", [b"", bytes(15), bytes(17)])
def test_an_iv_of_another_length_is_refused(iv):
    with pytest.raises(ValueError, match="16 bytes"):
        Protection(URI, bytes(16), iv)


def test_a_key_address_that_breaks_out_is_refused_and_none_is_shown():
    with pytest.raises(ValueError, match="percent-encoded"):
        Protection('https://host/"', bytes(16), bytes(16))
    assert "host" not in repr(PROTECTION)


def test_signed_playlists_sign_every_address():
    playlist = hls.media(video(), SIGNED)
    root = "https://store.example/video-1/video/1000000"
    assert f'#EXT-X-MAP:URI="{root}/init.mp4?sig=a%2Bb&se=1"' in playlist.splitlines()
    addresses = [line for line in playlist.splitlines() if not line.startswith("#")]
    assert addresses == [f"{root}/{time}.m4s?sig=a%2Bb&se=1" for time in (0, 960_000, 1_920_000)]
    assert hls.iframes(video(), SIGNED).count("?sig=a%2Bb&se=1") == 4


@pytest.mark.parametrize("presentation", [usual(), Presentation((), (audio(),))])
def test_a_master_playlist_leads_to_child_playlists_where_the_app_serves_them(presentation):
    addresses = replace(SIGNED, playlist=lambda name: f"hls/{name}")
    playlist = hls.master(presentation, addresses)
    assert "store.example" not in playlist
    assert playlist.count("media.m3u8") == playlist.count("hls/") - playlist.count("iframes.m3u8")


def test_a_signed_dash_template_signs_every_address():
    root = _parse(dash.mpd(usual(), SIGNED))
    templates = root.findall(".//SegmentTemplate", NS)
    assert len(templates) == 3
    addresses = [t.get(name) for t in templates for name in ("initialization", "media") if t.get(name)]
    assert addresses[0] == "https://store.example/video-1/video/$RepresentationID$/init.mp4?sig=a%2Bb&se=1"
    assert all(a.startswith(SIGNED.base) and a.endswith(f"?{SIGNED.query}") for a in addresses)


def test_a_signed_smooth_url_keeps_its_tokens():
    (stream, _) = _parse(smooth.manifest(usual(), SIGNED))
    assert stream.get("Url") == "https://store.example/video-1/video/{bitrate}/{start time}.m4s?sig=a%2Bb&se=1"
