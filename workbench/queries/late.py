"""What is late or soon will be, and why: running clocks past their due moment, with the office that has them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from cases import visibility
from cases.models import Assignment, Card, Case, CaseClock, Event
from core.clock import from_local, to_local
from core.web.filters import stamp
from core.web.paging import SIZE, Page
from organisations.calendar import load_calendar
from organisations.people import Actor
from workbench.queries import lefts, lines, names

TABS = ("late", "near", "pressed")
_KINDS = ("sign", "handle")
_NEAR = timedelta(days=2)


def query_of(actor: Actor, at: datetime, tab: str = "late", organisation_id: int | None = None) -> Select[Any]:
    """The running clocks of assignments that are late (or soon due), the latest first."""
    query = (
        select(CaseClock)
        .join(Case, Case.id == CaseClock.case_id)
        .where(
            CaseClock.ended_at.is_(None), CaseClock.paused_at.is_(None), CaseClock.subject == "assignment",
            CaseClock.kind.in_(_KINDS), visibility.visible(actor),
        )
    )  # fmt: skip
    if tab == "near":
        query = query.where(CaseClock.due_at >= at, CaseClock.due_at < at + _NEAR)
    else:
        query = query.where(CaseClock.due_at < at)
    if organisation_id is not None:
        query = query.where(CaseClock.organisation_id == organisation_id)
    return query.order_by(CaseClock.due_at, CaseClock.id)


def count(session: Session, actor: Actor, at: datetime, tab: str = "late") -> int:
    """How many clocks are late."""
    ids = query_of(actor, at, tab).order_by(None).with_only_columns(CaseClock.id).subquery()
    return session.scalar(select(func.count()).select_from(ids)) or 0


def page(
    session: Session, actor: Actor, at: datetime, number: int, tab: str, organisation_id: int | None, size: int = SIZE
) -> Page[dict[str, Any]]:
    """One page of late work, each with its reason in words."""
    query = query_of(actor, at, tab, organisation_id)
    ids = query.order_by(None).with_only_columns(CaseClock.id).subquery()
    total = session.scalar(select(func.count()).select_from(ids)) or 0
    number = min(number, max(1, -(-total // size)))
    clocks = list(session.scalars(query.limit(size).offset((number - 1) * size)))
    return Page(_rows(session, at, clocks), number, total, size)


def _rows(session: Session, at: datetime, clocks: Sequence[CaseClock]) -> list[dict[str, Any]]:
    ids = [clock.case_id for clock in clocks]
    found = {one.id: one for one in session.scalars(select(Case).where(Case.id.in_(ids)))}
    wanted = select(Assignment).where(Assignment.id.in_([clock.subject_id for clock in clocks]))
    asked = {one.id: one for one in session.scalars(wanted)}
    offices = names.organisations(session, (clock.organisation_id for clock in clocks))
    people = names.accounts(session, (one.claimed_by_id for one in asked.values()))
    cards, pressed = lines.cards_of(session, ids), _pressed(session, ids)
    calendar = load_calendar(session)
    return [
        {
            "clock": clock, "case": found[clock.case_id], "office": offices.get(clock.organisation_id or 0, "—"),
            "who": people.get(asked[clock.subject_id].claimed_by_id or 0, "") if clock.subject_id in asked else "",
            "due": lefts.of_clock(calendar, at, clock), "card": cards.get(clock.case_id, ""),
            "why": _why(clock, asked.get(clock.subject_id)), "pressed": pressed.get(clock.case_id),
        }
        for clock in clocks
    ]  # fmt: skip


def _why(clock: CaseClock, assignment: Assignment | None) -> str:
    """Why it is late, as far as the rows tell."""
    due = stamp(clock.due_at)
    if clock.kind == "sign":
        return str(_("应在 %(due)s 前签收，还没有签收", due=due))
    if clock.extension_asked:
        return str(_("应在 %(due)s 前反馈；已申请延期，等待审批", due=due))
    if assignment is not None and assignment.claimed_by_id is None:
        return str(_("应在 %(due)s 前反馈；签收后没有人认领", due=due))
    if assignment is not None and assignment.first_contact_at is None:
        return str(_("应在 %(due)s 前反馈；还没有记录联系群众", due=due))
    return str(_("应在 %(due)s 前反馈，没有申请延期", due=due))


def _pressed(session: Session, case_ids: Sequence[int]) -> dict[int, datetime]:
    query = select(Event.case_id, func.max(Event.at)).where(Event.case_id.in_(case_ids), Event.kind == "pressed")
    return {row[0]: row[1] for row in session.execute(query.group_by(Event.case_id))}


def cards_by_office(session: Session, actor: Actor, at: datetime, limit: int = 30) -> list[dict[str, Any]]:
    """This month's cards by organisation, the most red first."""
    first = from_local(datetime.combine(to_local(at).date().replace(day=1), time()))
    yellow = func.sum(case((Card.level == "yellow", 1), else_=0))
    red = func.sum(case((Card.level == "red", 1), else_=0))
    query = (
        select(Card.organisation_id, yellow, red)
        .join(Case, Case.id == Card.case_id)
        .where(
            Card.at >= first, Card.withdrawn_at.is_(None), Card.level.in_(("yellow", "red")),
            Card.organisation_id.is_not(None), visibility.visible(actor),
        )
        .group_by(Card.organisation_id)
        .order_by(red.desc(), yellow.desc(), Card.organisation_id)
        .limit(limit)
    )  # fmt: skip
    rows = session.execute(query).all()
    offices = names.organisations(session, (row[0] for row in rows))
    return [{"id": row[0], "office": offices.get(row[0], "—"), "yellow": row[1], "red": row[2]} for row in rows]
