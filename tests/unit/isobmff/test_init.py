from contextlib import suppress

import pytest

from connector.isobmff.boxes import box, boxes, find
from connector.isobmff.init import AudioInit, VideoInit, audio_init, parse_init, video_init
from tests.support.parameter_sets import PPS, SPS


def test_video_facts_read_back():
    assert parse_init(video_init(SPS, PPS, 1280, 720)) == VideoInit(SPS, PPS, 1280, 720)


@pytest.mark.parametrize("language", ["und", "en", "deu", "pt-BR", "zh-Hant-TW"])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_audio_facts_read_back(language, channels):
    config = bytes.fromhex("119056e500")
    expected = AudioInit(config, 48_000, channels, language, 128_000)
    assert parse_init(audio_init(config, 48_000, channels, language, 128_000)) == expected


def test_codecs_are_named_for_manifests():
    assert parse_init(video_init(SPS, PPS, 16, 16)).codec == "avc1.64001F"
    assert parse_init(audio_init(b"\x11\x90", 48_000, 2, "en", 1)).codec == "mp4a.40.2"


def test_a_three_letter_language_also_stands_in_the_media_header():
    def packed(tag: str) -> int:
        mdhd = find(audio_init(b"\x11\x90", 48_000, 2, tag, 1), b"moov", b"trak", b"mdia", b"mdhd")
        return int.from_bytes(mdhd[32:34])

    assert packed("deu") == (4 << 10 | 5 << 5 | 21)
    assert packed("de") == packed("und") == 0x55C4


def test_an_init_segment_is_ftyp_and_moov_without_edit_list():
    data = video_init(SPS, PPS, 640, 360)
    assert [kind for kind, _, _ in boxes(data)] == [b"ftyp", b"moov"]
    assert b"elst" not in data
    assert find(data, b"moov", b"mvex", b"trex")[8:] == bytes.fromhex("00000001") + bytes(12)


def test_an_unknown_sample_entry_is_refused():
    foreign = video_init(SPS, PPS, 640, 360).replace(b"avc1", b"vp09")
    with pytest.raises(ValueError, match="vp09"):
        parse_init(foreign)
    with pytest.raises(ValueError, match="moov"):
        parse_init(box(b"free"))


@pytest.mark.parametrize(
    "init", [video_init(SPS, PPS, 1280, 720), audio_init(b"\x11\x90", 48_000, 2, "en", 1)], ids=["picture", "sound"]
)
def test_a_sample_entry_of_any_length_is_read_or_refused(init):
    """Hostile media may have taken over the media process that writes it. The boxes around it stay well-formed."""
    media = find(init, b"moov", b"trak", b"mdia")
    stsd = find(media, b"minf", b"stbl", b"stsd")
    for length in range(len(stsd)):
        entry = stsd[:8] + (max(8, length - 8)).to_bytes(4) + stsd[12 : max(16, length)]
        minf = box(b"minf", box(b"stbl", box(b"stsd", entry)))
        elng = box(b"elng", bytes(4) + b"en\0")
        with suppress(ValueError):
            parse_init(box(b"moov", box(b"trak", box(b"mdia", minf, elng))))


def test_sound_without_its_configuration_is_refused():
    config = b"\x11\x90"
    init = audio_init(config, 48_000, 2, "en", 1)
    at = init.index(b"\x05\x02" + config)
    for length in (0, 63):
        with pytest.raises(ValueError, match="AudioSpecificConfig"):
            parse_init(init[: at + 1] + bytes([length]) + init[at + 2 :])
