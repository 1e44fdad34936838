from datetime import UTC, datetime

import pytest

from local.schedule import Schedule

# A Wednesday.
NOW = datetime(2026, 7, 15, 10, 20, 30, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("* * * * * *", "2026-07-15T10:20:31"),
        ("30 20 10 * * *", "2026-07-16T10:20:30"),
        ("0 */5 * * * *", "2026-07-15T10:25:00"),
        ("*/15 * * * * *", "2026-07-15T10:20:45"),
        ("0 5/20 * * * *", "2026-07-15T10:25:00"),
        ("0 0 * * * *", "2026-07-15T11:00:00"),
        ("0 0 9-17/4 * * *", "2026-07-15T13:00:00"),
        ("0 30 9 * * mon-fri", "2026-07-16T09:30:00"),
        ("0 30 9 * * Sunday", "2026-07-19T09:30:00"),
        ("0 0 0 1 JAN,mar *", "2027-01-01T00:00:00"),
        ("0 0 0 31 * *", "2026-07-31T00:00:00"),
        ("59 59 23 31 12 *", "2026-12-31T23:59:59"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 0 0 13 * 5", "2026-11-13T00:00:00"),  # both days must fit, unlike in cron
        ("*/5 * * * *", "2026-07-15T10:25:00"),
    ],
)
def test_the_next_time_of_a_schedule(expression, expected):
    assert Schedule(expression).after(NOW).isoformat() == f"{expected}+00:00"


def test_a_time_that_is_due_now_is_not_the_next_one():
    due = datetime(2026, 7, 15, tzinfo=UTC)
    assert Schedule("0 0 0 * * *").after(due) == datetime(2026, 7, 16, tzinfo=UTC)


def test_an_interval_counts_from_the_last_run():
    assert (Schedule("00:05:00").after(NOW) - NOW).total_seconds() == 300


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "60 * * * * *",
        "* * 24 * * *",
        "* * * 0 * *",
        "* * * * 13 *",
        "* * * * * 7",
        "* * * * * someday",
        "*/0 * * * * *",
        "10-5 * * * * *",
        "a * * * * *",
        "0 0 0 31 2 *",
        "00:00:00",
        "12:00",
    ],
)
def test_what_is_no_schedule_is_refused(expression):
    with pytest.raises(ValueError):
        Schedule(expression)
