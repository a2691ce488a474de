"""Working days and office hours as rows over the published calendar, for the city or for one organisation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from itertools import pairwise

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from core import audit, ids, jobs
from organisations.calendar import forget_calendars
from organisations.errors import Invalid, NotFound
from organisations.models import OfficeHours, Organisation, WorkingDay
from organisations.people import Actor

PERMISSION = "admin.calendar"
RECOMPUTE = "cases.recompute"  # the job of the room of cases that reckons open clocks again

Span = tuple[int | None, time, time]


def set_day(
    session: Session,
    actor: Actor,
    at: datetime,
    day: date,
    is_working: bool,
    *,
    organisation_id: int | None = None,
    note: str = "",
) -> WorkingDay:
    """Say of one day whether it works (a make-up day) or rests; a row that exists for it is changed. Raises Invalid."""
    actor.require(PERMISSION)
    _check_organisation(session, organisation_id)
    row = session.scalar(select(WorkingDay).where(WorkingDay.day == day, _of(WorkingDay, organisation_id)))
    if row is None:
        row = WorkingDay(day=day, is_working=is_working, organisation_id=organisation_id)
        session.add(row)
    row.is_working, row.note = is_working, note.strip()[:120]
    session.flush()
    _changed(session, actor, at, "working_day_set", organisation_id, day=day.isoformat(), works=int(is_working))
    return row


def clear_day(session: Session, actor: Actor, at: datetime, row_id: int) -> None:
    """Take a row away: the published calendar holds for its day again. Raises NotFound."""
    actor.require(PERMISSION)
    row = session.get(WorkingDay, row_id)
    if row is None:
        raise NotFound()
    session.delete(row)
    session.flush()
    _changed(session, actor, at, "working_day_cleared", row.organisation_id, day=row.day.isoformat())


def set_hours(
    session: Session, actor: Actor, at: datetime, spans: Sequence[Span], *, organisation_id: int | None = None
) -> None:
    """Set the office hours: (weekday from Monday 0 or None for every working day, begin, end), local time.

    No spans for an organisation: the city's hold for it again. Raises Invalid when spans overlap or end too early.
    """
    actor.require(PERMISSION)
    _check_organisation(session, organisation_id)
    _check_spans(spans, organisation_id)
    session.execute(delete(OfficeHours).where(_of(OfficeHours, organisation_id)))
    for weekday, starts, ends in spans:
        session.add(OfficeHours(organisation_id=organisation_id, weekday=weekday, starts=starts, ends=ends))
    session.flush()
    _changed(session, actor, at, "office_hours_set", organisation_id, spans=len(spans))


def _of(model: type[WorkingDay] | type[OfficeHours], organisation_id: int | None) -> ColumnElement[bool]:
    column = model.organisation_id
    return column.is_(None) if organisation_id is None else column == organisation_id


def _check_organisation(session: Session, organisation_id: int | None) -> None:
    if organisation_id is not None and session.get(Organisation, organisation_id) is None:
        raise Invalid({"organisation_id": "没有这个单位，请重新选择。"})


def _check_spans(spans: Sequence[Span], organisation_id: int | None) -> None:
    if not spans and organisation_id is None:
        raise Invalid({"hours": "全市的办公时间至少要有一段。"})
    by_day: dict[int | None, list[tuple[time, time]]] = {}
    for weekday, starts, ends in spans:
        if ends <= starts or (weekday is not None and not 0 <= weekday <= 6):
            raise Invalid({"hours": "每段办公时间的结束要晚于开始。"})
        by_day.setdefault(weekday, []).append((starts, ends))
    for found in by_day.values():
        ordered = sorted(found)
        if any(later[0] < earlier[1] for earlier, later in pairwise(ordered)):
            raise Invalid({"hours": "同一天的办公时间不能重叠。"})


def _changed(
    session: Session, actor: Actor, at: datetime, action: str, organisation_id: int | None, **details: str | int | None
) -> None:
    forget_calendars(session)
    audit.record(session, at=at, actor_id=actor.account_id, action=action, subject="calendar",
                 subject_id=organisation_id, details=details)  # fmt: skip
    jobs.enqueue(session, RECOMPUTE, f"calendar.{ids.new_id()}", {}, due=at)
