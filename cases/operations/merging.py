"""并入: submissions of one matter share one case; each keeps its number, its query code and its promise."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import clocks
from cases.errors import Invalid, NotNow
from cases.models import Case, CaseClock, SubmissionCase
from cases.operations import alerts, merged
from cases.operations.asked import excluded
from cases.operations.base import assignments_of, check, lock_case, record, refresh, submissions_of
from cases.operations.ending import close_case
from organisations.people import Actor

_LEFT = frozenset({"returned", "taken_back"})


def propose_copy(session: Session, at: datetime, case_id: int, copy_of_id: int | None) -> Case:
    """Note that a case looks like a copy of another, for an officer to decide; None takes the note back.

    Raises Invalid for the case itself, NotNow when either may be an accusation.
    """
    if copy_of_id is not None:
        _lock_both(session, case_id, copy_of_id)
    case = lock_case(session, case_id)
    if copy_of_id is not None:
        _require_mergeable(case, lock_case(session, copy_of_id))
    case.copy_of_id = copy_of_id
    session.flush()
    return case


def merge(session: Session, actor: Actor, at: datetime, case_id: int, into_id: int, version: int | None = None) -> Case:
    """Close a case as merged and let its submissions belong to another; gives that one.

    Promises go on unchanged: the other case's is then the earliest of all. A danger that nobody acknowledged stands
    there from now on, and who is kept away from either is kept away from both. Raises NotNow when either may be an
    accusation, the other is closed or an office that works on it is kept away, Invalid for the case itself.
    """
    _lock_both(session, case_id, into_id)
    case, into = lock_case(session, case_id, version), lock_case(session, into_id)
    check(session, actor, "merge", case)
    _require_mergeable(case, into)
    check(session, actor, "take_in", into)
    _nobody_kept_away_works(session, case, into)
    moved = submissions_of(session, case)
    promises = _promises(session, case)
    for submission in moved:
        _move(session, submission.id, case, into, at)
    for clock in promises:
        clock.case_id = into.id
    case.merged_into_id = into.id
    session.flush()
    close_case(session, case, at, "merged")
    record(session, actor, "merge", case, at, data={"into": into.id})
    into.promise_at = clocks.earliest_promise(session, into)
    alerts.carry(session, actor, at, case, into)
    _carry_over(case, into)
    merged.share_kept(session, case, into, at)
    merged.follow(session, at, into)
    refresh(session, into)
    record(session, actor, "take_in", into, at, data={"from": case.id, "submissions": [one.id for one in moved]})
    return into


def _lock_both(session: Session, one_id: int, other_id: int) -> None:
    """Two cases under lock, always the older id first, so that two sessions never wait for each other."""
    for case_id in sorted((one_id, other_id)):
        lock_case(session, case_id)


def _carry_over(case: Case, into: Case) -> None:
    """What makes a case pressing or sensitive goes with it."""
    into.danger = into.danger or case.danger
    into.sensitive = into.sensitive or case.sensitive
    into.urgent = into.urgent or case.urgent
    into.priority = min(into.priority, case.priority)


def _require_mergeable(case: Case, into: Case) -> None:
    if case.id == into.id:
        raise Invalid({"into_id": "不能并入自己，请选择另一件事项。"})
    if case.accusation != "no" or into.accusation != "no":
        raise NotNow("检举控告（或尚未认定的）事项不能合并。", case_id=case.id)
    if case.track != into.track:
        raise Invalid({"into_id": "热线事项和信访事项程序不同，不能合并。"})


def _nobody_kept_away_works(session: Session, case: Case, into: Case) -> None:
    offices = [one.organisation_id for one in assignments_of(session, into) if one.state not in _LEFT]
    if excluded(session, case, offices):
        raise NotNow("正在办理另一件事项的单位须回避本事项，不能合并。", case_id=case.id)


def _promises(session: Session, case: Case) -> list[CaseClock]:
    query = select(CaseClock).where(CaseClock.case_id == case.id, CaseClock.kind == "promise")
    return list(session.scalars(query.where(CaseClock.ended_at.is_(None))))


def _move(session: Session, submission_id: int, case: Case, into: Case, at: datetime) -> None:
    links = select(SubmissionCase).where(SubmissionCase.submission_id == submission_id)
    by_case = {link.case_id: link for link in session.scalars(links)}
    by_case[case.id].until = at
    if into.id in by_case:
        by_case[into.id].until, by_case[into.id].since = None, at
    else:
        session.add(SubmissionCase(submission_id=submission_id, case_id=into.id, kind="merged", since=at))
    session.flush()
