"""Cases as lines of a list: names, deadline and cards read for the whole page at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.models import Assignment, Card, Case, CaseClock, Submission
from cases.workflow import OPEN_ASSIGNMENTS
from organisations.calendar import load_calendar
from organisations.people import Actor
from workbench.queries import lefts, names

LISTED = ("danger", "review", "decide", "settle", "sign", "handle")
"""The clocks that somebody on the staff has to meet, of which a list shows the one that is due next."""


@dataclass(frozen=True)
class Line:
    """One case in a list. `state` is the person's own office's where it has the case, else the case's status."""

    id: int
    number: str
    title: str
    channel: str
    area: str
    category: str
    nature: str
    lead: str
    state: str
    due: dict[str, Any]
    due_at: datetime | None
    received_at: datetime
    urgent: bool = False
    danger: str = ""
    card: str = ""
    round: int = 1


def lines(session: Session, actor: Actor, at: datetime, cases: Sequence[Case]) -> list[Line]:
    """These cases as lines, in their order; as many queries for a page as for one case."""
    if not cases:
        return []
    areas = names.areas(session, (case.area_id for case in cases))
    leads = names.organisations(session, (case.lead_id for case in cases))
    numbers = [case.number for case in cases]
    channels = {
        row[0]: row[1]
        for row in session.execute(select(Submission.number, Submission.channel).where(Submission.number.in_(numbers)))
    }
    ids = [case.id for case in cases]
    cards, own, running = cards_of(session, ids), own_assignments(session, actor, ids), running_clocks(session, ids)
    return [
        Line(
            id=case.id, number=case.number, title=case.title, channel=names.channel(channels.get(case.number)),
            area=areas.get(case.area_id or 0, ""), category=names.category(case.level1, case.level2),
            nature=case.nature or "", lead=leads.get(case.lead_id or 0, ""),
            state=own[case.id].state if case.id in own else shown_state(case),
            due=due_of_case(session, at, case, running.get(case.id, ()), own.get(case.id)), due_at=case.due_at,
            received_at=case.received_at,
            urgent=case.urgent, danger=names.danger(case.danger), card=cards.get(case.id, ""), round=case.round,
        )
        for case in cases
    ]  # fmt: skip


def shown_state(case: Case) -> str:
    """What a list shows for a case: the stage where somebody outside handling has to act, else the status."""
    return case.stage if case.stage in ("review", "asking") else case.status


def cards_of(session: Session, case_ids: Sequence[int]) -> dict[int, str]:
    """The worst standing card of each case: red before yellow."""
    query = select(Card.case_id, Card.level).where(
        Card.case_id.in_(case_ids), Card.level.in_(("yellow", "red")), Card.withdrawn_at.is_(None)
    )
    found: dict[int, str] = {}
    for case_id, level in session.execute(query):
        if found.get(case_id) != "red":
            found[case_id] = level
    return found


def own_assignments(session: Session, actor: Actor, case_ids: Sequence[int]) -> dict[int, Assignment]:
    """The newest open assignment of the person's own offices in each case."""
    if not actor.organisation_ids:
        return {}
    query = select(Assignment).where(
        Assignment.case_id.in_(case_ids),
        Assignment.organisation_id.in_(actor.organisation_ids),
        Assignment.state.in_(OPEN_ASSIGNMENTS),
    )
    return {row.case_id: row for row in session.scalars(query.order_by(Assignment.created_at, Assignment.id))}


def running_clocks(session: Session, case_ids: Sequence[int]) -> dict[int, list[CaseClock]]:
    """The clocks of LISTED that did not end, by case: danger first, then those that run, as they are due."""
    query = select(CaseClock).where(CaseClock.case_id.in_(case_ids), CaseClock.kind.in_(LISTED))
    order = (CaseClock.kind != "danger", CaseClock.paused_at.is_not(None), CaseClock.due_at, CaseClock.id)
    found: dict[int, list[CaseClock]] = {}
    for clock in session.scalars(query.order_by(*order)):
        if clock.ended_at is None:  # asked here, so that the rows are found by their cases and not among all open ones
            found.setdefault(clock.case_id, []).append(clock)
    return found


def due_of_case(
    session: Session, at: datetime, case: Case, running: Sequence[CaseClock] = (), own: Assignment | None = None
) -> dict[str, Any]:
    """The deadline that every list shows of a case: of the next clock that is due, with what it is for.

    A danger's comes first whoever looks and whatever the stage; else, of a person whose office has the case in hand,
    that office's own. `running` are the case's of `running_clocks`.
    """
    danger = next((clock for clock in running if clock.kind == "danger"), None)
    if danger is None and case.stage == "closed":
        in_time = None if case.due_at is None or case.closed_at is None else case.closed_at <= case.due_at
        return lefts.done(in_time, case.closed_at)
    theirs = [clock for clock in running if own is None or (clock.subject, clock.subject_id) == ("assignment", own.id)]
    shown = danger or next(iter(theirs), None)
    if shown is not None:
        return lefts.of_clock(load_calendar(session), at, shown, word=names.clock_kind(shown.kind))
    if own is not None:
        return due_of_assignment(session, at, own)
    if case.status == "held":
        return lefts.held(None)
    if case.stage in ("fed_back", "asking"):
        return {}
    return lefts.left(load_calendar(session), at, lefts.Stretch(case.received_at, case.due_at))


def due_of_assignment(session: Session, at: datetime, own: Assignment) -> dict[str, Any]:
    """The deadline of one assignment: to sign, to handle, or how it ended."""
    calendar = load_calendar(session)
    if own.state == "to_sign":
        return lefts.left(calendar, at, lefts.Stretch(own.created_at, own.sign_due_at), word=names.clock_kind("sign"))
    if own.state == "held":
        return lefts.held(None)
    if own.state == "doing":
        stretch = lefts.Stretch(own.signed_at or own.created_at, own.due_at)
        return lefts.left(calendar, at, stretch, word=names.clock_kind("handle"))
    ended = own.fed_back_at or own.ended_at
    in_time = None if own.due_at is None or ended is None else ended <= own.due_at
    return lefts.done(in_time, ended)
