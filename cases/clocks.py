"""Clocks as rows: started under a policy, paused, extended, ended; the due columns of other rows are kept in step here.

Only the working calendar and the policy decide when a clock is due; the sweep (cases/sweep.py) decides what lateness
earns. A quiet session (`session.info["quiet"]`, used by imports) starts no clock.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.deadlines import LateRule, card_moments
from cases.errors import Invalid
from cases.models import Assignment, Card, Case, CaseClock, ClockPause, DeadlinePolicy, PolicySet, Submission
from core.clock import LOCAL, to_local
from organisations.calendar import WorkingCalendar, load_calendar

ACTING = frozenset(
    {"ask", "silence", "ask_citizen"}
)  # kinds whose due moment makes the sweep do something other than give a card
_ONCE = frozenset({"promise"})  # what a return, a reassignment or a merge must never begin again
_LAST_MINUTE = time(23, 59, 59)


def policy_for(session: Session, case: Case, kind: str) -> DeadlinePolicy | None:
    """The policy of the active set for a case's track, nature and urgency; the most specific row wins, or None.

    A row for urgent cases beats one for a nature, and that the general one; of versions the one not ended.
    """
    query = (
        select(DeadlinePolicy)
        .join(PolicySet, PolicySet.code == DeadlinePolicy.policy_set)
        .where(PolicySet.active, DeadlinePolicy.ended_at.is_(None))
        .where(DeadlinePolicy.track == case.track, DeadlinePolicy.kind == kind)
        .where(DeadlinePolicy.nature.in_(("", case.nature or "")))
    )
    rows = [row for row in session.scalars(query) if case.urgent or not row.urgent]
    return max(rows, key=lambda row: (row.urgent, row.nature != "", row.version), default=None)


def start(
    session: Session,
    case: Case,
    *,
    subject: str,
    subject_id: int,
    kind: str,
    at: datetime,
    cause: str,
    organisation_id: int | None = None,
    amount: int | None = None,
) -> CaseClock | None:
    """Start a clock of a submission, case or assignment; one that runs already is given back as it is.

    `amount` replaces the policy's, in the policy's unit; what begins out of office hours has the policy's
    `outside_amount` all the same. None without a policy for the kind, and in a quiet session.
    A promise is started again only when the case was reopened.
    """
    if session.info.get("quiet"):
        return None
    last = latest(session, subject, subject_id, kind)
    if last is not None and (last.ended_at is None or (kind in _ONCE and cause != "reopened")):
        return last
    policy = policy_for(session, case, kind)
    if policy is None:
        return None
    outside = policy.outside_amount
    if outside is not None and load_calendar(session, organisation_id).is_working_time(at):
        outside = None
    clock = CaseClock(
        subject=subject, subject_id=subject_id, case_id=case.id, organisation_id=organisation_id, kind=kind,
        unit=policy.unit, amount=policy.amount if amount is None else amount, outside_amount=outside, extended=0,
        cause=cause, started_at=at, due_at=at, statutory=policy.statutory, policy_id=policy.id, extension_asked=False,
    )  # fmt: skip
    session.add(clock)
    reckon(session, clock)
    return clock


def latest(session: Session, subject: str, subject_id: int, kind: str) -> CaseClock | None:
    """The newest clock of a kind, running or ended."""
    return session.scalar(
        select(CaseClock)
        .where(CaseClock.subject == subject, CaseClock.subject_id == subject_id, CaseClock.kind == kind)
        .order_by(CaseClock.started_at.desc(), CaseClock.id.desc())
        .limit(1)
    )


def pause(session: Session, assignment: Assignment, at: datetime, cause: str) -> list[CaseClock]:
    """Stop the platform's running clocks of an assignment; never a statutory one, nor the promise. Gives them."""
    paused = []
    for clock in _open(session, assignment):
        if not clock.statutory and clock.paused_at is None:
            clock.paused_at = at
            session.add(ClockPause(clock_id=clock.id, started_at=at, cause=cause))
            reckon(session, clock)
            paused.append(clock)
    return paused


def resume(session: Session, assignment: Assignment, at: datetime, cause: str) -> list[CaseClock]:
    """Let paused clocks of an assignment go on; their due moments move by the time they stood still. Gives them."""
    resumed = []
    for clock in _open(session, assignment):
        if clock.paused_at is not None:
            _end_pause(session, clock, at)
            reckon(session, clock)
            resumed.append(clock)
    return resumed


def end(session: Session, subject: str, subject_id: int, kind: str, at: datetime, cause: str) -> CaseClock | None:
    """End the running clock of a kind; None when none runs."""
    clock = latest(session, subject, subject_id, kind)
    if clock is None or clock.ended_at is not None:
        return None
    _end(session, clock, at, cause)
    return clock


def end_of_case(
    session: Session, case: Case, at: datetime, cause: str, kinds: Collection[str] | None = None
) -> list[CaseClock]:
    """End every running clock of a case, its assignments and its submissions, or those of some kinds. Gives them."""
    query = select(CaseClock).where(CaseClock.case_id == case.id, CaseClock.ended_at.is_(None))
    if kinds is not None:
        query = query.where(CaseClock.kind.in_(kinds))
    ended = list(session.scalars(query))
    for clock in ended:
        _end(session, clock, at, cause)
    return ended


def end_of_assignment(session: Session, assignment: Assignment, at: datetime, cause: str) -> None:
    """End every running clock of an assignment."""
    for clock in _open(session, assignment):
        _end(session, clock, at, cause)


def go_on(session: Session, subject: str, subject_id: int, kind: str) -> CaseClock | None:
    """Let an ended clock run on as if it had never stopped (退回重办); None when there is none."""
    clock = latest(session, subject, subject_id, kind)
    if clock is not None and clock.ended_at is not None:
        clock.ended_at = clock.end_cause = None
        reckon(session, clock)
    return clock


def extend(session: Session, clock: CaseClock, amount: int) -> CaseClock:
    """Add time in the clock's unit. Raises Invalid beyond the policy's `extension_max`, or a statutory one's second."""
    check_extension(session, clock, amount)
    clock.amount += amount
    clock.extended += amount
    reckon(session, clock)
    return clock


def check_extension(session: Session, clock: CaseClock, amount: int) -> None:
    """Raise Invalid when a clock can't be extended by this much.

    信访工作条例第三十四条: the 60 days may be extended once, by 30 days at most.
    """
    policy = session.get(DeadlinePolicy, clock.policy_id) if clock.policy_id else None
    most = policy.extension_max if policy else None
    if amount < 1:
        raise Invalid({"days": "请填写要延长的天数，至少 1 天。"})
    if most is None or (clock.statutory and clock.extended):
        raise Invalid({"days": "这项时限不能再延长。"})
    if clock.extended + amount > most:
        raise Invalid({"days": f"累计最多延长 {most} 天，还可以延长 {most - clock.extended} 天。"})


def mark_extension_asked(session: Session, clock: CaseClock, asked: bool) -> None:
    """Note that a request for more time is open, or is no longer."""
    clock.extension_asked = asked
    reckon(session, clock)


def due_of(
    calendar: WorkingCalendar,
    unit: str,
    start: datetime,
    amount: int,
    outside_amount: int | None = None,
    pauses: Collection[tuple[datetime, datetime]] = (),
) -> datetime:
    """When a clock is due. `pauses` are the times it stood still, from and to; each moves the moment by its length.

    Working days and calendar days do not count the day it starts on (Civil Code article 201) and end with the last
    day: at close of business, or at midnight.
    """
    still = sum((until - since for since, until in pauses), timedelta())
    if outside_amount is not None:
        return start + timedelta(minutes=outside_amount) + still
    if unit == "working_minutes":
        stood = sum(calendar.working_minutes_between(since, until) for since, until in pauses)
        return calendar.add_working_minutes(start, amount + stood)
    if unit == "working_days":
        stood = sum(calendar.working_days_between(since, until) for since, until in pauses)
        return calendar.add_working_days(start, amount + stood)
    if unit == "calendar_days":
        stood = sum((to_local(until).date() - to_local(since).date()).days for since, until in pauses)
        day = to_local(start).date() + timedelta(days=amount + stood)
        return datetime.combine(day, _LAST_MINUTE, LOCAL).astimezone(start.tzinfo)
    return start + timedelta(minutes=amount) + still


def reckon(session: Session, clock: CaseClock) -> None:
    """Derive a clock's due moment and when the sweep must look at it, and the due columns that follow from it."""
    calendar = load_calendar(session, clock.organisation_id)
    with session.no_autoflush:  # the row is written once, with everything
        pauses = _pauses(session, clock)
        clock.due_at = due_of(calendar, clock.unit, clock.started_at, clock.amount, clock.outside_amount, pauses)
        clock.next_at = next_look(session, clock)
    session.flush()
    _keep_in_step(session, clock)


def _pauses(session: Session, clock: CaseClock) -> list[tuple[datetime, datetime]]:
    """The ended pauses of a clock; one that is not written yet has none."""
    if clock in session.new:
        return []
    rows = session.scalars(select(ClockPause).where(ClockPause.clock_id == clock.id, ClockPause.ended_at.is_not(None)))
    return [(row.started_at, row.ended_at) for row in rows if row.ended_at is not None]


def next_look(session: Session, clock: CaseClock) -> datetime | None:
    """When the sweep must look at a clock next: the moment of its next card or act; None when nothing can come."""
    if clock.ended_at is not None or clock.paused_at is not None:
        return None
    if clock.kind in ACTING:
        return clock.due_at
    return min((moment for _level, moment in pending_cards(session, clock)), default=None)


def pending_cards(session: Session, clock: CaseClock) -> list[tuple[str, datetime]]:
    """The cards that a clock has not earned yet, each with the moment after which it does, earliest first."""
    policy = session.get(DeadlinePolicy, clock.policy_id) if clock.policy_id else None
    if policy is None:
        return []
    rule = LateRule(
        policy.remind_before, policy.yellow_after, policy.red_after, policy.red_from, policy.extension_excuses
    )
    cards = () if clock in session.new else session.scalars(select(Card).where(Card.clock_id == clock.id))
    given = {card.level: card.at for card in cards}
    calendar = load_calendar(session, clock.organisation_id)
    return card_moments(
        rule,
        started=clock.started_at,
        due=clock.due_at,
        given=given,
        extension_asked=clock.extension_asked,
        add_days=calendar.add_working_days,
        opening=calendar.next_working_moment,
    )


def open_ids(session: Session, after_id: int = 0, limit: int = 500) -> list[int]:
    """The ids of running clocks above `after_id`, `limit` at most, in order."""
    query = select(CaseClock.id).where(CaseClock.ended_at.is_(None), CaseClock.id > after_id)
    return list(session.scalars(query.order_by(CaseClock.id).limit(limit)))


def _open(session: Session, assignment: Assignment) -> list[CaseClock]:
    query = select(CaseClock).where(
        CaseClock.subject == "assignment", CaseClock.subject_id == assignment.id, CaseClock.ended_at.is_(None)
    )
    return list(session.scalars(query))


def _end(session: Session, clock: CaseClock, at: datetime, cause: str) -> None:
    if clock.paused_at is not None:
        _end_pause(session, clock, at)
    clock.ended_at, clock.end_cause, clock.next_at = at, cause, None
    session.flush()


def _end_pause(session: Session, clock: CaseClock, at: datetime) -> None:
    query = select(ClockPause).where(ClockPause.clock_id == clock.id, ClockPause.ended_at.is_(None))
    for row in session.scalars(query):
        row.ended_at = at
    clock.paused_at = None
    session.flush()


def _keep_in_step(session: Session, clock: CaseClock) -> None:
    """Copy a due moment to the column that lists and pages read."""
    case = session.get_one(Case, clock.case_id)
    if clock.subject == "assignment":
        assignment = session.get_one(Assignment, clock.subject_id)
        if clock.kind == "handle":
            assignment.due_at = clock.due_at
            if assignment.parent_id is None and assignment.role == "lead" and assignment.round == case.round:
                case.due_at = clock.due_at
        elif clock.kind == "sign":
            assignment.sign_due_at = clock.due_at
        elif clock.kind == "return":
            assignment.return_until = clock.due_at
    elif clock.kind == "promise" and clock.subject == "submission":
        session.get_one(Submission, clock.subject_id).promise_date = to_local(clock.due_at).date()
        case.promise_at = earliest_promise(session, case)
    elif clock.kind in {"review", "decide", "settle"}:
        case.due_at = clock.due_at


def earliest_promise(session: Session, case: Case) -> datetime | None:
    """The earliest promise that runs for a case, or of those ended the latest."""
    query = select(CaseClock).where(CaseClock.case_id == case.id, CaseClock.kind == "promise")
    clocks = list(session.scalars(query))
    running = [clock.due_at for clock in clocks if clock.ended_at is None]
    return min(running) if running else max((clock.due_at for clock in clocks), default=None)
