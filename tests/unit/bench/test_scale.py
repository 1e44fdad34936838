import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from bench import scale
from bench.model import hour, plot
from bench.model.platform import Platform
from bench.model.times import Line, Times
from bench.model.work import work_of

TIMES = replace(Times.load(), chunk=Line(1.0, 20.0), audio=Line(0.5, 0.02))


def test_instances_are_full_before_storage_is():
    found = scale.usage_per_video(work_of(10, TIMES), Platform(1000))
    room = {name: there / taken for name, (taken, there) in found.items()}
    first = sorted(room, key=lambda name: room[name])
    assert all("instances" in name for name in first[:2])
    assert room[scale.MOST_OF_APP] == 4 * room[first[0]]


@pytest.fixture
def short(monkeypatch):
    """Twelve minutes on twenty instances: the same report, in a tenth of the time."""
    monkeypatch.setattr(hour, "MINUTES", 12)
    monkeypatch.setattr(hour, "INSTANCES", 20)


@pytest.mark.usefixtures("short")
def test_the_report_names_both_numbers():
    text = hour.report(TIMES)
    assert "READY in 60 s at 85%" in text
    assert "| **as it is** |" in text


@pytest.mark.usefixtures("short")
def test_the_report_says_whether_both_are_met(monkeypatch):
    slow = replace(TIMES, chunk=Line(1.0, 40.0))
    fast = replace(TIMES, chunk=Line(0.1, 10.0), audio=Line(0.0, 0.001), probe=0.1, package=Line(0.1, 0.0))
    fast = replace(fast, source_bytes=1e5)
    assert "None of these meets both." in hour.report(slow)
    assert "not even 1,000 instances" in hour.report(replace(slow, audio=Line(0.3, 0.1)))
    assert f"| **as it is** | {len(work_of(12, slow).tasks)} | " in hour.report(slow)
    monkeypatch.setattr(hour, "WANTED_EFFICIENCY", 0.6)
    assert re.search(r"As it is, \d+ instances make it READY in time", hour.report(fast))
    assert "Both are met by:" in hour.report(fast)


@pytest.mark.usefixtures("short")
def test_no_bound_is_above_what_is_simulated():
    """What alone takes so long cannot be beaten by all together."""
    ready = hour.Variant("", TIMES, Platform(hour.INSTANCES)).ready
    for line in hour.report(TIMES).split("| what alone takes")[1].split("\n\n")[0].splitlines()[2:]:
        name, seconds = (cell.strip() for cell in line.split("|")[1:3])
        number, unit = seconds.split()
        assert "tone" in name or float(number) * (60 if unit == "min" else 1) <= ready + 1


def test_a_plot_is_well_formed_and_small(tmp_path):
    path = tmp_path / "a.svg"
    lines = {"a & b": [(1, 100.0), (10, 20.0), (1000, 3.5)], "c*": [(1, 0.5), (1000, 0.25)]}
    plot.write(path, "Title <1>", "x", "y", lines)
    root = ET.fromstring(path.read_text("utf-8"))  # noqa: S314 - our own
    drawn = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(drawn) == 2
    assert [line.get("stroke-dasharray") for line in drawn] == [None, "5 4"]
    assert path.stat().st_size < 200_000
