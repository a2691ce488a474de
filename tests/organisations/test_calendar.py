"""Working time: make-up days, the turn of the year, and the arithmetic for any moment."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import LOCAL
from core.database import Database
from organisations.calendar import WorkingCalendar, load_calendar
from organisations.models import OfficeHours, WorkingDay

PLAIN = WorkingCalendar()
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 20)).map(
    lambda at: at.replace(microsecond=0, tzinfo=LOCAL)
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL)


def test_holidays_rest_and_make_up_days_work() -> None:
    assert not PLAIN.is_working_day(date(2026, 10, 1))
    assert PLAIN.is_working_day(date(2026, 10, 10))  # a Saturday worked for the National Day holiday
    assert not PLAIN.is_working_day(date(2026, 11, 28))


def test_the_turn_of_the_year_by_rows() -> None:
    new_year = {date(2027, 1, 1): False}
    calendar = WorkingCalendar(overrides=new_year)
    # 30 December is a Wednesday; 1 January rests by its row, 2 and 3 are the weekend
    assert calendar.add_working_days(at("2026-12-30T10:00"), 1) == at("2026-12-31T17:00")
    assert calendar.add_working_days(at("2026-12-30T10:00"), 2) == at("2027-01-04T17:00")
    assert calendar.add_working_days(at("2026-12-30T10:00"), 3) == at("2027-01-05T17:00")
    assert calendar.working_days_between(at("2026-12-30T10:00"), at("2027-01-05T10:00")) == 3
    assert calendar.add_working_minutes(at("2026-12-31T16:00"), 120) == at("2027-01-04T10:00")


def test_a_year_nobody_knows_counts_weekdays_and_is_named() -> None:
    assert PLAIN.is_working_day(date(2027, 1, 1))
    assert PLAIN.unknown_years(at("2026-12-30T10:00"), at("2027-01-05T10:00")) == (2027,)
    rows = {date(2027, 1, 1) + timedelta(days=n): False for n in range(11)}
    assert WorkingCalendar(overrides=rows).unknown_years(at("2026-12-30T10:00"), at("2027-01-05T10:00")) == ()


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-11-24T10:00", 120, "2026-11-24T12:00"),
        ("2026-11-24T10:00", 121, "2026-11-24T13:01"),
        ("2026-11-24T12:30", 60, "2026-11-24T14:00"),
        ("2026-11-27T16:30", 60, "2026-11-30T09:30"),
        ("2026-11-28T03:00", 240, "2026-11-30T14:00"),
        ("2026-11-24T10:00", 0, "2026-11-24T10:00"),
    ],
)
def test_working_minutes(start: str, minutes: int, end: str) -> None:
    assert PLAIN.add_working_minutes(at(start), minutes) == at(end)


def test_a_limit_in_days_ends_at_close_of_business_wherever_it_began() -> None:
    for hour in (0, 9, 12, 23):
        assert PLAIN.add_working_days(at("2026-11-27T00:00") + timedelta(hours=hour), 5) == at("2026-12-04T17:00")
    assert PLAIN.add_working_days(at("2026-12-04T10:00"), -5) == at("2026-11-27T17:00")


def test_negative_minutes_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        PLAIN.add_working_minutes(at("2026-11-24T10:00"), -1)


@given(MOMENTS, st.integers(1, 3000))
def test_what_is_added_has_passed(start: datetime, minutes: int) -> None:
    assert PLAIN.working_minutes_between(start, PLAIN.add_working_minutes(start, minutes)) == minutes


@given(MOMENTS, st.integers(1, 1500), st.integers(1, 1500))
def test_adding_twice_is_adding_the_sum(start: datetime, first: int, second: int) -> None:
    once = PLAIN.add_working_minutes(start, first + second)
    assert PLAIN.add_working_minutes(PLAIN.add_working_minutes(start, first), second) == once


@given(MOMENTS, MOMENTS)
def test_between_is_the_same_both_ways(one: datetime, other: datetime) -> None:
    assert PLAIN.working_minutes_between(one, other) == -PLAIN.working_minutes_between(other, one)


@given(MOMENTS, st.integers(1, 60))
def test_days_added_are_days_between(start: datetime, days: int) -> None:
    end = PLAIN.add_working_days(start, days)
    assert PLAIN.working_days_between(start, end) == days
    assert PLAIN.is_working_day(end.astimezone(LOCAL).date())


@given(MOMENTS)
def test_the_next_working_moment_is_in_office_hours(start: datetime) -> None:
    found = PLAIN.next_working_moment(start)
    assert found >= start and PLAIN.is_working_time(found)


def test_an_organisations_rows_stand_over_the_citys(db: Database, city: object) -> None:
    day = date(2026, 11, 28)
    with db.write() as session:
        unit = _unit(session)
        session.add(WorkingDay(day=day, is_working=True, note="全市调休"))
        session.add(WorkingDay(day=day, is_working=False, organisation_id=unit))
        session.add(OfficeHours(organisation_id=unit, starts=time(8), ends=time(12)))
    with db.read() as session:
        assert load_calendar(session).is_working_day(day)
        own = load_calendar(session, unit)
    assert not own.is_working_day(day)
    assert own.add_working_minutes(at("2026-11-24T11:00"), 90) == at("2026-11-25T08:30")


def _unit(session: object) -> int:
    from sqlalchemy import select

    from organisations.models import Organisation

    return int(session.scalars(select(Organisation.id)).first())  # type: ignore[attr-defined]
