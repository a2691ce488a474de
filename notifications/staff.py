"""From an event to the lines that staff find on their page: who must act now, and on what."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from cases import visibility
from cases.models import Assignment, Case, Event
from cases.workflow import OPEN_ASSIGNMENTS
from core import jobs
from core.clock import to_local
from notifications.models import StaffNotice
from organisations.calendar import load_calendar
from organisations.models import Account, Post, RoleGrant
from organisations.people import actor_for

JOB = "notifications.tell_staff"
# event kind: (what the notice says, whom it concerns)
_WHOM: dict[str, tuple[str, str]] = {
    "assigned": ("assigned", "to_sign"),
    "assigned_down": ("assigned", "handlers"),
    "reported_up": ("assigned", "handlers"),
    "returned": ("returned", "assigner"),
    "fed_back": ("fed_back", "assigner"),
    "sent_back": ("sent_back", "handlers"),
    "return_asked": ("requested", "assigner"),
    "extension_asked": ("requested", "assigner"),
    "suspension_asked": ("requested", "assigner"),
    "extension_granted": ("decided", "handlers"),
    "suspended": ("decided", "handlers"),
    "request_refused": ("decided", "handlers"),
    "urged": ("urged", "at_work"),
    "added": ("added", "at_work"),
    "objected": ("objected", "assigners"),
    "reminded": ("reminder", "handlers"),
    "carded": ("", "late"),
    "alert_raised": ("danger", "duty"),
    "alert_resent": ("danger", "duty"),
}
KINDS = frozenset(_WHOM)
# Danger to life reaches staff at any hour; what reminds waits for working time.
_IN_WORKING_TIME = frozenset({"reminded"})
_HANDLING = ("handler", "approver")
_ASSIGNING = ("diversion", "approver")


def register(registry: jobs.Registry) -> None:
    """Add the job that turns an event into lines for staff."""

    def tell(work: jobs.Work) -> None:
        with work.db.write() as session:
            event = session.get_one(Event, work.payload["event"])
            wait = _wait(session, event, work.clock.now())
            if wait is None:
                tell_of(session, event)
                return
        raise jobs.RetryLater("not_in_working_time", wait)

    registry.add(JOB, tell)


def tell_of(session: Session, event: Event) -> int:
    """Write the lines that an event calls for, once for each person; gives how many are new.

    Nobody is told of a case that is not theirs to see, except that there is an alert of danger.
    """
    case = session.get_one(Case, event.case_id)
    kind, whom = _WHOM[event.kind]
    kind = kind or str(event.data.get("level", "yellow"))
    new = 0
    for account_id in dict.fromkeys(_recipients(session, event, case, whom)):
        if whom != "duty" and not visibility.may_see(session, actor_for(session, account_id, event.at), case):
            continue
        key = f"event.{event.id}"
        known = select(StaffNotice.id).where(StaffNotice.account_id == account_id, StaffNotice.key == key)
        if session.scalar(known) is None:
            session.add(StaffNotice(account_id=account_id, key=key, kind=kind, case_id=case.id, at=event.at))
            new += 1
    return new


def unread(session: Session, account_id: int, limit: int = 50) -> list[StaffNotice]:
    """A person's unread lines, newest first."""
    query = select(StaffNotice).where(StaffNotice.account_id == account_id, StaffNotice.read_at.is_(None))
    return list(session.scalars(query.order_by(StaffNotice.at.desc(), StaffNotice.id.desc()).limit(limit)))


def count_unread(session: Session, account_id: int) -> int:
    """How many lines a person has not read."""
    query = select(func.count()).where(StaffNotice.account_id == account_id, StaffNotice.read_at.is_(None))
    return session.scalar(query) or 0


def mark_read(session: Session, account_id: int, at: datetime, notice_id: int | None = None) -> None:
    """Note that a person read one line, or without an id all of theirs."""
    statement = update(StaffNotice).where(StaffNotice.account_id == account_id, StaffNotice.read_at.is_(None))
    if notice_id is not None:
        statement = statement.where(StaffNotice.id == notice_id)
    session.execute(statement.values(read_at=at))


def _wait(session: Session, event: Event, now: datetime) -> timedelta | None:
    """How long a reminder still waits for working time; None: tell now."""
    if event.kind not in _IN_WORKING_TIME:
        return None
    begins = load_calendar(session, event.organisation_id).next_working_moment(now)
    return begins - now if begins > now else None


def _recipients(session: Session, event: Event, case: Case, whom: str) -> Iterable[int]:
    if whom == "duty":
        return _on_duty(session)
    assignment = session.get(Assignment, event.assignment_id) if event.assignment_id else None
    if whom == "handlers" and assignment is not None:
        return _handlers(session, assignment, event)
    if whom == "assigner" and assignment is not None:
        return _assigners(session, assignment, event)
    open_now = [row for row in _assignments(session, case) if row.state in OPEN_ASSIGNMENTS]
    if whom == "to_sign":
        rows = [row for row in open_now if row.state == "to_sign"]
        return [one for row in rows for one in _handlers(session, row, event)]
    if whom == "at_work":
        return [one for row in open_now for one in _handlers(session, row, event)]
    if whom == "assigners":
        return [one for row in _assignments(session, case) for one in _assigners(session, row, event)]
    if whom == "late":
        late = [assignment] if assignment is not None else open_now
        told = [one for row in late for one in _handlers(session, row, event)]
        return told + [one for row in late for one in _assigners(session, row, event)]
    return []


def _assignments(session: Session, case: Case) -> list[Assignment]:
    query = select(Assignment).where(Assignment.case_id == case.id, Assignment.round == case.round)
    return list(session.scalars(query.order_by(Assignment.created_at, Assignment.id)))


def _handlers(session: Session, assignment: Assignment, event: Event) -> list[int]:
    if assignment.claimed_by_id is not None:
        return [assignment.claimed_by_id]
    return _holders(session, event, _HANDLING, assignment.organisation_id)


def _assigners(session: Session, assignment: Assignment, event: Event) -> list[int]:
    if assignment.assigner_id is not None and not assignment.automatic:
        return [assignment.assigner_id]
    if assignment.assigner_organisation_id is not None:
        return _holders(session, event, _ASSIGNING, assignment.assigner_organisation_id)
    return _holders(session, event, ("diversion",), None)


def _on_duty(session: Session) -> list[int]:
    """Agents, diversion officers and supervisors of the whole city: whoever is at their page sees the alert."""
    query = select(RoleGrant.account_id).where(
        RoleGrant.role.in_(("agent", "diversion", "supervisor")), RoleGrant.revoked_at.is_(None)
    )
    return sorted(set(session.scalars(query)))


def _holders(session: Session, event: Event, roles: tuple[str, ...], organisation_id: int | None) -> list[int]:
    """The accounts with one of these roles and, where an organisation is named, a post there on the event's day."""
    query = (
        select(RoleGrant.account_id)
        .join(Account, Account.id == RoleGrant.account_id)
        .where(RoleGrant.role.in_(roles), RoleGrant.revoked_at.is_(None), Account.disabled_at.is_(None))
    )
    if organisation_id is not None:
        day = to_local(event.at).date()
        query = query.join(Post, Post.account_id == RoleGrant.account_id).where(
            Post.organisation_id == organisation_id,
            or_(Post.from_date.is_(None), Post.from_date <= day),
            or_(Post.to_date.is_(None), Post.to_date > day),
        )
    return sorted(set(session.scalars(query)))
