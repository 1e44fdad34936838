import pytest

from connector.domain.encoding import tuned, x264_options
from connector.domain.plan import Rendition

RENDITION = Rendition(id=1_300_000, width=854, height=480, crf=23, maxrate=1_300_000)


@pytest.mark.parametrize(
    ("preset", "params"),
    [
        ("ultrafast", {"aq-strength": "0.7"}),
        ("superfast", {"aq-strength": "0.7", "bframes": "5"}),
        ("veryfast", {"aq-strength": "0.7", "bframes": "5", "trellis": "1", "rc-lookahead": "20"}),
        ("faster", {"aq-strength": "0.7", "bframes": "5"}),
        ("slow", {"aq-strength": "0.7", "bframes": "5"}),
        ("veryslow", {"aq-strength": "0.7"}),
        ("placebo", {"aq-strength": "0.7"}),
    ],
)
def test_no_preset_is_given_less_than_it_has(preset, params):
    assert tuned(preset, 480) == params


def test_large_pictures_look_less_far_ahead_to_fit_into_memory():
    full_hd, portrait = RENDITION.model_copy(update={"width": 1920, "height": 1080}), {"width": 1080, "height": 1920}
    for rendition in (RENDITION, full_hd, full_hd.model_copy(update=portrait)):
        assert "rc-lookahead=20" in x264_options(rendition, 120, "veryfast")["x264-params"].split(":")
    large = RENDITION.model_copy(update={"width": 2560, "height": 1440})
    params = x264_options(large, 120, "veryfast")["x264-params"].split(":")
    assert "trellis=1" in params
    assert not [p for p in params if p.startswith("rc-lookahead")]


def test_every_segment_begins_with_a_closed_group():
    options = x264_options(RENDITION, 120, "veryfast")
    assert (options["keyint_min"], options["sc_threshold"]) == ("120", "0")
    assert "open-gop=0" in options["x264-params"].split(":")


def test_the_quality_is_the_rungs_up_to_its_highest_rate():
    options = x264_options(RENDITION, 120, "faster")
    assert (options["preset"], options["crf"]) == ("faster", "23.0")
    assert (options["maxrate"], options["bufsize"]) == ("1300000", "2600000")
