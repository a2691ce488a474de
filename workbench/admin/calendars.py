"""Working days that differ from the published calendar, and office hours; for the city or one organisation."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import flask
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import to_local
from core.database import Database
from core.web import context, filters
from core.web.access import staff
from core.web.forms import day_of, time_of, typed, whole
from core.web.paging import paged
from core.web.parts import part
from organisations.administration import days as operations
from organisations.calendar import load_calendar
from organisations.errors import Invalid
from organisations.models import OfficeHours, Organisation, WorkingDay
from workbench.admin.structure import units

PERMISSION = "admin.calendar"
_SPANS = 3


def register(blueprint: flask.Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/work/admin/calendars", "calendars", show, methods=["GET", "POST"])


@staff(PERMISSION)
def show() -> Any:
    """The calendar of the city, or of ?organisation=…"""
    organisation_id = whole(flask.request.args.get("organisation"))
    errors: dict[str, str] = {}
    if flask.request.method == "POST":
        try:
            _do(flask.request.form.get("do", ""), organisation_id)
        except Invalid as error:
            errors = error.fields
        else:
            return flask.redirect(flask.url_for("workbench.calendars", organisation=organisation_id))
    return flask.make_response(_page(organisation_id, errors), 400 if errors else 200)


def _do(what: str, organisation_id: int | None) -> None:
    actor, at = context.actor(), context.now()
    with part(Database).write() as session:
        if what == "hours":
            operations.set_hours(session, actor, at, _spans(), organisation_id=organisation_id)
            context.tell(_("办公时间已保存。"))
        elif what.startswith("clear:"):
            operations.clear_day(session, actor, at, whole(what.removeprefix("clear:")) or 0)
            context.tell(_("已恢复为公布的安排。"))
        else:
            day = day_of(typed("day"))
            if day is None:
                raise Invalid({"day": _("请选择日期。")})
            if typed("works") not in ("0", "1"):
                raise Invalid({"works": _("请选择这一天上班还是休息。")})
            operations.set_day(session, actor, at, day, typed("works") == "1", organisation_id=organisation_id,
                               note=typed("note"))  # fmt: skip
            context.tell(_("这一天的安排已保存。"))


def _spans() -> list[operations.Span]:
    """The hours that were typed: those of every working day, and those of the weekdays that differ."""
    found: list[operations.Span] = []
    for weekday in (None, *range(7)):
        for number in range(1, _SPANS + 1):
            starts, ends = (typed(f"{name}{_place(weekday, number)}") for name in ("starts", "ends"))
            if not starts and not ends:
                continue
            begin, end = time_of(starts), time_of(ends)
            if begin is None or end is None:
                raise Invalid({"hours": _incomplete(weekday, number)})
            found.append((weekday, begin, end))
    return found


def _place(weekday: int | None, number: int) -> str:
    """What a field's name ends with: "2" for the second span of every working day, "4-2" for that of Fridays."""
    return str(number) if weekday is None else f"{weekday}-{number}"


def _incomplete(weekday: int | None, number: int) -> str:
    if weekday is None:
        return _("第 %(n)s 段办公时间没有填完整，请填写开始和结束。", n=number)
    return _("%(day)s的第 %(n)s 段办公时间没有填完整，请填写开始和结束。", day=_day_name(weekday), n=number)


def _day_name(weekday: int) -> str:
    return filters.weekday(date(2024, 1, 1 + weekday))  # the first of January 2024 was a Monday


def _page(organisation_id: int | None, errors: dict[str, str]) -> str:
    today = to_local(context.now()).date()
    mine = (
        WorkingDay.organisation_id.is_(None)
        if organisation_id is None
        else WorkingDay.organisation_id == organisation_id
    )
    with part(Database).read() as session:
        page = paged(session, select(WorkingDay).where(mine).order_by(WorkingDay.day.desc()))
        unit = session.get(Organisation, organisation_id) if organisation_id is not None else None
        calendar = load_calendar(session, organisation_id)
        unknown = calendar.unknown_years(context.now(), context.now() + timedelta(days=400))
        weeks = _weeks(calendar, today)
        return flask.render_template(
            "workbench/admin/calendars.html", page=page, unit=unit, unknown=unknown, weeks=weeks, today=today,
            units=units(session), hours=_hours(session, organisation_id, None), errors=errors, form=flask.request.form,
            by_day=[(n, _day_name(n), _hours(session, organisation_id, n)) for n in range(7)],
        )  # fmt: skip


def _weeks(calendar: Any, today: date) -> list[list[tuple[date, bool]]]:
    """This week and the five after it: each day and whether it works."""
    monday = today - timedelta(days=today.weekday())
    days = [monday + timedelta(days=n) for n in range(42)]
    return [[(day, calendar.is_working_day(day)) for day in days[at : at + 7]] for at in range(0, 42, 7)]


def _hours(session: Session, organisation_id: int | None, weekday: int | None) -> list[tuple[str, str]]:
    """The spans of a weekday, or of every working day: as many as the form has fields for."""
    query = select(OfficeHours).where(
        OfficeHours.organisation_id.is_not_distinct_from(organisation_id),
        OfficeHours.weekday.is_not_distinct_from(weekday),
    )
    rows = session.scalars(query.order_by(OfficeHours.starts))
    found = [(f"{row.starts:%H:%M}", f"{row.ends:%H:%M}") for row in rows]
    return (found + [("", "")] * _SPANS)[:_SPANS]
