from dataclasses import replace
from fractions import Fraction

import pytest

from bench.cost import GB_MONTH, GB_SECOND, bill, managed_prices, readme_section, report, task_seconds
from bench.model.times import Line, Times
from bench.model.work import PICTURE, SOUND, work_of
from connector.domain.estimate import Machine, planned
from connector.domain.media_info import Access, MediaInfo
from connector.domain.usage import billed
from connector.domain.video import new_video

TIMES = replace(Times.load(), chunk=Line(1.0, 20.0), audio=Line(0.5, 0.02), probe=0.5, package=Line(0.5, 0.01))


def test_a_bill_is_in_proportion_to_the_videos():
    work = work_of(10, TIMES)
    one, many = (sum(line.usd for line in bill(work, TIMES, n)) for n in (1, 100))
    assert many == pytest.approx(100 * one)


def test_instances_are_paid_for_at_least_the_work():
    work = work_of(10, TIMES)
    instances = next(line for line in bill(work, TIMES, 1) if line.price is GB_SECOND)
    assert instances.amount > 2 * sum(task.cpu for task in work.tasks)
    assert instances.amount < 2.2 * sum(task.cpu for task in work.tasks)


def test_slower_cores_cost_more():
    work = work_of(10, TIMES)
    fast, slow = (bill(work, TIMES, 1, speed)[0].usd for speed in (1.0, 0.5))
    assert 1.9 * fast < slow < 2 * fast


def test_what_is_kept_is_the_upload_and_what_was_made_of_it():
    kept = next(line for line in bill(work_of(10, TIMES), TIMES, 1) if line.price is GB_MONTH)
    assert kept.amount == pytest.approx(600 * (TIMES.source_bytes + TIMES.stored_bytes) / 1e9)


def test_managed_encoders_charge_for_each_rendition():
    usd = managed_prices(work_of(10, TIMES))["Google Transcoder API"]
    high = sum(min(r.width, r.height) >= 720 for r in work_of(10, TIMES).plan.renditions)
    assert usd == pytest.approx(high * 0.030 + (len(work_of(10, TIMES).plan.renditions) - high) * 0.015)


def test_the_report_names_every_price_list():
    text = report(work_of(10, TIMES), TIMES)
    assert text.count("https://") >= 8
    assert "Made once: **" in text


def test_the_readme_has_the_same_bill():
    work = work_of(10, TIMES)
    once = sum(line.usd for line in bill(work, TIMES, 100) if line.price is not GB_MONTH)
    text = readme_section(work, TIMES)
    assert f"**{once:.2f}**" in text
    assert f"**{once:.2f}**" in report(work, TIMES)
    assert all(f"| {name} |" in text for name in managed_prices(work))


def test_the_estimate_counts_as_the_bill_does():
    """Both count the plan's tasks, writes and seconds: apart, they would drift."""
    work = work_of(10, TIMES)
    source = PICTURE.model_copy(update={"end": Fraction(600)})
    info = MediaInfo(container="mov", access=Access.SEEK, video=source, audio=(SOUND,))
    video = replace(new_video("a.mp4"), info=info, plan=work.plan, size=round(600 * TIMES.source_bytes))
    said = planned(video, Machine(TIMES.chunk.rate, 1))
    everything = [*work.tasks, work.probe, work.package]
    assert said.executions == len(everything)
    assert said.seconds == pytest.approx(sum(billed(task_seconds(task)) for task in everything), rel=0.05)
    assert said.writes == pytest.approx(sum(task.load.writes for task in everything), rel=0.05)
    assert said.size == pytest.approx(600 * (TIMES.source_bytes + TIMES.stored_bytes), rel=0.25)
