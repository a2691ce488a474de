"""Calls, message exchanges and visits: registered, flagged, and called back; harassment counted by number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cases import clocks, deadlines, visibility
from cases.errors import Invalid, NotFound, NotNow
from cases.models import (
    BlockedNumber,
    CallBack,
    CallBackAttempt,
    Contact,
    ContactSubmission,
    DeadlinePolicy,
    Party,
    PolicySet,
    Submission,
)
from cases.operations import base, citizens
from core import audit
from organisations.calendar import load_calendar
from organisations.people import Actor

KINDS = {
    "new": "新诉求",
    "add": "追加",
    "urge": "催办",
    "enquiry": "查询",
    "withdraw": "撤回",
    "rate": "评价",
    "nuisance": "骚扰",
    "silent": "空号",
}
FLAGS = {"needed": "需回访", "not_needed": "不需回访", "nuisance": "骚扰电话"}
RESULTS = {"reached": "已接通", "no_answer": "无人接听", "refused": "拒绝回访", "wrong_number": "号码不对"}
MAX_NO_ANSWER = 3


@dataclass(frozen=True)
class NewContact:
    """One call, exchange or visit. `callback_due`: when to call back by; without one, the city's limit counts."""

    channel: str
    kind: str
    started_at: datetime
    number: str = ""
    ended_at: datetime | None = None
    origin_key: str | None = None
    flag: str = "not_needed"
    callback_person: str = ""
    callback_phone: str = ""
    callback_due: datetime | None = None
    note: str = ""
    submission_ids: tuple[int, ...] = ()


def register_contact(session: Session, actor: Actor, at: datetime, new: NewContact) -> Contact:
    """Register a contact with its flag; the same `origin_key` again gives the earlier one.

    需回访 owes a call-back, 骚扰电话 counts against the number. Raises Invalid, Forbidden without call.register.
    """
    actor.require("call.register")
    _check(new)
    earlier = _by_key(session, new.origin_key)
    if earlier is not None:
        return earlier
    number = citizens.normal_point("phone", new.number)
    contact = Contact(
        channel=new.channel, kind=new.kind, origin_key=new.origin_key, started_at=new.started_at,
        ended_at=new.ended_at, agent_id=actor.account_id, number=number or None, note=new.note or None,
        number_digest=citizens.point_digest("phone", number) if number else None,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(contact)
    except IntegrityError:
        earlier = _by_key(session, new.origin_key)
        if earlier is None:
            raise
        return earlier
    for submission_id in new.submission_ids:
        attach(session, contact.id, submission_id)
    flag(
        session, actor, at, contact.id, new.flag, callback_person=new.callback_person,
        callback_phone=new.callback_phone, due_at=new.callback_due,
    )  # fmt: skip
    return contact


def flag(
    session: Session,
    actor: Actor,
    at: datetime,
    contact_id: int,
    value: str,
    *,
    callback_person: str = "",
    callback_phone: str = "",
    due_at: datetime | None = None,
) -> Contact:
    """Set 需回访, 不需回访 or 骚扰电话. Changing it closes or counts back what the earlier flag owed.

    Raises Invalid, NotFound, Forbidden without call.register.
    """
    actor.require("call.register")
    contact = _contact(session, contact_id)
    if value not in FLAGS:
        raise Invalid({"flag": "请选择需回访、不需回访或骚扰电话。"})
    phone = citizens.normal_point("phone", callback_phone) or contact.number or ""
    if value == "needed" and not phone:
        raise Invalid({"callback_phone": "请填写回访电话。"})
    before, contact.callback_flag = contact.callback_flag, value
    contact.callback_person = callback_person.strip() or None
    contact.callback_phone = phone if value == "needed" else None
    session.flush()
    if before == "needed" and value != "needed":
        _drop_call_back(session, at, contact)
    if before == "nuisance" and value != "nuisance" and contact.number:
        _count(session, at, contact.number, -1)
    if value == "needed":
        open_call_back(session, at, reason="flagged", contact_id=contact.id, due_at=due_at)
    if value == "nuisance" and before != "nuisance" and contact.number:
        count_nuisance(session, at, contact.number)
    return contact


def attach(session: Session, contact_id: int, submission_id: int) -> None:
    """Say that a contact was about a submission; twice is once. Its citizen is then that of the submission."""
    contact, submission = _contact(session, contact_id), session.get(Submission, submission_id)
    if submission is None:
        raise NotFound()
    query = select(ContactSubmission.id).where(
        ContactSubmission.contact_id == contact_id, ContactSubmission.submission_id == submission_id
    )
    if session.scalar(query) is None:
        session.add(ContactSubmission(contact_id=contact_id, submission_id=submission_id))
    contact.citizen_id = contact.citizen_id or submission.citizen_id
    session.flush()


def submissions_of(session: Session, contact_id: int) -> list[int]:
    """The ids of the submissions that a contact was about."""
    query = select(ContactSubmission.submission_id).where(ContactSubmission.contact_id == contact_id)
    return list(session.scalars(query.order_by(ContactSubmission.id)))


# --- call-backs -------------------------------------------------------------------------------------------------------


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
    if row is None:
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
    """The calls that are owed, the most urgent first, and how many; `until`: due by then. For agents."""
    actor.require("call.register")
    query = select(CallBack).where(CallBack.state == "open")
    if until is not None:
        query = query.where(CallBack.due_at <= until)
    count = session.scalar(select(func.count()).select_from(query.with_only_columns(CallBack.id).subquery())) or 0
    ordered = query.order_by(CallBack.due_at, CallBack.id).limit(size).offset((page - 1) * size)
    return list(session.scalars(ordered)), count


def whom_to_call(session: Session, actor: Actor, at: datetime, call_back_id: int) -> tuple[str, str]:
    """The name and the number to call, in full and on the audit record. Raises NotFound, Forbidden."""
    actor.require("call.register")
    actor.require("person.reveal")
    row = session.get(CallBack, call_back_id)
    if row is None or not _may_call(session, actor, row):
        raise NotFound()
    audit.record(
        session, at=at, actor_id=actor.account_id, action="revealed", subject="call_back", subject_id=row.id,
        details={"kind": "phone"},
    )  # fmt: skip
    if row.contact_id is not None:
        contact = _contact(session, row.contact_id)
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


def _drop_call_back(session: Session, at: datetime, contact: Contact) -> None:
    row = session.scalar(select(CallBack).where(CallBack.contact_id == contact.id, CallBack.state == "open"))
    if row is not None:
        row.state, row.closed_at = "dropped", at
        session.flush()


# --- harassment -------------------------------------------------------------------------------------------------------


def count_nuisance(session: Session, at: datetime, number: str) -> BlockedNumber:
    """Count one harassing call against a number; it is then listed for a supervisor. Blocks nothing by itself."""
    return _count(session, at, number, 1)


def nuisance_numbers(
    session: Session, actor: Actor, page: int = 1, *, size: int = 20
) -> tuple[list[BlockedNumber], int]:
    """The numbers that were counted or blocked, most counted first, and how many. Raises Forbidden."""
    actor.require("call.block")
    query = select(BlockedNumber).where((BlockedNumber.count > 0) | BlockedNumber.blocked_at.is_not(None))
    count = session.scalar(select(func.count()).select_from(query.with_only_columns(BlockedNumber.id).subquery())) or 0
    ordered = query.order_by(BlockedNumber.count.desc(), BlockedNumber.last_at.desc(), BlockedNumber.id)
    return list(session.scalars(ordered.limit(size).offset((page - 1) * size))), count


def block_number(session: Session, actor: Actor, at: datetime, number: str, reason: str) -> BlockedNumber:
    """Block a number, on the audit record; only a supervisor may. Raises Forbidden without call.block, Invalid."""
    actor.require("call.block")
    if not citizens.normal_point("phone", number):
        raise Invalid({"number": "请输入完整的号码。"})
    if not reason.strip():
        raise Invalid({"reason": "请写明限制的理由。"})
    row = _count(session, at, number, 0)
    if row.blocked_at is None:
        row.blocked_at, row.blocked_by_id, row.reason = at, actor.account_id, reason.strip()[:200]
        session.flush()
        _audit(session, actor, at, "number_blocked", row)
    return row


def unblock_number(session: Session, actor: Actor, at: datetime, number: str) -> None:
    """Let a number through again and forget its count, on the audit record. Raises Forbidden, NotFound."""
    actor.require("call.block")
    row = _blocked(session, number)
    if row is None:
        raise NotFound()
    row.blocked_at = row.blocked_by_id = row.reason = None
    row.count = 0
    session.flush()
    _audit(session, actor, at, "number_unblocked", row)


def is_blocked(session: Session, number: str) -> bool:
    """Whether a supervisor blocked this number."""
    row = _blocked(session, number)
    return row is not None and row.blocked_at is not None


def _count(session: Session, at: datetime, number: str, by: int) -> BlockedNumber:
    """The row of a number under lock, made when it is new, its count moved (never below nothing)."""
    fresh = BlockedNumber(digest=citizens.point_digest("phone", number), count=0, last_at=at)
    fresh.number = citizens.normal_point("phone", number)
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    values = {"id": fresh.id, "digest": fresh.digest, "number_sealed": fresh.number_sealed, "count": 0, "last_at": at}
    session.execute(dialect.insert(BlockedNumber).values(**values).on_conflict_do_nothing())
    query = select(BlockedNumber).where(BlockedNumber.digest == fresh.digest).with_for_update()
    row = session.scalars(query.execution_options(populate_existing=True)).one()
    row.count = max(0, row.count + by)
    if by > 0:
        row.last_at = at
    session.flush()
    return row


def _blocked(session: Session, number: str) -> BlockedNumber | None:
    digest = citizens.point_digest("phone", number)
    return session.scalar(select(BlockedNumber).where(BlockedNumber.digest == digest))


def _audit(session: Session, actor: Actor, at: datetime, action: str, row: BlockedNumber) -> None:
    audit.record(session, at=at, actor_id=actor.account_id, action=action, subject="number", subject_id=row.id)


def _contact(session: Session, contact_id: int) -> Contact:
    contact = session.get(Contact, contact_id)
    if contact is None:
        raise NotFound()
    return contact


def _by_key(session: Session, origin_key: str | None) -> Contact | None:
    return session.scalar(select(Contact).where(Contact.origin_key == origin_key)) if origin_key else None


def _check(new: NewContact) -> None:
    if new.kind not in KINDS:
        raise Invalid({"kind": "请选择来电类型。"})
    if new.flag not in FLAGS:
        raise Invalid({"flag": "请选择需回访、不需回访或骚扰电话。"})
