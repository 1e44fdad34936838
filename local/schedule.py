"""NCRONTAB schedules say when timer triggers run.

An expression has six fields: second minute hour day month day-of-week. A field may have lists, ranges, steps and
English names. Unlike in cron, a date must match both day and day-of-week. `hh:mm:ss` is an interval.
https://github.com/atifaziz/NCrontab
"""

import re
from datetime import UTC, datetime, timedelta

from local.config import seconds

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (
    ("second", 0, 59, ()),
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day-of-week", 0, 6, _DAYS),
)
_HORIZON = timedelta(days=366 * 8)
"""The longest time between two dates that match: from one 29 February to the next across a century year."""


class Schedule:
    """A parsed schedule. Raises ValueError for an expression that is not valid or never matches a date."""

    def __init__(self, expression: str) -> None:
        self._interval: timedelta | None = None
        fields = expression.split()
        if len(fields) == 1 and ":" in expression:
            self._interval = timedelta(seconds=seconds(expression))
            if not self._interval:
                raise ValueError("An interval must be longer than zero.")
            return
        if len(fields) == 5:
            fields.insert(0, "0")
        if len(fields) != 6:
            raise ValueError(f"{expression!r} does not have six fields.")
        values = [_parse(text, *field) for text, field in zip(fields, _FIELDS, strict=True)]
        self._seconds, self._minutes, self._hours = (sorted(field) for field in values[:3])
        self._days, self._months, self._weekdays = values[3:]
        self.after(datetime(2000, 1, 1, tzinfo=UTC))

    @property
    def is_interval(self) -> bool:
        """Whether the schedule is a time between two runs, and not an expression of fields."""
        return self._interval is not None

    def is_frequent(self, now: datetime) -> bool:
        """Whether the schedule is due more than once a minute. The host stores no status of such a timer.

        The host decides this in `TimerSchedule.Create` of
        https://github.com/Azure/azure-webjobs-sdk-extensions/blob/main/src/WebJobs.Extensions/Extensions/Timers/Scheduling/TimerSchedule.cs
        """
        minute = timedelta(minutes=1)
        if self._interval is not None:
            return self._interval < minute
        return self.after(self.after(now)) < now + minute

    def after(self, moment: datetime) -> datetime:
        """Returns the first time strictly after `moment`. Raises ValueError when there is none within eight years."""
        if self._interval is not None:
            return moment + self._interval
        start = moment.replace(microsecond=0) + timedelta(seconds=1)
        day = start.replace(hour=0, minute=0, second=0)
        while day - start < _HORIZON:
            if self._matches(day):
                found = self._first_on(day, start)
                if found is not None:
                    return found
            day += timedelta(days=1)
        raise ValueError("This schedule never matches a date.")

    def _matches(self, day: datetime) -> bool:
        return day.month in self._months and day.day in self._days and day.isoweekday() % 7 in self._weekdays

    def _first_on(self, day: datetime, start: datetime) -> datetime | None:
        for hour in self._hours:
            if day.replace(hour=hour, minute=59, second=59) < start:
                continue
            for minute in self._minutes:
                if day.replace(hour=hour, minute=minute, second=59) < start:
                    continue
                for second in self._seconds:
                    moment = day.replace(hour=hour, minute=minute, second=second)
                    if moment >= start:
                        return moment
        return None


def _parse(text: str, name: str, low: int, high: int, names: tuple[str, ...]) -> frozenset[int]:
    values: set[int] = set()
    for part in text.lower().split(","):
        match = re.fullmatch(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d+))?", part)
        if match is None:
            raise ValueError(f"{part!r} is not a {name}.")
        step = int(match[4] or 1)
        if match[1]:
            first, last = low, high
        else:
            first = _number(match[2], name, low, names)
            # `5/10` goes from 5 to the end of the field.
            last = _number(match[3], name, low, names) if match[3] else high if match[4] else first
        if not (low <= first <= last <= high) or step < 1:
            raise ValueError(f"{part!r} is outside the {name}s {low} to {high}.")
        values.update(range(first, last + 1, step))
    return frozenset(values)


def _number(text: str, name: str, low: int, names: tuple[str, ...]) -> int:
    if text.isdecimal():
        return int(text)
    found = [index for index, known in enumerate(names) if text.startswith(known)]
    if not found:
        raise ValueError(f"{text!r} is not a {name}.")
    return found[0] + low
