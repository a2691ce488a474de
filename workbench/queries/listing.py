"""The list of cases: filters, order, one page of it, with the one rule of who may see what in every query and count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, exists, func, or_, select
from sqlalchemy.orm import Session

from cases import visibility
from cases.models import Assignment, Card, Case, CaseClock, CaseReader
from cases.workflow import OPEN_ASSIGNMENTS
from core.clock import from_local, to_local
from core.web.forms import day_of, whole
from core.web.paging import SIZE, Page
from organisations.models import Area, Organisation
from organisations.people import Actor
from supervision import lateness
from workbench.queries import lines, waiting

OPEN = ("pending", "doing", "held")
COUNTED = 1000  # how far a list is counted and paged; a longer one wants another filter
EXPORTED = 3000  # the rows of a table at most
_CITY_WIDE = ("case.review", "case.supervise", "call.register")
STATUSES = ("open", "pending", "doing", "held", "closed", "all")
DUES = ("late", "today", "soon")


@dataclass(frozen=True)
class Filters:
    """What a list is narrowed to; empty means any. `mine`: what the person's own offices have in hand."""

    status: str = "open"
    level1: str = ""
    organisation_id: int | None = None
    area_id: int | None = None
    due: str = ""
    card: str = ""
    nature: str = ""
    since: date | None = None
    until: date | None = None
    mine: str = ""
    q: str = ""

    @property
    def beside_text(self) -> bool:
        """Whether something is asked beside the text typed."""
        return replace(self, q="") != Filters(status="all")

    @property
    def any(self) -> bool:
        """Whether something beyond the usual is asked."""
        return self != Filters(mine=self.mine)


def from_arguments(arguments: Mapping[str, str]) -> Filters:
    """The filters that an address asks for; what makes no sense is dropped."""
    status = arguments.get("status", "")
    q = arguments.get("q", "").strip()[:200]
    return Filters(
        status=status if status in STATUSES else ("all" if q else "open"),
        level1=arguments.get("level1", "").strip()[:40],
        organisation_id=whole(arguments.get("organisation"), 1),
        area_id=whole(arguments.get("area"), 1),
        due=arguments.get("due", "") if arguments.get("due") in DUES else "",
        card=arguments.get("card", "") if arguments.get("card") in ("yellow", "red") else "",
        nature=arguments.get("nature", "").strip()[:10],
        since=day_of(arguments.get("since")),
        until=day_of(arguments.get("until")),
        mine=arguments.get("mine", "") if arguments.get("mine") in ("1", "to_sign", "doing", "held", "confirm") else "",
        q=q,
    )


def is_city_wide(actor: Actor) -> bool:
    """Whether a person's cases are those of the city (or their region), not only of their own offices."""
    return any(actor.can(permission) for permission in _CITY_WIDE)


def query_of(session: Session, actor: Actor, at: datetime, filters: Filters) -> Select[Any]:
    """The ordered query of the cases that this person may see and asked for: what is due first, first."""
    query = select(Case).where(visibility.visible(actor), *_conditions(session, actor, at, filters))
    if filters.status in ("closed", "all") and not is_city_wide(actor) and actor.organisation_ids:
        # Visibility says the same; this begins with the office's own cases. Open ones are few without that.
        query = query.where(or_(Case.id.in_(_of_offices(actor)), Case.id.in_(_named(actor))))
    if filters.status in ("closed", "all"):
        return query.order_by(Case.received_at.desc(), Case.id.desc())
    return query.order_by(Case.due_at.is_(None), Case.due_at, Case.id)


def page_of(session: Session, query: Select[Any], number: int, size: int = SIZE) -> Page[Case]:
    """One page; counted to COUNTED at most, so that the cost does not grow with what was closed."""
    counted = query.order_by(None).with_only_columns(Case.id).limit(COUNTED + 1).subquery()
    total = min(session.scalar(select(func.count()).select_from(counted)) or 0, COUNTED)
    at = min(number, max(1, -(-total // size)))
    return Page(session.scalars(query.limit(size).offset((at - 1) * size)).all(), at, total, size)


def count_of(session: Session, query: Select[Any]) -> int:
    """How many, counted to COUNTED at most."""
    counted = query.order_by(None).with_only_columns(Case.id).limit(COUNTED).subquery()
    return session.scalar(select(func.count()).select_from(counted)) or 0


def _conditions(session: Session, actor: Actor, at: datetime, filters: Filters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Case.status != "draft"]
    if filters.status == "open":
        found.append(Case.status.in_(OPEN))
    elif filters.status != "all":
        found.append(Case.status == filters.status)
    for column, value in ((Case.level1, filters.level1), (Case.nature, filters.nature)):
        if value:
            found.append(column == value)
    if filters.organisation_id:
        found.append(Case.lead_id == filters.organisation_id)
    if filters.area_id:
        found.append(Case.area_id.in_(_area_ids(session, filters.area_id)))
    if filters.card:
        found.append(_carded(filters.card))
    if filters.mine:
        found.append(Case.id.in_(_mine(actor, at, filters)))
    return found + _times(at, filters)


def _times(at: datetime, filters: Filters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.since:
        found.append(Case.received_at >= from_local(datetime.combine(filters.since, time())))
    if filters.until:
        found.append(Case.received_at < from_local(datetime.combine(filters.until, time())) + timedelta(days=1))
    if filters.due and not filters.mine:
        clocks = select(CaseClock.case_id).where(
            CaseClock.subject.in_(("case", "assignment")), CaseClock.kind.in_(lines.LISTED),
            CaseClock.ended_at.is_(None), CaseClock.paused_at.is_(None), *_due(at, filters.due, CaseClock.due_at),
        )  # fmt: skip
        found.append(Case.id.in_(clocks))
    return found


def _due(at: datetime, due: str, column: SQLColumnExpression[datetime]) -> list[ColumnElement[bool]]:
    """Whether something is late, due today, or soon (临期: the same days everywhere)."""
    if due == "late":
        return [column < at]
    midnight = from_local(datetime.combine(to_local(at).date(), time())) + timedelta(days=1)
    return [column >= at, column < (midnight if due == "today" else at + lateness.NEAR)]


def _area_ids(session: Session, area_id: int) -> Select[Any]:
    path = session.scalar(select(Area.path).where(Area.id == area_id)) or "-"
    return select(Area.id).where(Area.path.startswith(path, autoescape=True))


def _carded(level: str) -> ColumnElement[bool]:
    return exists().where(Card.case_id == Case.id, Card.level == level, Card.withdrawn_at.is_(None))


def _mine(actor: Actor, at: datetime, filters: Filters) -> Select[Any]:
    """The cases in which the person's offices have something to do; with a time, what is due of theirs by then."""
    if filters.mine == "confirm":
        return select(Assignment.case_id).where(
            Assignment.assigner_organisation_id.in_(actor.organisation_ids), Assignment.state == "fed_back"
        )
    states = [filters.mine] if filters.mine in ("to_sign", "doing", "held") else list(OPEN_ASSIGNMENTS)
    query = select(Assignment.case_id).where(
        Assignment.organisation_id.in_(actor.organisation_ids), Assignment.state.in_(states)
    )
    if not filters.due:
        return query
    return query.where(Assignment.state.in_(("to_sign", "doing")), *_due(at, filters.due, waiting.due_column()))


def _of_offices(actor: Actor) -> Select[Any]:
    return select(Assignment.case_id).where(
        or_(
            Assignment.organisation_id.in_(actor.organisation_ids),
            Assignment.assigner_organisation_id.in_(actor.organisation_ids),
        )
    )


def _named(actor: Actor) -> Select[Any]:
    return select(CaseReader.case_id).where(CaseReader.account_id == actor.account_id)


def area_options(session: Session) -> list[tuple[int, str]]:
    """The counties and the city, for the filter."""
    query = select(Area.id, Area.name).where(Area.level.in_(("city", "county")), Area.active).order_by(Area.code)
    return [(row[0], row[1]) for row in session.execute(query)]


def organisation_options(session: Session) -> list[tuple[int, str]]:
    """The organisations in service, for filters and choices."""
    query = select(Organisation.id, Organisation.short_name).where(Organisation.active).order_by(Organisation.code)
    return [(row[0], row[1]) for row in session.execute(query)]
