from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from bench import scale
from bench.model import plot
from bench.model.platform import Platform
from bench.model.times import Line, Times
from bench.model.work import work_of

TIMES = replace(Times.load(), chunk=Line(1.0, 2.5), audio=Line(0.5, 0.02), services=0.25)


@pytest.mark.parametrize(("encoders", "speed"), [(1, 1.0), (2, 0.8), (4, 0.4)])
def test_storage_and_host_take_their_share_of_a_local_machine(encoders, speed):
    platform = scale.local(encoders, cores=2, times=TIMES)
    assert platform.speed == pytest.approx(speed)
    assert platform.instances == encoders
    assert platform.ramp is None


def test_two_local_encoders_are_faster_than_one_but_not_twice():
    one, two = (scale.one(work_of(1, TIMES), scale.local(n, 2, TIMES)).videos[0].ready for n in (1, 2))
    assert 0.5 * one < two < 0.8 * one


def test_instances_are_full_before_storage_is():
    found = scale.per_video(work_of(10, TIMES), Platform(1000))
    room = {name: there / taken for name, (taken, there) in found.items()}
    first = sorted(room, key=lambda name: room[name])
    assert all("instances" in name for name in first[:2])
    assert room[scale.MOST_OF_APP] == 4 * room[first[0]]


def test_the_answer_for_an_hour_names_both_numbers():
    text = scale.hour_on_a_hundred(TIMES)
    assert "READY in 60 s at 85%" in text
    assert "| **as it is** |" in text


def test_a_plot_is_well_formed_and_small(tmp_path):
    path = tmp_path / "a.svg"
    lines = {"a & b": [(1, 100.0), (10, 20.0), (1000, 3.5)], "c*": [(1, 0.5), (1000, 0.25)]}
    plot.write(path, "Title <1>", "x", "y", lines)
    root = ET.fromstring(path.read_text("utf-8"))  # noqa: S314 - our own
    drawn = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(drawn) == 2
    assert [line.get("stroke-dasharray") for line in drawn] == [None, "5 4"]
    assert path.stat().st_size < 200_000
