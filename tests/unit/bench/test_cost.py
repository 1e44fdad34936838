from dataclasses import replace

import pytest

from bench.cost import GB_SECOND, KEPT, bill, billed, managed, report
from bench.model.times import Line, Times
from bench.model.work import work_of

TIMES = replace(Times.load(), chunk=Line(1.0, 2.5), audio=Line(0.5, 0.02), probe=0.5, package=Line(0.5, 0.01))


@pytest.mark.parametrize(("seconds", "paid"), [(0, 1), (0.4, 1), (1.0, 1), (1.01, 1.1), (12.3, 12.3)])
def test_an_execution_is_billed_by_tenths_and_a_second_at_least(seconds, paid):
    assert billed(seconds) == pytest.approx(paid)


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
    kept = next(line for line in bill(work_of(10, TIMES), TIMES, 1) if line.price is KEPT)
    assert kept.amount == pytest.approx(600 * (TIMES.source_bytes + TIMES.stored_bytes) / 1e9)


def test_managed_encoders_charge_for_each_rendition():
    usd = managed(work_of(10, TIMES))["Google Transcoder API"]
    assert usd == pytest.approx(2 * 0.030 + 2 * 0.015)


def test_the_report_names_every_price_list():
    text = report(work_of(10, TIMES), TIMES)
    assert text.count("https://") >= 8
    assert "Made once: **" in text
