from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.manifests import smooth
from connector.manifests.presentation import Presentation
from tests.unit.manifests.presentations import audio, segments, usual, video


def _streams(presentation: Presentation) -> dict[str, ET.Element]:
    root = ET.fromstring(smooth.manifest(presentation).encode())  # noqa: S314 - our own output
    assert root.get("TimeScale") == "240000"
    assert root.get("Duration") == str(presentation.duration)
    return {stream.get("Type") + stream.get("Language", ""): stream for stream in root}


def test_every_chunk_is_written_out_with_time_and_duration():
    stream = _streams(usual())["video"]
    chunks = [c.attrib for c in stream.findall("c")]
    assert chunks == [
        {"t": "0", "d": "960000"},
        {"t": "960000", "d": "960000"},
        {"t": "1920000", "d": "240000"},
    ]
    assert (stream.get("Chunks"), stream.get("QualityLevels")) == ("3", "2")


def test_the_url_leads_to_the_shared_segments():
    streams = _streams(usual())
    assert streams["video"].get("Url") == "../video/{bitrate}/{start time}.m4s"
    assert streams["audioen"].get("Url") == "../audio/{bitrate}/{start time}.m4s"
    assert [q.get("Bitrate") for q in streams["video"].findall("QualityLevel")] == ["1000000", "400000"]


def test_quality_levels_carry_what_a_decoder_needs():
    streams = _streams(usual())
    picture = streams["video"].find("QualityLevel").attrib
    assert picture["FourCC"] == "H264"
    assert picture["CodecPrivateData"] == "000000016764001FAC0000000168EB"
    assert (picture["MaxWidth"], picture["MaxHeight"]) == ("1280", "720")
    sound = streams["audioen"].find("QualityLevel").attrib
    assert sound["FourCC"] == "AACL"
    assert sound["CodecPrivateData"] == "1190"
    assert (sound["SamplingRate"], sound["Channels"], sound["AudioTag"]) == ("48000", "2", "255")


def test_each_sound_track_is_a_stream_of_its_own():
    tracks = (audio(), audio(128_001, language="de", name="Deutsch"))
    streams = _streams(Presentation((), tracks))
    assert [s.get("Name") for s in streams.values()] == ["English", "Deutsch"]


def test_renditions_cut_differently_are_refused():
    with pytest.raises(ValueError, match="different segments"):
        smooth.manifest(Presentation((video(), video(1, segments(480_000))), ()))


@given(st.text(max_size=30))
def test_any_name_gives_well_formed_xml(name):
    stream = _streams(Presentation((), (audio(name=name),)))["audioen"]
    assert len(stream.get("Name")) == len(name)
