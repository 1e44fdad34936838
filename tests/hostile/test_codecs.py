"""Which decoders a file can reach: those on the list, and no other of the hundreds that FFmpeg has."""

from collections.abc import Iterator

import av
import pytest
from av.codec import Capabilities, Codec

from connector.domain.failures import media_error
from connector.media.decoders import AUDIO, DECODERS, VIDEO
from tests.hostile.prober import Prober
from tests.media.audio import Audio
from tests.media.codecs import ENCODED, declared, encoded
from tests.media.sources import Video, numbered

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def prober() -> Iterator[Prober]:
    with Prober() as prober:
        yield prober


def _decoders() -> list[str]:
    found = set()
    for name in av.codecs_available:
        try:
            codec = Codec(name, "r")
        except ValueError:  # only an encoder
            continue
        if codec.type in {"video", "audio"}:
            found.add(codec.name)
    return sorted(found)


@pytest.mark.parametrize("decoder", ENCODED)
def test_a_file_for_each_decoder_is_described(prober, decoder):
    outcome = prober.probe(encoded(decoder))
    assert outcome.refusal is None
    assert not outcome.crash
    streams = [outcome.info.video] if outcome.info.video else outcome.info.audio
    assert [stream.codec for stream in streams] == [decoder]


def test_a_list_holds_decoders_of_its_kind_and_none_in_hardware():
    assert set(ENCODED) < set(DECODERS)
    for kind, codecs in (("video", VIDEO), ("audio", AUDIO)):
        for name in (name for names in codecs.values() for name in names):
            decoder = Codec(name, "r")
            assert (decoder.name, decoder.type) == (name, kind)
            assert not decoder.capabilities & (Capabilities.hardware | Capabilities.hybrid)


@pytest.mark.parametrize("decoder", sorted(set(DECODERS) - set(ENCODED)))
def test_a_codec_that_ffmpeg_cannot_encode_is_not_refused_for_its_name(prober, decoder):
    data = declared(decoder)
    assert data is not None
    outcome = prober.probe(data)
    assert not outcome.crash
    assert outcome.refusal is None or outcome.refusal.code != "UnsupportedCodec"


def test_no_other_decoder_can_be_reached(prober):
    """Each file names a codec and holds noise: decoders that are not listed are never given any of it."""
    listed = {Codec(name, "r").id for name in DECODERS}
    refused = set()
    for name in _decoders():
        codec = Codec(name, "r")
        data = None if codec.id in listed else declared(name)
        if data is not None:
            outcome = prober.probe(data)
            assert not outcome.crash, name
            assert str(outcome.refusal) == str(media_error("UnsupportedCodec", kind=codec.type)), name
            refused.add(name)
    assert {"cinepak", "snow", "zmbv", "msvideo1", "indeo5", "truespeech"} <= refused
    assert len(refused) > 150


@pytest.mark.parametrize("codec", ["cinepak", "snow", "flashsv", "zmbv", "msvideo1"])
def test_pictures_of_another_codec_are_refused_though_they_could_be_decoded(prober, tmp_path, codec):
    pix_fmt = {"snow": "yuv420p", "flashsv": "bgr24", "zmbv": "bgr0", "msvideo1": "rgb555le"}.get(codec, "rgb24")
    container = "flv" if codec == "flashsv" else "avi"
    video = Video(frames=5, size=(64, 48), codec=codec, pix_fmt=pix_fmt, options={"strict": "-2"})
    data = numbered(tmp_path / "file", video, container=container).read_bytes()
    outcome = prober.probe(data)
    assert str(outcome.refusal) == str(media_error("UnsupportedCodec", kind="video"))


def test_a_video_is_not_published_silent_because_of_the_codec_of_its_sound(prober, tmp_path):
    path = numbered(tmp_path / "file", Video(frames=25), Audio("tta"), container="matroska")
    outcome = prober.probe(path.read_bytes())
    assert str(outcome.refusal) == str(media_error("UnsupportedCodec", kind="audio"))


def test_a_further_track_of_another_codec_is_left_out(prober, tmp_path):
    path = numbered(tmp_path / "file", Video(frames=25), [Audio(), Audio("tta")], container="matroska")
    outcome = prober.probe(path.read_bytes())
    assert [stream.codec for stream in outcome.info.audio] == ["aac"]
