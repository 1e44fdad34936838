from fractions import Fraction
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from connector.manifests import dash
from connector.manifests.presentation import Presentation
from tests.unit.manifests.presentations import CUTS, STORYBOARD, audio, early, segments, usual, video

NS = {"": "urn:mpeg:dash:schema:mpd:2011"}


def _sets(presentation: Presentation, kind: str) -> list[ET.Element]:
    root = ET.fromstring(dash.mpd(presentation).encode())  # noqa: S314 - our own output
    return root.findall(f"Period/AdaptationSet[@contentType='{kind}']", NS)


def _expand(timeline: ET.Element) -> list[tuple[int, int]]:
    """(time, duration) of each segment as a player computes them."""
    result, time = [], 0
    for s in timeline:
        time = int(s.get("t", time))
        for _ in range(int(s.get("r", "0")) + 1):
            result.append((time, int(s.get("d"))))
            time += int(s.get("d"))
    return result


def test_the_presentation_is_static_and_as_long_as_its_longest_track():
    root = ET.fromstring(dash.mpd(usual()).encode())  # noqa: S314 - our own output
    assert root.get("type") == "static"
    assert root.get("profiles") == "urn:mpeg:dash:profile:isoff-live:2011"
    assert root.get("mediaPresentationDuration") == "PT9.000000S"
    assert root.get("minBufferTime") == "PT4.010667S"


def test_renditions_of_one_cut_share_one_timeline():
    (group,) = _sets(usual(), "video")
    assert len(group.findall(".//SegmentTemplate", NS)) == 1
    template = group.find("SegmentTemplate", NS)
    assert template.attrib == {
        "timescale": "240000",
        "initialization": "video/$RepresentationID$/init.mp4",
        "media": "video/$RepresentationID$/$Time$.m4s",
    }
    assert [r.get("id") for r in group.findall("Representation", NS)] == ["1000000", "400000"]
    first = group.find("Representation", NS)
    assert first.get("sar") == "1:1"
    assert first.get("frameRate") == "25"
    assert int(first.get("bandwidth")) == usual().video[0].peak_bitrate


def test_renditions_cut_differently_have_their_own_timelines():
    tracks = (video(), video(500_000, segments(480_000, 480_000)))
    (group,) = _sets(Presentation(tracks, ()), "video")
    assert group.find("SegmentTemplate", NS) is None
    for representation, track in zip(group.findall("Representation", NS), tracks, strict=True):
        timeline = representation.find("SegmentTemplate/SegmentTimeline", NS)
        assert _expand(timeline) == [(s.time, s.duration) for s in track.segments]


@given(CUTS)
def test_a_timeline_expands_to_the_segments(cut):
    (group,) = _sets(Presentation((video(cut=cut),), ()), "video")
    assert _expand(group.find(".//SegmentTimeline", NS)) == [(s.time, s.duration) for s in cut]


def test_equal_durations_become_one_entry_and_a_gap_a_new_time():
    cut = (*segments(10, 10, 10, 7), *segments(7, 7, start=40))
    (group,) = _sets(Presentation((video(cut=cut),), ()), "video")
    entries = [s.attrib for s in group.find(".//SegmentTimeline", NS)]
    assert entries == [{"t": "0", "d": "10", "r": "2"}, {"d": "7"}, {"t": "40", "d": "7", "r": "1"}]


def test_each_sound_track_is_a_choice_with_its_role():
    tracks = (audio(), audio(128_001, language="pt-BR", name="Português", channels=6))
    groups = _sets(Presentation((video(),), tracks), "audio")
    assert [g.get("lang") for g in groups] == ["en", "pt-BR"]
    assert [g.find("Role", NS).get("value") for g in groups] == ["main", "alternate"]
    assert [g.find("Label", NS).text for g in groups] == ["English", "Português"]
    assert [g.find("AudioChannelConfiguration", NS).get("value") for g in groups] == ["2", "6"]
    assert len({g.get("id") for g in groups}) == 2


@given(st.text(max_size=30))
def test_any_name_gives_well_formed_xml(name):
    (group,) = _sets(Presentation((), (audio(name=name),)), "audio")
    label = group.find("Label", NS).text or ""
    assert len(label) == len(name)


def test_fractional_rates_stay_fractions():
    (group,) = _sets(Presentation((video(frame_rate=Fraction(30000, 1001)),), ()), "video")
    assert group.find("Representation", NS).get("frameRate") == "30000/1001"
    assert group.get("maxFrameRate") == "30000/1001"
    assert group.get("par") == "16:9"


def test_the_storyboard_is_one_tiled_image():
    (group,) = _sets(usual(), "image")
    template = group.find("SegmentTemplate", NS)
    assert int(template.get("duration")) == STORYBOARD.columns * STORYBOARD.rows * 2 * 240_000
    assert template.get("media") == "thumbnails/storyboard.jpg"
    representation = group.find("Representation", NS)
    assert (representation.get("width"), representation.get("height")) == ("480", "180")
    tiles = representation.find("EssentialProperty", NS)
    assert tiles.attrib == {"schemeIdUri": "http://dashif.org/guidelines/thumbnail_tile", "value": "3x2"}


def test_an_early_manifest_is_dynamic_and_has_no_duration_yet():
    root = ET.fromstring(dash.mpd(early()).encode())  # noqa: S314 - our own output
    assert root.get("type") == "dynamic"
    assert "mediaPresentationDuration" not in root.attrib, "Shaka takes the last segment for one that lasts so long"
    assert root.get("availabilityStartTime") == "2026-01-02T03:03:00.000Z", "a minute before it could be played"
    assert root.get("publishTime") == "2026-01-02T03:05:00.000Z"
    assert root.get("minimumUpdatePeriod") == "PT2S"
    # Players begin so far from the end: at 0, also if loading took them five seconds.
    assert root.get("suggestedPresentationDelay") == "PT14.000000S"
    assert root.find("UTCTiming", NS).attrib == {
        "schemeIdUri": "urn:mpeg:dash:utc:direct:2014",
        "value": "2026-01-02T03:05:00.000Z",
    }
    assert [len(_sets(early(), kind)) for kind in ("video", "audio", "image")] == [1, 1, 0]


def test_the_bandwidth_of_an_early_manifest_is_not_what_it_happened_to_be_so_far():
    for track in ET.fromstring(dash.mpd(early()).encode()).iterfind(".//Representation", NS):  # noqa: S314 - our own
        assert int(track.get("bandwidth")) >= int(track.get("id"))
