"""Where a timer stands when its host starts."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from local.schedule import Schedule
from local.timers import Status, resume

NEVER = datetime.min.replace(tzinfo=UTC)
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
HOURLY = Schedule("0 0 * * * *")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def test_at_its_first_start_nothing_was_missed():
    assert resume(HOURLY, None, NOON + MINUTE) == (Status(NEVER, NOON + HOUR, NOON + MINUTE), False)


def test_a_run_in_time_is_still_to_come():
    stored = Status(NOON, NOON + HOUR, NOON)
    assert resume(HOURLY, stored, NOON + 59 * MINUTE) == (stored, False)


@pytest.mark.parametrize("last", [NOON, NEVER])
def test_a_run_whose_time_has_passed_was_missed_though_none_ever_ran(last):
    stored = Status(last, NOON + HOUR, NOON)
    assert resume(HOURLY, stored, NOON + 5 * HOUR) == (stored, True)


def test_with_another_schedule_nothing_was_missed():
    stored = Status(NOON, NOON + 30 * MINUTE, NOON)
    now = NOON + 5 * HOUR + MINUTE
    assert resume(HOURLY, stored, now) == (Status(NEVER, NOON + 6 * HOUR, now), False)
    soon = NOON + 10 * MINUTE
    assert resume(HOURLY, stored, soon) == (Status(NEVER, NOON + HOUR, NOON), False)


def test_a_status_reads_back_as_it_was_written():
    status = Status(NEVER, NOON + HOUR, NOON + timedelta(microseconds=5))
    assert Status.from_json(json.dumps(status.to_json())) == status


@pytest.mark.parametrize(
    ("expression", "frequent"),
    [
        ("* * * * * *", True),
        ("*/30 * * * * *", True),
        ("0 * * * * *", False),
        ("0 */5 * * * *", False),
        ("00:00:59", True),
        ("00:01:00", False),
    ],
)
def test_which_timers_are_too_frequent_to_be_kept(expression, frequent):
    assert Schedule(expression).is_frequent(NOON + timedelta(seconds=3)) is frequent
