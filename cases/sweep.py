"""The sweep: what lateness earns, exactly once, however often and however concurrently it runs.

It reads only clocks whose `next_at` has passed (one index): its cost does not grow with what is closed. Each clock is
looked at again under its case's lock; a card is unique by clock and level in the database as well.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from cases import clocks, history
from cases.models import Alert, Assignment, Card, Case, CaseClock
from cases.operations import closing, silence
from cases.operations.base import lock_case
from core import ids, jobs
from core.clock import Clock
from core.database import Database
from core.logging import get_logger
from organisations.calendar import forget_calendars

log = get_logger(__name__)

SWEEP = "cases.sweep"
RECOMPUTE = "cases.recompute"
_BEAT = timedelta(minutes=1)  # how often the sweep looks
_AFTER_FAILURE = timedelta(minutes=10)


def sweep(db: Database, clock: Clock, limit: int = 500) -> int:
    """Give the cards that were earned, call or close what stayed silent, send open alerts of danger again.

    Looks at `limit` clocks and `limit` alerts at most, the longest due first; gives how many things it did. What
    fails for one clock is logged, put off, and does not keep the others waiting.
    """
    now = clock.now()
    with db.read() as session:
        late = list(
            session.scalars(
                select(CaseClock.id).where(CaseClock.next_at < now).order_by(CaseClock.next_at).limit(limit)
            )
        )
        unseen = list(
            session.scalars(
                select(Alert.id)
                .where(Alert.acknowledged_at.is_(None), or_(Alert.next_at.is_(None), Alert.next_at < now))
                .order_by(Alert.raised_at)
                .limit(limit)
            )
        )
    done = sum(_one(db, _look_at_alert, alert_id, now) for alert_id in unseen)
    return done + sum(_one(db, _look_at_clock, clock_id, now) for clock_id in late)


def catch_up(session: Session, case_id: int, until: datetime) -> None:
    """Do for one case what the sweep would have done up to a moment, each thing at its own moment."""
    while True:
        query = select(CaseClock).where(CaseClock.case_id == case_id, CaseClock.next_at < until - _BEAT)
        clock = session.scalar(query.order_by(CaseClock.next_at, CaseClock.id).limit(1))
        if clock is None or clock.next_at is None:
            return
        before = clock.next_at
        _look_at_clock(session, clock.id, before + _BEAT)
        session.flush()
        if clock.next_at == before:
            return


def recompute_all(db: Database, renew: Callable[[], object] = lambda: None, chunk: int = 100) -> None:
    """Derive the due moments of every open clock again, after rows of the calendar changed.

    Each in a session of its own under its case's lock, so that nothing granted meanwhile is lost; a clock that fails
    is logged and leaves the others to be done. `renew` is called after each chunk.
    """
    after = 0
    while True:
        with db.read() as session:
            found = clocks.open_ids(session, after, chunk)
        if not found:
            return
        for clock_id in found:
            try:
                with db.write() as session:
                    _recompute(session, clock_id)
            except OperationalError:
                raise  # the database, not this clock
            except Exception as error:
                log.error("recompute_failed", clock_id=clock_id, error=type(error).__name__, exc_info=error)
        after = found[-1]
        renew()


def register(registry: jobs.Registry) -> None:
    """Add the jobs of this room: the sweep, and the new reckoning of open clocks."""
    registry.add(SWEEP, _sweep_job)
    registry.add(RECOMPUTE, lambda work: recompute_all(work.db, work.renew))


def _sweep_job(work: jobs.Work) -> None:
    sweep(work.db, work.clock)


def _one(db: Database, look: Callable[[Session, int, datetime], int], row_id: int, now: datetime) -> int:
    try:
        with db.write() as session:
            return look(session, row_id, now)
    except Exception as error:
        log.error("sweep_failed", row_id=row_id, error=type(error).__name__, exc_info=error)
    try:
        with db.write() as session:
            _put_off(session, CaseClock if look is _look_at_clock else Alert, row_id, now)
    except Exception as error:
        log.error("sweep_not_put_off", row_id=row_id, error=type(error).__name__, exc_info=error)
    return 0


def _put_off(session: Session, model: type[CaseClock] | type[Alert], row_id: int, now: datetime) -> None:
    """Look at what failed a little later: it would stand before the others at every beat and keep them from a turn."""
    values = {"next_at": now + _AFTER_FAILURE}
    unseen = or_(model.next_at.is_(None), model.next_at < now) if model is Alert else model.next_at < now
    session.execute(update(model).where(model.id == row_id, unseen).values(values))


def _locked(session: Session, clock_id: int) -> tuple[CaseClock, Case]:
    """A clock as it is under its case's lock."""
    clock = session.get_one(CaseClock, clock_id)
    case = lock_case(session, clock.case_id)
    session.refresh(clock)
    if clock.case_id != case.id:  # a promise went with a merged submission
        case = lock_case(session, clock.case_id)
        session.refresh(clock)
    return clock, case


def _recompute(session: Session, clock_id: int) -> None:
    forget_calendars(session)
    clock, _case = _locked(session, clock_id)
    if clock.ended_at is None:
        clocks.reckon(session, clock)


def _look_at_clock(session: Session, clock_id: int, now: datetime) -> int:
    clock, case = _locked(session, clock_id)
    if clock.next_at is None or clock.next_at >= now:
        return 0
    if clock.kind in clocks.ACTING:
        return _act(session, clock, case, now)
    given = 0
    for level, moment in clocks.pending_cards(session, clock):
        if moment < now:
            given += _give(session, clock, case, level, now)
    clocks.reckon(session, clock)
    return given


def _act(session: Session, clock: CaseClock, case: Case, now: datetime) -> int:
    """The citizen stayed silent. On an answer: first a call-back, then the end of the round as "not rated".

    On a question of ours: an officer is told.
    """
    if clock.kind == "ask_citizen":
        silence.note_silence(session, now, case.id)
    elif case.stage != "asking":
        clocks.end(session, clock.subject, clock.subject_id, clock.kind, now, "not_asking")
    elif clock.kind == "ask":
        closing.call_after_silence(session, now, case.id)
    else:
        closing.lapse(session, now, case.id)
    return 1


def _give(session: Session, clock: CaseClock, case: Case, level: str, now: datetime) -> int:
    """One card and its event; nothing when it was given already."""
    assignment = session.get(Assignment, clock.subject_id) if clock.subject == "assignment" else None
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    card_id = ids.new_id()
    statement = dialect.insert(Card).values(
        id=card_id, clock_id=clock.id, level=level, case_id=case.id, at=now, organisation_id=clock.organisation_id,
        assignment_id=assignment.id if assignment else None,
        account_id=assignment.claimed_by_id if assignment else None,
    )  # fmt: skip
    # Told by RETURNING: PostgreSQL's driver gives no count of rows here.
    new = statement.on_conflict_do_nothing(index_elements=["clock_id", "level"]).returning(Card.id)
    if session.scalar(new) is None:
        return 0
    history.append(
        session, case, "reminded" if level == "reminder" else "carded", now, organisation_id=clock.organisation_id,
        assignment_id=assignment.id if assignment else None,
        data={"card": card_id, "clock": clock.id, "kind": clock.kind, "level": level},
    )  # fmt: skip
    return 1


def _look_at_alert(session: Session, alert_id: int, now: datetime) -> int:
    """Send an alert again that nobody acknowledged within its clock's time, at any hour."""
    alert = session.get_one(Alert, alert_id)
    case = lock_case(session, alert.case_id)
    session.refresh(alert)
    if alert.acknowledged_at is not None or (alert.next_at is not None and alert.next_at >= now):
        return 0
    every = _alert_interval(session, case)
    if alert.next_at is None and alert.raised_at + every >= now:
        alert.next_at = alert.raised_at + every
        return 0
    alert.sent_count += 1
    alert.next_at = now + every
    history.append(
        session, case, "alert_resent", now, data={"alert": alert.id, "kind": alert.kind, "count": alert.sent_count}
    )
    return 1


def _alert_interval(session: Session, case: Case) -> timedelta:
    """How long an alert may go unseen before it is sent again: the danger policy's minutes."""
    policy = clocks.policy_for(session, case, "danger")
    return timedelta(minutes=policy.amount if policy else 0)
