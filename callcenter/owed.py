"""Call-backs as pages show them: whom to call (masked), which matter, what was tried, whether to ask for a rating."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from callcenter import names
from cases import visibility
from cases.models import (
    Answer,
    AnswerSubmission,
    CallBack,
    CallBackAttempt,
    Case,
    Contact,
    ContactSubmission,
    Party,
    Rating,
    Submission,
    SubmissionCase,
)
from cases.operations.closing import LAPSED
from core.errors import NotFound
from core.text.masking import mask
from organisations.models import Account
from organisations.people import Actor

_ROLES = ("callback", "contact", "reporter")


@dataclass(frozen=True)
class Matter:
    """The submission that a call-back is about, when this person may see it."""

    submission_id: int
    case_id: int
    number: str
    title: str
    stage: str
    status: str
    round: int


@dataclass(frozen=True)
class Line:
    """One call-back in a list. Name and telephone are masked."""

    id: int
    reason: str
    due_at: datetime
    attempts: int
    last: str
    name: str
    phone: str
    note: str
    matter: Matter | None


@dataclass(frozen=True)
class File:
    """One call-back with all that the agent needs while calling. `tries`: (when, who, result, note), newest first."""

    line: Line
    row: CallBack
    channel: str
    answer: str
    tries: Sequence[tuple[datetime, str, str, str]]
    may_rate: bool


def lines(session: Session, actor: Actor, rows: Sequence[CallBack]) -> list[Line]:
    """These call-backs in their order; a handful of queries whatever their number."""
    contact_ids = [row.contact_id for row in rows if row.contact_id is not None]
    contacts = {
        one.id: one for one in session.scalars(select(Contact).where(Contact.id.in_(contact_ids)))
    }  # fmt: skip
    about = _about(session, rows, contact_ids)
    matters = _matters(session, actor, about.values())
    people = _people(session, [row.submission_id for row in rows if row.submission_id is not None])
    return [_line(row, contacts.get(row.contact_id or 0), people, matters.get(about.get(row.id, 0))) for row in rows]


def file_of(session: Session, actor: Actor, call_back_id: int) -> File:
    """One call-back. Raises NotFound when it is about a case that is not this person's to see."""
    actor.require("call.register")
    row = session.get(CallBack, call_back_id)
    if row is None:
        raise NotFound()
    line = lines(session, actor, [row])[0]
    if row.submission_id is not None and line.matter is None:
        raise NotFound()
    contact = session.get(Contact, row.contact_id) if row.contact_id is not None else None
    channel = names.channels().get(contact.channel, contact.channel) if contact else ""
    return File(
        line, row, channel, _answer(session, line.matter), _tries(session, row), _may_rate(session, line.matter)
    )


def _about(session: Session, rows: Sequence[CallBack], contact_ids: Sequence[int]) -> dict[int, int]:
    """The submission of each call-back: its own, or the first that its contact was about."""
    query = select(ContactSubmission).where(ContactSubmission.contact_id.in_(contact_ids))
    first: dict[int, int] = {}
    for link in session.scalars(query.order_by(ContactSubmission.id)):
        first.setdefault(link.contact_id, link.submission_id)
    found = {row.id: row.submission_id or first.get(row.contact_id or 0) for row in rows}
    return {key: value for key, value in found.items() if value is not None}


def _matters(session: Session, actor: Actor, submission_ids: Iterable[int]) -> dict[int, Matter]:
    query = (
        select(Submission, Case)
        .join(SubmissionCase, SubmissionCase.submission_id == Submission.id)
        .join(Case, Case.id == SubmissionCase.case_id)
        .where(Submission.id.in_(list(submission_ids)), SubmissionCase.until.is_(None))
        .where(visibility.visible(actor))
    )
    return {
        one.id: Matter(one.id, case.id, one.number, one.title_masked, case.stage, case.status, case.round)
        for one, case in session.execute(query).tuples()
    }


def _people(session: Session, submission_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """The name and number of whom to call of each submission, as declared: 回访人, 联系人, 反映人."""
    query = select(Party).join(Submission, Submission.id == Party.submission_id)
    query = query.where(Submission.id.in_(submission_ids), Submission.disclosure != "anonymous", Party.role.in_(_ROLES))
    ranked = sorted(session.scalars(query), key=lambda one: _ROLES.index(one.role), reverse=True)
    return {one.submission_id: (one.name or "", one.phone or "") for one in ranked if one.phone}


def _line(row: CallBack, contact: Contact | None, people: dict[int, tuple[str, str]], matter: Matter | None) -> Line:
    name, phone = people.get(row.submission_id or 0, ("", ""))
    if contact is not None:
        name, phone = contact.callback_person or "", contact.callback_phone or ""
    return Line(
        row.id, row.reason, row.due_at, row.attempts, row.result or "", names.masked_name(name), phone,
        mask(contact.note).text if contact is not None and contact.note and matter is None else "", matter,
    )  # fmt: skip


def _answer(session: Session, matter: Matter | None) -> str:
    """The answer that was served, to be gone through on the telephone."""
    if matter is None:
        return ""
    query = (
        select(Answer)
        .join(AnswerSubmission, AnswerSubmission.answer_id == Answer.id)
        .where(AnswerSubmission.submission_id == matter.submission_id, Answer.kind == "citizen")
        .where(Answer.state == "served", Answer.round == matter.round)
        .order_by(Answer.served_at.desc())
    )
    served = session.scalar(query.limit(1))
    return (served.text or "") if served is not None else ""


def _tries(session: Session, row: CallBack) -> list[tuple[datetime, str, str, str]]:
    query = (
        select(CallBackAttempt, Account.name)
        .outerjoin(Account, Account.id == CallBackAttempt.by_id)
        .where(CallBackAttempt.call_back_id == row.id)
        .order_by(CallBackAttempt.at.desc(), CallBackAttempt.id.desc())
    )
    return [(one.at, name or "", one.result, one.note or "") for one, name in session.execute(query.limit(20)).tuples()]


def _may_rate(session: Session, matter: Matter | None) -> bool:
    """Whether the citizen has not judged the present round yet, and there is something to judge."""
    if matter is None or matter.stage not in ("asking", "closed"):
        return False
    query = select(Rating.id).where(
        Rating.submission_id == matter.submission_id,
        Rating.case_id == matter.case_id,
        Rating.round == matter.round,
        Rating.way != LAPSED,
    )
    return session.scalar(query) is None
