"""Calls, message exchanges and visits: registered, flagged, and called back; harassment counted by number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cases.errors import Invalid, NotFound
from cases.models import Contact, ContactSubmission, Submission
from cases.operations import call_backs, citizens, nuisance
from cases.operations.call_backs import (
    RESULTS,
    due_call_backs,
    open_call_back,
    record_attempt,
    state_after,
    whom_to_call,
)
from cases.operations.nuisance import block_number, count_nuisance, is_blocked, nuisance_numbers, unblock_number
from core import audit
from organisations.people import Actor

__all__ = [
    "FLAGS",
    "KINDS",
    "RESULTS",
    "NewContact",
    "attach",
    "block_number",
    "count_nuisance",
    "due_call_backs",
    "flag",
    "is_blocked",
    "nuisance_numbers",
    "open_call_back",
    "recent_contacts",
    "record_attempt",
    "register_contact",
    "state_after",
    "submissions_of",
    "unblock_number",
    "whom_to_call",
]

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
        call_backs.drop(session, at, contact)
    if before == "nuisance" and value != "nuisance" and contact.number:
        nuisance.count(session, at, contact.number, -1)
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


def recent_contacts(session: Session, actor: Actor, at: datetime, number: str, limit: int = 10) -> list[Contact]:
    """The newest contacts from a complete number, on the audit record. Raises Forbidden without person.search."""
    actor.require("person.search")
    digest = citizens.point_digest("phone", number)
    query = select(Contact).where(Contact.number_digest == digest)
    found = list(session.scalars(query.order_by(Contact.started_at.desc(), Contact.id.desc()).limit(limit)))
    audit.record(
        session,
        at=at,
        actor_id=actor.account_id,
        action="person_searched",
        details={"by": "calls", "found": len(found)},
    )
    return found


def submissions_of(session: Session, contact_id: int) -> list[int]:
    """The ids of the submissions that a contact was about."""
    query = select(ContactSubmission.submission_id).where(ContactSubmission.contact_id == contact_id)
    return list(session.scalars(query.order_by(ContactSubmission.id)))


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
