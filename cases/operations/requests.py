"""申请退回 申请延期 申请挂起 and what is decided on them; 激活."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import clocks
from cases.errors import AlreadyThere, Forbidden, Invalid, NotFound
from cases.models import Assignment, AssignmentRequest, Case, CaseClock, DeadlinePolicy
from cases.operations.base import check, lock_assignment, record
from cases.operations.dispatch import after_leaving, required
from cases.operations.ending import facts
from cases.operations.handling import give_back
from organisations.people import Actor


def ask_return(
    session: Session,
    actor: Actor,
    at: datetime,
    assignment_id: int,
    *,
    reason: str,
    suggested_id: int | None = None,
    version: int | None = None,
) -> AssignmentRequest:
    """Ask to give an assignment back after its window (申请退回), with the reason."""
    assignment, case = lock_assignment(session, assignment_id, version)
    check(session, actor, "ask_return", case, assignment)
    assignment.suggested_id = suggested_id
    row = _ask(session, actor, at, assignment, "return", reason, None)
    record(session, actor, "ask_return", case, at, assignment=assignment, data={"request": row.id})
    return row


def ask_extension(
    session: Session,
    actor: Actor,
    at: datetime,
    assignment_id: int,
    *,
    days: int,
    reason: str,
    version: int | None = None,
) -> AssignmentRequest:
    """Ask for more time (申请延期), in the unit of the handling clock. Raises Invalid beyond what the policy allows."""
    assignment, case = lock_assignment(session, assignment_id, version)
    check(session, actor, "ask_extension", case, assignment)
    clock = _handling_clock(session, assignment)
    clocks.check_extension(session, clock, days)
    row = _ask(session, actor, at, assignment, "extension", reason, days)
    clocks.mark_extension_asked(session, clock, True)
    record(session, actor, "ask_extension", case, at, assignment=assignment, data={"request": row.id, "days": days})
    return row


def ask_suspension(
    session: Session, actor: Actor, at: datetime, assignment_id: int, *, reason: str, version: int | None = None
) -> AssignmentRequest:
    """Ask to let the matter rest until something happens (申请挂起), with the reason."""
    assignment, case = lock_assignment(session, assignment_id, version)
    check(session, actor, "ask_suspension", case, assignment)
    row = _ask(session, actor, at, assignment, "suspension", reason, None)
    record(session, actor, "ask_suspension", case, at, assignment=assignment, data={"request": row.id})
    return row


def grant(
    session: Session, actor: Actor, at: datetime, request_id: int, version: int | None = None
) -> AssignmentRequest:
    """Consent to a request: the assignment is returned, gets its time, or rests.

    Who consents to an extension is a column of the policy: the assigner, or the handling organisation's responsible
    head. Raises Forbidden to the person who asked.
    """
    row, assignment, case = _lock(session, request_id, version)
    if row.asked_by_id is not None and row.asked_by_id == actor.account_id:
        raise Forbidden("本人提出的申请须由他人审批。", request_id=row.id)
    if row.kind == "return":
        _grant_return(session, actor, at, row, assignment, case)
    elif row.kind == "extension":
        _grant_extension(session, actor, at, row, assignment, case)
    else:
        _grant_suspension(session, actor, at, row, assignment, case)
    return row


def refuse_request(
    session: Session, actor: Actor, at: datetime, request_id: int, version: int | None = None, *, ground: str = ""
) -> AssignmentRequest:
    """Decline a request; the clock goes on, and an extension that was asked for excuses nothing any more."""
    row, assignment, case = _lock(session, request_id, version)
    operation = "refuse_extension" if _head_consents(session, row, assignment) else "refuse_request"
    check(session, actor, operation, case, assignment)
    _settle(row, actor, at, "refused")
    row.ground = ground.strip() or None
    if row.kind == "extension":
        clocks.mark_extension_asked(session, _handling_clock(session, assignment), False)
    record(session, actor, operation, case, at, assignment=assignment, data={"request": row.id, "kind": row.kind})
    return row


def resume(session: Session, actor: Actor, at: datetime, assignment_id: int, version: int | None = None) -> Assignment:
    """Take up a matter that rested (激活); the platform's clocks go on where they stood."""
    assignment, case = lock_assignment(session, assignment_id, version)
    check(session, actor, "resume", case, assignment)
    clocks.resume(session, assignment, at, "resumed")
    record(session, actor, "resume", case, at, assignment=assignment)
    return assignment


def _ask(
    session: Session,
    actor: Actor,
    at: datetime,
    assignment: Assignment,
    kind: str,
    reason: str,
    days: int | None,
) -> AssignmentRequest:
    open_one = select(AssignmentRequest.id).where(
        AssignmentRequest.assignment_id == assignment.id, AssignmentRequest.state == "asked",
        AssignmentRequest.kind == kind,
    )  # fmt: skip
    if session.scalar(open_one) is not None:
        raise AlreadyThere("已经申请过，正在等待审批。")
    row = AssignmentRequest(
        assignment_id=assignment.id, case_id=assignment.case_id, kind=kind, days=days, state="asked",
        reason=required(reason, "reason", "请填写申请理由。"), asked_by_id=actor.account_id, asked_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def _lock(session: Session, request_id: int, version: int | None) -> tuple[AssignmentRequest, Assignment, Case]:
    row = session.get(AssignmentRequest, request_id)
    if row is None:
        raise NotFound()
    assignment, case = lock_assignment(session, row.assignment_id, version)
    session.refresh(row)
    if row.state != "asked":
        raise AlreadyThere("这项申请已经处理过了。")
    return row, assignment, case


def _grant_return(
    session: Session, actor: Actor, at: datetime, row: AssignmentRequest, assignment: Assignment, case: Case
) -> None:
    check(session, actor, "grant_return", case, assignment)
    _settle(row, actor, at, "granted")
    session.flush()
    give_back(session, case, assignment, at, row.reason or "", assignment.suggested_id)
    record(session, actor, "grant_return", case, at, assignment=assignment, data={"request": row.id})
    after_leaving(session, case, assignment, at)


def _grant_extension(
    session: Session, actor: Actor, at: datetime, row: AssignmentRequest, assignment: Assignment, case: Case
) -> None:
    operation = "approve_extension" if _head_consents(session, row, assignment) else "grant_extension"
    check(session, actor, operation, case, assignment)
    clock = _handling_clock(session, assignment)
    clock.extension_asked = False
    clocks.extend(session, clock, row.days or 0)
    _settle(row, actor, at, "granted")
    record(session, actor, operation, case, at, assignment=assignment, data=facts(request=row.id, days=row.days))


def _grant_suspension(
    session: Session, actor: Actor, at: datetime, row: AssignmentRequest, assignment: Assignment, case: Case
) -> None:
    check(session, actor, "suspend", case, assignment)
    _settle(row, actor, at, "granted")
    clocks.pause(session, assignment, at, "suspended")
    record(session, actor, "suspend", case, at, assignment=assignment, data={"request": row.id})


def _head_consents(session: Session, row: AssignmentRequest, assignment: Assignment) -> bool:
    if row.kind != "extension":
        return False
    clock = _handling_clock(session, assignment)
    policy = session.get(DeadlinePolicy, clock.policy_id) if clock.policy_id else None
    return policy is not None and policy.consent_by == "responsible_head"


def _handling_clock(session: Session, assignment: Assignment) -> CaseClock:
    clock = clocks.latest(session, "assignment", assignment.id, "handle")
    if clock is None or clock.ended_at is not None:
        raise Invalid({"days": "这项工作没有正在计算的办理时限。"})
    return clock


def _settle(row: AssignmentRequest, actor: Actor, at: datetime, state: str) -> None:
    row.state, row.decided_by_id, row.decided_at = state, actor.account_id, at
