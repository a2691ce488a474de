"""Working time in Asia/Shanghai: the official calendar with its make-up days, office hours, and the arithmetic.

Days come from the published calendar (chinesecalendar), rows override and continue it; a year that neither knows counts
Monday to Friday, and `unknown_years` names it so that the administrator is warned.

A limit of n working days does not count the day it starts on and ends at close of business of the nth working day:
Civil Code article 201 (the starting day is not counted) and 203 (where there are business hours, the last day ends
when business stops). So a handler who acts on the last day in office hours is in time wherever the start fell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import chinese_calendar
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.clock import LOCAL, to_local
from organisations.models import OfficeHours, WorkingDay

Spans = tuple[tuple[time, time], ...]

DEFAULT_HOURS: Spans = ((time(9), time(12)), (time(13), time(17)))
_HORIZON_DAYS = 3660  # a calendar without a working day in ten years is a mistake, not a wait
_KNOWN_FROM = 7  # weekdays off by row from which a year counts as stated; one local day off does not state a year
_ONE_DAY = timedelta(days=1)


class NoWorkingTime(Exception):
    """The calendar's rows leave no working time at all."""


@lru_cache(maxsize=8192)
def published(day: date) -> bool | None:
    """Whether the published calendar says that a day works; None when it does not know the year."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return None


@dataclass(frozen=True)
class WorkingCalendar:
    """One organisation's working time. All moments in and out are aware; results are UTC.

    `overrides` says of single days whether they work; `hours` gives the spans by weekday (None: any other day).
    """

    overrides: Mapping[date, bool] = field(default_factory=dict)
    hours: Mapping[int | None, Spans] = field(default_factory=lambda: {None: DEFAULT_HOURS})

    def is_working_day(self, day: date) -> bool:
        """Whether there are office hours on a day."""
        return bool(self._spans(day))

    def is_working_time(self, at: datetime) -> bool:
        """Whether a moment lies in office hours (the end of a span excluded)."""
        local = to_local(at)
        return any(start <= at < end for start, end in self._moments(local.date()))

    def next_working_moment(self, at: datetime) -> datetime:
        """The moment itself in office hours, else when they next begin."""
        for start, end in self._forward(at):
            if at < end:
                return max(at, start).astimezone(UTC)
        raise NoWorkingTime()

    def add_working_minutes(self, start: datetime, minutes: int) -> datetime:
        """When `minutes` of office hours have passed since `start`. Raises ValueError when negative.

        It may be the very end of a span (12:00); nothing passes before the next begins, so sums agree.
        """
        if minutes < 0:
            raise ValueError("minutes must not be negative")
        if minutes == 0:
            return start.astimezone(UTC)
        left = timedelta(minutes=minutes)
        for begins, ends in self._forward(start):
            begins = max(begins, start)
            if ends - begins >= left:
                return (begins + left).astimezone(UTC)
            left -= max(ends - begins, timedelta())
        raise NoWorkingTime()

    def working_minutes_between(self, start: datetime, end: datetime) -> int:
        """Whole minutes of office hours from `start` to `end`; negative when `end` is earlier."""
        if end < start:
            return -self.working_minutes_between(end, start)
        passed = timedelta()
        day, last = to_local(start).date(), to_local(end).date()
        while day <= last:
            for begins, ends in self._moments(day):
                passed += max(min(ends, end) - max(begins, start), timedelta())
            day += _ONE_DAY
        return int(passed.total_seconds()) // 60

    def add_working_days(self, start: datetime, days: int) -> datetime:
        """Close of business of the nth working day after the day of `start`; before it when `days` is negative.

        Zero days is `start` itself.
        """
        if days == 0:
            return start.astimezone(UTC)
        step = _ONE_DAY if days > 0 else -_ONE_DAY
        day, left = to_local(start).date(), abs(days)
        for _ in range(_HORIZON_DAYS):
            day += step
            if self.is_working_day(day):
                left -= 1
                if left == 0:
                    return self._moments(day)[-1][1].astimezone(UTC)
        raise NoWorkingTime()

    def working_days_between(self, start: datetime, end: datetime) -> int:
        """How many working days lie after the day of `start` up to and with the day of `end`; negative when earlier."""
        if end < start:
            return -self.working_days_between(end, start)
        day, last, count = to_local(start).date(), to_local(end).date(), 0
        while day < last:
            day += _ONE_DAY
            count += self.is_working_day(day)
        return count

    def unknown_years(self, start: datetime, end: datetime) -> tuple[int, ...]:
        """The years from `start` to `end` that neither the published calendar nor any row knows."""
        resting = Counter(day.year for day, works in self.overrides.items() if not works and day.weekday() < 5)
        stated = {year for year, days in resting.items() if days >= _KNOWN_FROM}
        years = range(to_local(start).year, to_local(end).year + 1)
        return tuple(year for year in years if published(date(year, 7, 1)) is None and year not in stated)

    def _spans(self, day: date) -> Spans:
        works = self.overrides.get(day)
        if works is None:
            works = published(day)
        if works is None:
            works = day.weekday() < 5
        if not works:
            return ()
        return self.hours.get(day.weekday(), self.hours.get(None, ()))

    def _moments(self, day: date) -> list[tuple[datetime, datetime]]:
        return [
            (datetime.combine(day, start, LOCAL).astimezone(UTC), datetime.combine(day, end, LOCAL).astimezone(UTC))
            for start, end in self._spans(day)
        ]

    def _forward(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Spans of office hours that end after `start`, in order."""
        day = to_local(start).date()
        for _ in range(_HORIZON_DAYS):
            for begins, ends in self._moments(day):
                if ends > start:
                    yield begins, ends
            day += _ONE_DAY


def load_calendar(session: Session, organisation_id: int | None = None) -> WorkingCalendar:
    """The calendar of an organisation: its rows over the city's rows over the published calendar.

    Read once a session.
    """
    cache = session.info.setdefault("calendars", {})
    if organisation_id not in cache:
        cache[organisation_id] = _load(session, organisation_id)
    calendar: WorkingCalendar = cache[organisation_id]
    return calendar


def forget_calendars(session: Session) -> None:
    """Read the rows again; for the operation that changes them."""
    session.info.pop("calendars", None)


def _load(session: Session, organisation_id: int | None) -> WorkingCalendar:
    days = session.scalars(
        select(WorkingDay).where(
            or_(WorkingDay.organisation_id.is_(None), WorkingDay.organisation_id == organisation_id)
        )
    )
    overrides = {row.day: row.is_working for row in sorted(days, key=lambda row: row.organisation_id is not None)}
    rows = list(
        session.scalars(
            select(OfficeHours).where(
                or_(OfficeHours.organisation_id.is_(None), OfficeHours.organisation_id == organisation_id)
            )
        )
    )
    own = [row for row in rows if row.organisation_id is not None]
    hours: dict[int | None, list[tuple[time, time]]] = {}
    for row in own or rows:
        hours.setdefault(row.weekday, []).append((row.starts, row.ends))
    spans: dict[int | None, Spans] = {weekday: tuple(sorted(found)) for weekday, found in hours.items()}
    return WorkingCalendar(overrides, spans or {None: DEFAULT_HOURS})
