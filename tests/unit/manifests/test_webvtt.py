import re
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from connector.manifests import webvtt
from tests.unit.manifests.presentations import STORYBOARD


def test_each_cue_shows_its_tile_and_the_last_one_stays_to_the_end():
    text = webvtt.storyboard(replace(STORYBOARD, count=4), int(8.5 * 240_000))
    assert text == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:02.000\nstoryboard.jpg#xywh=0,0,160,90\n\n"
        "00:00:02.000 --> 00:00:04.000\nstoryboard.jpg#xywh=160,0,160,90\n\n"
        "00:00:04.000 --> 00:00:06.000\nstoryboard.jpg#xywh=320,0,160,90\n\n"
        "00:00:06.000 --> 00:00:08.500\nstoryboard.jpg#xywh=0,90,160,90\n"
    )


def test_hours_are_counted():
    text = webvtt.storyboard(replace(STORYBOARD, count=2, interval=Fraction(3725)), 7500 * 240_000)
    assert "01:02:05.000 --> 02:05:00.000" in text


@given(st.integers(1, 60), st.fractions(Fraction(1, 2), 20), st.integers(240, 10**9))
def test_cues_follow_each_other_and_never_pass_the_end(count, interval, duration):
    text = webvtt.storyboard(replace(STORYBOARD, count=count, interval=interval), duration)
    cues = re.findall(r"(\S+) --> (\S+)", text)
    assert cues[0][0] == "00:00:00.000"
    assert all(start < end for start, end in cues)
    assert all(a[1] == b[0] for a, b in pairwise(cues))
