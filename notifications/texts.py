"""Text messages to staff: a red card in working time, danger to life at any hour. Neither says what a citizen wrote."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from cases import visibility
from cases.models import Assignment, Case, Event
from cases.operations.citizens import ensure_point
from cases.workflow import OPEN_ASSIGNMENTS
from core import ids
from core.clock import to_local
from core.logging import get_logger
from notifications import outbox
from notifications.templates import SERVICE, filled, wording
from organisations.calendar import load_calendar
from organisations.models import Account, Area, Organisation, Post, RoleGrant
from organisations.people import actor_for

log = get_logger(__name__)

_TAKING = ("agent", "diversion")


def red_card(session: Session, event: Event, case: Case, account_id: int) -> None:
    """Owe a text message of a red card to somebody whose number is known, sent in working time."""
    due = load_calendar(session, event.organisation_id).next_working_moment(event.at)
    _owe(session, event, case, account_id, "red_card", due)


def danger(session: Session, event: Event, case: Case, account_ids: list[int]) -> None:
    """Owe a text message of danger to life to each of these, sent at once at any hour; logs when it reaches nobody."""
    texted = [one for one in account_ids if _owe(session, event, case, one, "danger", None)]
    if not texted:
        log.warning("danger_texted_to_nobody", case_id=case.id, event_id=event.id, officers=len(account_ids))


def on_duty(session: Session, event: Event, case: Case) -> list[int]:
    """The duty officers of the offices that answer for a case: who takes cases in and diverts them for its place, and
    who is at work on it and may see it. An office may have none, and a closed account counts for none.
    """
    at_work = select(Assignment.organisation_id).where(
        Assignment.case_id == case.id, Assignment.round == case.round, Assignment.state.in_(OPEN_ASSIGNMENTS)
    )
    taking = _officers(session, Organisation.id.in_(_taking(session, event.at, case)))
    working = _officers(session, Organisation.id.in_(at_work))
    seeing = {one for one in working if visibility.may_see(session, actor_for(session, one, event.at), case)}
    return sorted(taking | seeing)


def _officers(session: Session, offices: ColumnElement[bool]) -> set[int]:
    query = (
        select(Account.id)
        .join(Organisation, Organisation.duty_account_id == Account.id)
        .where(Organisation.active, Account.disabled_at.is_(None), offices)
    )
    return set(session.scalars(query))


def _taking(session: Session, at: datetime, case: Case) -> list[int]:
    """The offices whose people take cases in or divert them, for the whole city or for the place of this case."""
    day = to_local(at).date()
    query = (
        select(Post.organisation_id)
        .join(RoleGrant, RoleGrant.account_id == Post.account_id)
        .join(Account, Account.id == Post.account_id)
        .where(RoleGrant.role.in_(_TAKING), RoleGrant.revoked_at.is_(None), Account.disabled_at.is_(None))
        .where(or_(Post.from_date.is_(None), Post.from_date <= day), or_(Post.to_date.is_(None), Post.to_date > day))
        .where(_reaches(session, case))
        .distinct()
    )
    return list(session.scalars(query))


def _reaches(session: Session, case: Case) -> ColumnElement[bool]:
    path = session.scalar(select(Area.path).where(Area.id == case.area_id)) or ""
    chain = [int(part) for part in path.split("/") if part]
    return or_(RoleGrant.area_id.is_(None), RoleGrant.area_id.in_(chain))


def _owe(session: Session, event: Event, case: Case, account_id: int, code: str, due: datetime | None) -> bool:
    """Owe one text message; whether the person's number is known."""
    account = session.get_one(Account, account_id)
    if not account.phone:
        return False
    office = session.get(Organisation, event.organisation_id) if event.organisation_id else None
    values = {
        "service": SERVICE, "number": ids.grouped(case.number), "office": office.short_name if office else "承办单位",
    }  # fmt: skip
    text = filled(wording(session, code), values)
    point = ensure_point(session, "phone", str(account.phone), event.at)
    outbox.owe(session, event.at, f"event.{event.id}.staff.{account_id}", code, point, "sms", text, due=due)
    return True
