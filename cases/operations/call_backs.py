"""回访: calls owed to citizens, with their due time, attempts and result."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cases import clocks, deadlines, visibility
from cases.errors import Forbidden, Invalid, NotFound, NotNow
from cases.models import (
    CallBack,
    CallBackAttempt,
    Case,
    Contact,
    DeadlinePolicy,
    Party,
    PolicySet,
    Submission,
    SubmissionCase,
)
from cases.operations import base
from core import audit
from organisations.calendar import load_calendar
from organisations.people import Actor

RESULTS = {"reached": "已接通", "no_answer": "无人接听", "refused": "拒绝回访", "wrong_number": "号码不对"}
MAX_NO_ANSWER = 3


def open_call_back(
    session: Session,
    at: datetime,
    *,
    reason: str,
    contact_id: int | None = None,
    submission_id: int | None = None,
    round: int = 1,
    due_at: datetime | None = None,
) -> CallBack:
    """Owe a call to a citizen: `reason` flagged (by an agent) or silence (not rated). One open a contact or submission.

    Without `due_at` the limit of the policy row "call_back" counts, in working time.
    """
    query = select(CallBack)
    if contact_id is not None:
        query = query.where(CallBack.contact_id == contact_id)
    else:
        query = query.where(CallBack.submission_id == submission_id, CallBack.round == round, CallBack.reason == reason)
    row = session.scalar(query.limit(1))
    due = due_at or _call_back_due(session, at)
    if row is None:
        row = CallBack(
            contact_id=contact_id, submission_id=submission_id, reason=reason, round=round, due_at=due, state="open"
        )
        session.add(row)
    elif row.state == "dropped":
        row.state, row.due_at, row.closed_at = "open", due, None
    elif due_at is not None and row.state == "open":
        row.due_at = due_at
    session.flush()
    return row


def record_attempt(
    session: Session,
    actor: Actor,
    at: datetime,
    call_back_id: int,
    result: str,
    note: str = "",
    *,
    next_at: datetime | None = None,
) -> CallBack:
    """Note one try to reach the citizen (`result`: a code of RESULTS). After three without an answer it is given up.

    `next_at`: when to try again. Raises Invalid, NotFound, NotNow when it is closed, Forbidden without call.register.
    """
    actor.require("call.register")
    if result not in RESULTS:
        raise Invalid({"result": "请选择回访结果。"})
    query = select(CallBack).where(CallBack.id == call_back_id).with_for_update()
    row = session.scalar(query.execution_options(populate_existing=True))
    if row is None or not _may_call(session, actor, row):
        raise NotFound()
    if row.state != "open":
        raise NotNow(operation="record_attempt", state=row.state)
    session.add(
        CallBackAttempt(call_back_id=row.id, at=at, by_id=actor.account_id, result=result, note=note.strip() or None)
    )
    row.attempts, row.last_attempt_at, row.result = row.attempts + 1, at, result
    row.state = state_after(result, row.attempts)
    if row.state == "open":
        row.due_at = next_at or row.due_at
    else:
        row.done_by_id, row.closed_at = actor.account_id, at
    session.flush()
    return row


def state_after(result: str, attempts: int) -> str:
    """What a call-back becomes by a result: done when the citizen was reached or declined, given_up when the number is
    wrong or nobody answered three times, else still open."""
    if result in {"reached", "refused"}:
        return "done"
    if result == "wrong_number" or attempts >= MAX_NO_ANSWER:
        return "given_up"
    return "open"


def due_call_backs(
    session: Session, actor: Actor, page: int = 1, *, until: datetime | None = None, size: int = 20
) -> tuple[list[CallBack], int]:
    """The calls that are owed, the most urgent first, and how many; `until`: due by then. For agents.

    A call about a case that the person may not see (an accusation) is another's to make.
    """
    actor.require("call.register")
    about = (
        select(SubmissionCase.submission_id)
        .join(Case, Case.id == SubmissionCase.case_id)
        .where(SubmissionCase.submission_id == CallBack.submission_id, SubmissionCase.until.is_(None))
        .where(visibility.visible(actor))
        .exists()
    )
    query = select(CallBack).where(CallBack.state == "open", CallBack.submission_id.is_(None) | about)
    if until is not None:
        query = query.where(CallBack.due_at <= until)
    count = session.scalar(select(func.count()).select_from(query.with_only_columns(CallBack.id).subquery())) or 0
    ordered = query.order_by(CallBack.due_at, CallBack.id).limit(size).offset((page - 1) * size)
    return list(session.scalars(ordered)), count


def whom_to_call(session: Session, actor: Actor, at: datetime, call_back_id: int) -> tuple[str, str]:
    """The name and the number to call, in full and on the audit record. Raises NotFound, Forbidden.

    Of a submission without a name no number is shown; a caller who asked to be called gave theirs for that.
    """
    actor.require("call.register")
    actor.require("person.reveal")
    row = session.get(CallBack, call_back_id)
    if row is None or not _may_call(session, actor, row):
        raise NotFound()
    if row.submission_id is not None and session.get_one(Submission, row.submission_id).disclosure == "anonymous":
        raise Forbidden(message="群众要求匿名，号码不显示给任何工作人员。")
    audit.record(
        session, at=at, actor_id=actor.account_id, action="revealed", subject="call_back", subject_id=row.id,
        details={"kind": "phone"},
    )  # fmt: skip
    if row.contact_id is not None:
        contact = session.get_one(Contact, row.contact_id)
        return contact.callback_person or "", contact.callback_phone or ""
    roles = {"callback": 0, "contact": 1, "reporter": 2}
    parties = session.scalars(select(Party).where(Party.submission_id == row.submission_id, Party.role.in_(roles)))
    for party in sorted(parties, key=lambda party: roles[party.role]):
        if party.phone:
            return party.name or "", party.phone
    return "", ""


def _may_call(session: Session, actor: Actor, row: CallBack) -> bool:
    if row.submission_id is None:
        return True
    return visibility.may_see(session, actor, base.case_of(session, row.submission_id))


def _call_back_due(session: Session, at: datetime) -> datetime:
    """When a call-back is due by the active policy set, or as shipped when there is no such row."""
    query = (
        select(DeadlinePolicy)
        .join(PolicySet, PolicySet.code == DeadlinePolicy.policy_set)
        .where(PolicySet.active, DeadlinePolicy.ended_at.is_(None), DeadlinePolicy.kind == "call_back")
        .order_by(DeadlinePolicy.version.desc())
        .limit(1)
    )
    policy = session.scalar(query) or deadlines.CALL_BACK
    return clocks.due_of(load_calendar(session), policy.unit, at, policy.amount)


def drop(session: Session, at: datetime, contact: Contact) -> None:
    """Owe no call any more, because the flag of the contact was changed."""
    row = session.scalar(select(CallBack).where(CallBack.contact_id == contact.id, CallBack.state == "open"))
    if row is not None:
        row.state, row.closed_at = "dropped", at
        session.flush()
