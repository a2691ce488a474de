"""What is late or soon will be, why as far as the rows tell, and the cards that organisations got for it.

Everything is seen as one person may see it. Clocks that are paused or ended are not late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from cases import visibility
from cases.models import Assignment, Card, Case, CaseClock, Event
from core.clock import from_local, to_local
from organisations.people import Actor

KINDS = ("sign", "handle")  # the clocks of assignments: of an office, not of the city
NEAR = timedelta(days=2)


@dataclass(frozen=True)
class CardCount:
    """The cards of one organisation in a month; those withdrawn do not count."""

    organisation_id: int
    yellow: int
    red: int


def query_of(actor: Actor, at: datetime, tab: str = "late", organisation_id: int | None = None) -> Select[Any]:
    """The running clocks of assignments that are late (tab "near": due within two days), the earliest due first."""
    query = (
        select(CaseClock)
        .join(Case, Case.id == CaseClock.case_id)
        .where(
            CaseClock.ended_at.is_(None), CaseClock.paused_at.is_(None), CaseClock.subject == "assignment",
            CaseClock.kind.in_(KINDS), visibility.visible(actor),
        )
    )  # fmt: skip
    if tab == "near":
        query = query.where(CaseClock.due_at >= at, CaseClock.due_at < at + NEAR)
    else:
        query = query.where(CaseClock.due_at < at)
    if organisation_id is not None:
        query = query.where(CaseClock.organisation_id == organisation_id)
    return query.order_by(CaseClock.due_at, CaseClock.id)


def count(session: Session, actor: Actor, at: datetime, tab: str = "late", organisation_id: int | None = None) -> int:
    """How many clocks that is."""
    ids = query_of(actor, at, tab, organisation_id).order_by(None).with_only_columns(CaseClock.id).subquery()
    return session.scalar(select(func.count()).select_from(ids)) or 0


def reason(clock: CaseClock, assignment: Assignment | None) -> str:
    """Why it is late, as a code: unsigned, extension_asked, unclaimed, not_contacted, or no_extension asked for."""
    if clock.kind == "sign":
        return "unsigned"
    if clock.extension_asked:
        return "extension_asked"
    if assignment is not None and assignment.claimed_by_id is None:
        return "unclaimed"
    if assignment is not None and assignment.first_contact_at is None:
        return "not_contacted"
    return "no_extension"


def pressed(session: Session, case_ids: Sequence[int]) -> dict[int, datetime]:
    """When each of these cases was last pressed for by a supervisor; those that never were are left out."""
    query = select(Event.case_id, func.max(Event.at)).where(Event.case_id.in_(case_ids), Event.kind == "pressed")
    return {row[0]: row[1] for row in session.execute(query.group_by(Event.case_id))}


def cards_by_organisation(session: Session, actor: Actor, at: datetime, limit: int = 30) -> list[CardCount]:
    """The cards since the first of the month (Asia/Shanghai) by organisation, the most red first."""
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
    return [CardCount(*row) for row in session.execute(query)]
