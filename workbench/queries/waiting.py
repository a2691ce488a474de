"""What waits for a person, by role: to sign, in hand, to confirm, to decide; counts that one index answers each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from cases import visibility
from cases.models import (
    Assignment,
    AssignmentRequest,
    CallBack,
    Card,
    Case,
    CaseClock,
    CaseReader,
    PublishedReply,
)  # fmt: skip
from core.clock import from_local, to_local
from core.web.paging import SIZE, Page
from organisations.calendar import load_calendar
from organisations.people import Actor
from supervision import lateness
from workbench.queries import lefts, lines, names, outcome

IN_HAND = ("to_sign", "doing", "held")


@dataclass(frozen=True)
class Task:
    """One assignment of the person's offices that waits, with the step that comes next."""

    case_id: int
    assignment_id: int
    number: str
    title: str
    area: str
    note: str
    state: str
    due: dict[str, Any]
    urgent: bool
    card: str
    version: int
    seq: int
    mine: bool


def due_column() -> ColumnElement[datetime]:
    """When an assignment has to have its next step."""
    return case((Assignment.state == "to_sign", Assignment.sign_due_at), else_=Assignment.due_at)


def in_hand(actor: Actor) -> Select[Any]:
    """The open assignments of a person's offices in cases that they may see."""
    return (
        select(Assignment)
        .join(Case, Case.id == Assignment.case_id)
        .where(
            Assignment.organisation_id.in_(actor.organisation_ids), Assignment.state.in_(IN_HAND),
            visibility.visible(actor),
        )
    )  # fmt: skip


def tasks(session: Session, actor: Actor, at: datetime, limit: int = 12) -> list[Task]:
    """What the person's offices have to do, what is due first, first."""
    if not actor.organisation_ids:
        return []
    column = due_column()
    query = in_hand(actor).order_by(column.is_(None), column, Assignment.id).limit(limit)
    return as_tasks(session, actor, at, list(session.scalars(query)))


def as_tasks(session: Session, actor: Actor, at: datetime, rows: Sequence[Assignment]) -> list[Task]:
    """These assignments as tasks, in their order."""
    if not rows:
        return []
    ids = {row.case_id for row in rows}
    found = {one.id: one for one in session.scalars(select(Case).where(Case.id.in_(ids)))}
    areas = names.areas(session, (one.area_id for one in found.values()))
    cards, running = lines.cards_of(session, sorted(ids)), lines.running_clocks(session, sorted(ids))
    people = names.accounts(session, (row.claimed_by_id for row in rows))
    return [
        Task(
            case_id=row.case_id, assignment_id=row.id, number=found[row.case_id].number, title=found[row.case_id].title,
            area=areas.get(found[row.case_id].area_id or 0, ""), note=people.get(row.claimed_by_id or 0, ""),
            state=row.state, urgent=found[row.case_id].urgent,
            due=lines.due_of_case(session, at, found[row.case_id], running.get(row.case_id, ()), row),
            card=cards.get(row.case_id, ""), version=found[row.case_id].version, seq=found[row.case_id].seq,
            mine=row.claimed_by_id == actor.account_id,
        )
        for row in rows
    ]  # fmt: skip


def hand_counts(session: Session, actor: Actor, at: datetime) -> dict[str, int]:
    """How many assignments are to sign, in hand, resting, soon due and late; one query."""
    if not actor.organisation_ids:
        return dict.fromkeys(("to_sign", "doing", "held", "near", "late", "today"), 0)
    column = due_column()
    midnight = from_local(datetime.combine(to_local(at).date(), time())) + timedelta(days=1)
    running = Assignment.state != "held"

    def number(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    query = in_hand(actor).with_only_columns(
        number(Assignment.state == "to_sign"), number(Assignment.state == "doing"), number(Assignment.state == "held"),
        number(and_(running, column >= at, column < at + lateness.NEAR)), number(and_(running, column < at)),
        number(and_(running, column >= at, column < midnight)),
    )  # fmt: skip
    to_sign, doing, held, near, late, today = session.execute(query).one()
    return {"to_sign": to_sign, "doing": doing, "held": held, "near": near, "late": late, "today": today}


# --- what was fed back, and what was asked for ------------------------------------------------------------


def to_confirm_query(actor: Actor) -> Select[Any]:
    """The assignments whose result this person's offices have to accept or send back."""
    mine = [Assignment.assigner_organisation_id.in_(actor.organisation_ids)]
    if actor.can("case.review"):
        mine.append(Assignment.assigner_organisation_id.is_(None))
    return (
        select(Assignment)
        .join(Case, Case.id == Assignment.case_id)
        .where(
            Assignment.state == "fed_back", Assignment.role == "lead", or_(*mine), visibility.visible(actor),
            Assignment.round == Case.round,
        )
        .order_by(Assignment.fed_back_at, Assignment.id)
    )  # fmt: skip


def to_confirm(session: Session, actor: Actor, at: datetime, limit: int = 8) -> list[dict[str, Any]]:
    """The oldest results that wait to be accepted."""
    rows = list(session.scalars(to_confirm_query(actor).limit(limit)))
    found = {one.id: one for one in session.scalars(select(Case).where(Case.id.in_([row.case_id for row in rows])))}
    offices = names.organisations(session, (row.organisation_id for row in rows))
    return [{"row": row, "case": found[row.case_id], "office": offices.get(row.organisation_id, "")} for row in rows]


def count(session: Session, query: Select[Any]) -> int:
    """How many rows a query has."""
    narrowed = query.order_by(None).with_only_columns(Case.id).subquery()
    return session.scalar(select(func.count()).select_from(narrowed)) or 0


def requests_query(actor: Actor) -> Select[Any]:
    """The open requests that this person may decide: as assigner, or as the handling office's head; never one's own."""
    mine = [
        Assignment.assigner_organisation_id.in_(actor.organisation_ids),
        and_(Assignment.organisation_id.in_(actor.organisation_ids), AssignmentRequest.kind == "extension",
             Case.track == "petition"),
    ]  # fmt: skip
    if actor.can("case.review"):
        mine.append(Assignment.assigner_organisation_id.is_(None))
    return (
        select(AssignmentRequest)
        .join(Assignment, Assignment.id == AssignmentRequest.assignment_id)
        .join(Case, Case.id == AssignmentRequest.case_id)
        .where(
            AssignmentRequest.state == "asked", or_(*mine), visibility.visible(actor),
            or_(AssignmentRequest.asked_by_id.is_(None), AssignmentRequest.asked_by_id != actor.account_id),
        )
        .order_by(AssignmentRequest.asked_at, AssignmentRequest.id)
    )  # fmt: skip


def requests_page(session: Session, actor: Actor, number: int, at: datetime | None = None) -> Page[dict[str, Any]]:
    """One page of the requests to decide, each with its case."""
    query = requests_query(actor)
    total = count(session, query)
    number = min(number, max(1, -(-total // SIZE)))
    rows = list(session.scalars(query.limit(SIZE).offset((number - 1) * SIZE)))
    return Page(_asked(session, rows, at), number, total, SIZE)


def _asked(session: Session, rows: Sequence[AssignmentRequest], at: datetime | None) -> list[dict[str, Any]]:
    found = {one.id: one for one in session.scalars(select(Case).where(Case.id.in_([row.case_id for row in rows])))}
    wanted = select(Assignment).where(Assignment.id.in_([row.assignment_id for row in rows]))
    asked = {one.id: one for one in session.scalars(wanted)}
    offices = names.organisations(session, (one.organisation_id for one in asked.values()))
    people = names.accounts(session, (row.asked_by_id for row in rows))
    running = lines.running_clocks(session, list(found)) if at else {}
    return [
        {
            "row": row, "case": found[row.case_id], "kind": names.request_kind(row.kind), "reason": row.reason or "",
            "office": offices.get(asked[row.assignment_id].organisation_id, ""),
            "who": people.get(row.asked_by_id or 0, ""),
            "due": lines.due_of_case(
                session, at, found[row.case_id], running.get(row.case_id, ()), asked[row.assignment_id]
            ) if at else {},
        }
        for row in rows
    ]  # fmt: skip


# --- other things that wait -------------------------------------------------------------------------------


def call_backs(session: Session, at: datetime) -> tuple[int, datetime | None]:
    """How many calls to citizens are owed by tonight, and when the first is due."""
    midnight = from_local(datetime.combine(to_local(at).date(), time())) + timedelta(days=1)
    query = select(func.count(), func.min(CallBack.due_at)).where(CallBack.state == "open", CallBack.due_at < midnight)
    number, first = session.execute(query).one()
    return number, first


def replies_waiting(session: Session) -> int:
    """How many proposed replies wait for their release; none that may be an accusation."""
    query = (
        select(func.count())
        .select_from(PublishedReply)
        .join(Case, Case.id == PublishedReply.case_id)
        .where(PublishedReply.state == "proposed", Case.accusation == "no")
    )
    return session.scalar(query) or 0


def accusations(session: Session, actor: Actor) -> tuple[int, int]:
    """How many (possible) accusations this person was named to read, and how many of them wait for a decision."""
    named = select(CaseReader.case_id).where(CaseReader.account_id == actor.account_id)
    undecided = func.coalesce(func.sum(case((Case.accusation == "possible", 1), else_=0)), 0)
    query = select(func.count(), undecided).where(
        Case.id.in_(named),
        Case.accusation.in_(("possible", "yes")),
        Case.merged_into_id.is_(None),
        visibility.visible(actor),
    )
    total, waiting = session.execute(query).one()
    return total, waiting


def cards(session: Session, actor: Actor, at: datetime, limit: int = 5) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """The cards of this month: of the person's offices, or with a supervisor's permission of all; counts and newest."""
    first = from_local(datetime.combine(to_local(at).date().replace(day=1), time()))
    conditions = [Card.at >= first, Card.withdrawn_at.is_(None), Card.level.in_(("yellow", "red")),
                  visibility.visible(actor)]  # fmt: skip
    if not actor.can("case.supervise"):
        conditions.append(Card.organisation_id.in_(actor.organisation_ids))
    joined = select(Card).join(Case, Case.id == Card.case_id).where(*conditions)
    by_level = joined.with_only_columns(Card.level, func.count()).group_by(Card.level)
    counts = {"yellow": 0, "red": 0} | {row[0]: row[1] for row in session.execute(by_level)}
    query = joined.join(CaseClock, CaseClock.id == Card.clock_id).with_only_columns(Card, Case, CaseClock)
    rows = session.execute(query.order_by(Card.at.desc(), Card.id.desc()).limit(limit)).all()
    offices = names.organisations(session, (card.organisation_id for card, _case, _clock in rows))
    return counts, [
        {"card": card, "case": one, "office": offices.get(card.organisation_id or 0, ""),
         "rule": outcome.card_rule(clock)}
        for card, one, clock in rows
    ]  # fmt: skip


def time_today(session: Session, actor: Actor, at: datetime) -> str:
    """How much working time is left today, in words; "" outside office hours."""
    office = actor.organisation_ids[0] if actor.organisation_ids else None
    calendar = load_calendar(session, office)
    midnight = from_local(datetime.combine(to_local(at).date(), time())) + timedelta(days=1)
    minutes = calendar.working_minutes_between(at, midnight)
    return lefts.words(minutes, lefts.day_minutes(calendar) + 1) if minutes > 0 else ""
