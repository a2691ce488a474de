"""From an event to the lines that staff find on their page: who must act now, and on what."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.orm import Session

from cases import visibility
from cases.models import Assignment, Case, CaseClock, DeadlinePolicy, Event
from cases.operations import accusations
from cases.workflow import OPEN_ASSIGNMENTS
from core import jobs
from core.clock import to_local
from notifications import texts
from notifications.models import StaffNotice
from organisations.calendar import load_calendar
from organisations.models import Account, Post, RoleGrant
from organisations.people import Actor, actor_for

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
    "pressed": ("pressed", "at_work"),
    "accusation_suspected": ("accusation", "readers"),
    "added": ("added", "at_work"),
    "objected": ("objected", "assigners"),
    "citizen_silent": ("citizen_silent", "asker"),
    "reminded": ("reminder", "handlers"),
    "carded": ("", "late"),
    "alert_raised": ("danger", "duty"),
    "alert_resent": ("danger", "duty"),
}
KINDS = frozenset(_WHOM)
# Danger to life reaches staff at any hour; what reminds waits for working time.
_IN_WORKING_TIME = frozenset({"reminded"})
# Policy sets whose red card is told to everybody up to the responsible leader and the platform's supervisors.
_RED_GOES_UP = frozenset({"meizhou"})
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

    Nobody is told of a case that is not theirs to see, except that there is an alert of danger: that reaches whoever
    is on duty, the duty officers also by text message, unless they are kept away from the case. A case that was merged
    away is not told of: its lead is.
    """
    if "with" in event.data:
        return 0
    if event.kind == "accusation_suspected" and event.data.get("readers") == 0:
        return _nobody_reads(session, event)
    case = session.get_one(Case, event.case_id)
    kind, whom = _WHOM[event.kind]
    kind = kind or str(event.data.get("level", "yellow"))
    new, told = 0, set()
    for account_id in dict.fromkeys(_recipients(session, event, case, whom)):
        person = actor_for(session, account_id, event.at)
        if not (_not_kept_away if whom == "duty" else visibility.may_see)(session, person, case):
            continue
        told.add(account_id)
        key = f"event.{event.id}"
        known = select(StaffNotice.id).where(StaffNotice.account_id == account_id, StaffNotice.key == key)
        if session.scalar(known) is None:
            session.add(StaffNotice(account_id=account_id, key=key, kind=kind, case_id=case.id, at=event.at))
            new += 1
            if kind == "red" and _policy_set(session, event) in _RED_GOES_UP:
                texts.red_card(session, event, case, account_id)
    if whom == "duty":
        texts.danger(session, event, case, [one for one in texts.on_duty(session, event, case) if one in told])
    return new


def _nobody_reads(session: Session, event: Event) -> int:
    """Tell those who give out roles that a possible accusation has no reader; of which case it is stays unsaid."""
    new = 0
    for account_id in _holders(session, event, ("security_admin",), None):
        key = f"event.{event.id}"
        known = select(StaffNotice.id).where(StaffNotice.account_id == account_id, StaffNotice.key == key)
        if session.scalar(known) is None:
            session.add(StaffNotice(account_id=account_id, key=key, kind="no_reader", at=event.at))
            new += 1
    return new


def lines_of(account_id: int, *, read: bool) -> Select[tuple[StaffNotice]]:
    """A person's lines: the unread ones newest first, or what they read, the last read first."""
    query = select(StaffNotice).where(StaffNotice.account_id == account_id)
    if read:
        return query.where(StaffNotice.read_at.is_not(None)).order_by(StaffNotice.read_at.desc(), StaffNotice.at.desc())
    return query.where(StaffNotice.read_at.is_(None)).order_by(StaffNotice.at.desc(), StaffNotice.id.desc())


def unread(session: Session, account_id: int, limit: int = 50) -> list[StaffNotice]:
    """A person's unread lines, newest first."""
    return list(session.scalars(lines_of(account_id, read=False).limit(limit)))


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


def _not_kept_away(session: Session, person: Actor, case: Case) -> bool:
    query = select(Case.id).where(Case.id == case.id, visibility.not_excluded(person))
    return session.scalar(query) is not None


def _recipients(session: Session, event: Event, case: Case, whom: str) -> Iterable[int]:
    if whom == "duty":
        return [*_at_their_page(session, event), *texts.on_duty(session, event, case)]
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
    if whom == "readers":
        return [account.id for account in accusations.readers_of(session, case.id)]
    if whom == "asker":
        return _asker(session, event)
    if whom == "late":
        return _told_of_lateness(session, event, [assignment] if assignment is not None else open_now)
    return []


def _told_of_lateness(session: Session, event: Event, late: list[Assignment]) -> list[int]:
    """Whoever has the work and whoever gave it; of a red card also those above, where the policy set says so."""
    told = [one for row in late for one in _handlers(session, row, event)]
    told += [one for row in late for one in _assigners(session, row, event)]
    if event.data.get("level") == "red" and _policy_set(session, event) in _RED_GOES_UP:
        for row in late:  # the section head, the office director and the responsible leader of the office
            told += _holders(session, event, ("approver", "leader"), row.organisation_id)
        told += _holders(session, event, ("leader", "supervisor"), None)
    return told


def _policy_set(session: Session, event: Event) -> str:
    """The policy set of the clock that a card was given by."""
    clock = session.get(CaseClock, event.data.get("clock", 0))
    policy = session.get(DeadlinePolicy, clock.policy_id) if clock is not None and clock.policy_id else None
    return policy.policy_set if policy else ""


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


def _asker(session: Session, event: Event) -> list[int]:
    """The officer who asked the citizen last; all of diversion where that one is no officer any more."""
    officers = _holders(session, event, ("diversion",), None)
    asked = select(Event.actor_id).where(Event.case_id == event.case_id, Event.kind == "citizen_asked")
    last = session.scalar(asked.order_by(Event.seq.desc()).limit(1))
    return [last] if last in officers else officers


def _at_their_page(session: Session, event: Event) -> list[int]:
    """Agents, diversion officers and supervisors of the whole city: whoever is at their page sees the alert."""
    return _holders(session, event, ("agent", "diversion", "supervisor"), None)


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
