"""The page of what is late or soon will be: each clock with its office, its person and the reason in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.models import Assignment, Case, CaseClock
from core.web.filters import stamp
from core.web.paging import SIZE, Page
from organisations.calendar import load_calendar
from organisations.people import Actor
from supervision import lateness
from workbench.queries import lefts, lines, names


def page(
    session: Session, actor: Actor, at: datetime, number: int, tab: str, organisation_id: int | None, size: int = SIZE
) -> Page[dict[str, Any]]:
    """One page of late work, each with its reason in words."""
    total = lateness.count(session, actor, at, tab, organisation_id)
    number = min(number, max(1, -(-total // size)))
    query = lateness.query_of(actor, at, tab, organisation_id)
    clocks = list(session.scalars(query.limit(size).offset((number - 1) * size)))
    return Page(_rows(session, at, clocks), number, total, size)


def _rows(session: Session, at: datetime, clocks: Sequence[CaseClock]) -> list[dict[str, Any]]:
    ids = [clock.case_id for clock in clocks]
    found = {one.id: one for one in session.scalars(select(Case).where(Case.id.in_(ids)))}
    wanted = select(Assignment).where(Assignment.id.in_([clock.subject_id for clock in clocks]))
    asked = {one.id: one for one in session.scalars(wanted)}
    offices = names.organisations(session, (clock.organisation_id for clock in clocks))
    people = names.accounts(session, (one.claimed_by_id for one in asked.values()))
    cards, pressed = lines.cards_of(session, ids), lateness.pressed(session, ids)
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
    """Why it is late, in words."""
    due = stamp(clock.due_at)
    sentences = {
        "unsigned": _("应在 %(due)s 前签收，还没有签收", due=due),
        "extension_asked": _("应在 %(due)s 前反馈；已申请延期，等待审批", due=due),
        "unclaimed": _("应在 %(due)s 前反馈；签收后没有人认领", due=due),
        "not_contacted": _("应在 %(due)s 前反馈；还没有记录联系群众", due=due),
        "no_extension": _("应在 %(due)s 前反馈，没有申请延期", due=due),
    }
    return str(sentences[lateness.reason(clock, assignment)])


def cards_by_office(session: Session, actor: Actor, at: datetime) -> list[dict[str, Any]]:
    """This month's cards with the names of their organisations."""
    found = lateness.cards_by_organisation(session, actor, at)
    offices = names.organisations(session, (one.organisation_id for one in found))
    return [
        {"id": one.organisation_id, "office": offices.get(one.organisation_id, "—"), "yellow": one.yellow,
         "red": one.red}
        for one in found
    ]  # fmt: skip
