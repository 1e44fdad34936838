"""NCRONTAB schedules, as timer triggers have them.

Six fields: second minute hour day month day-of-week; lists, ranges, steps and English names. Unlike in cron, a day must
fit both day and day-of-week. `hh:mm:ss` is an interval. https://github.com/atifaziz/NCrontab
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
"""Longest gap a real date can leave: 29 February across a century year."""


class Schedule:
    """A parsed schedule. Raises ValueError for an expression that is none, or that never comes."""

    def __init__(self, expression: str) -> None:
        self._interval: timedelta | None = None
        fields = expression.split()
        if len(fields) == 1 and ":" in expression:
            self._interval = timedelta(seconds=seconds(expression))
            if not self._interval:
                raise ValueError("An interval must be longer than nothing.")
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
        """Whether it is a span of time between two runs, and no expression of fields."""
        return self._interval is not None

    def is_frequent(self, now: datetime) -> bool:
        """Whether it comes more than once a minute. The host keeps no status of such a timer.

        `TimerSchedule.Create` in
        https://github.com/Azure/azure-webjobs-sdk-extensions/blob/main/src/WebJobs.Extensions/Extensions/Timers/Scheduling/TimerSchedule.cs
        """
        minute = timedelta(minutes=1)
        if self._interval is not None:
            return self._interval < minute
        return self.after(self.after(now)) < now + minute

    def after(self, moment: datetime) -> datetime:
        """The first time strictly after `moment`. Raises ValueError when there is none within eight years."""
        if self._interval is not None:
            return moment + self._interval
        start = moment.replace(microsecond=0) + timedelta(seconds=1)
        day = start.replace(hour=0, minute=0, second=0)
        while day - start < _HORIZON:
            if self._fits(day):
                found = self._within(day, start)
                if found is not None:
                    return found
            day += timedelta(days=1)
        raise ValueError("This schedule never comes.")

    def _fits(self, day: datetime) -> bool:
        return day.month in self._months and day.day in self._days and day.isoweekday() % 7 in self._weekdays

    def _within(self, day: datetime, start: datetime) -> datetime | None:
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
            # `5/10` runs from 5 to the field's end.
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
