"""From an event to the notices that citizens get: which submissions, by which way, in which words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.models import (
    Answer,
    AnswerSubmission,
    Case,
    ContactPoint,
    Decision,
    Event,
    Message,
    Submission,
    SubmissionPoint,
)
from cases.operations import promise
from cases.operations.base import lead_assignment, submissions_of
from channels.registry import Channels
from core import ids, jobs
from core.clock import to_local
from notifications import outbox
from notifications.models import Notice
from notifications.templates import SERVICE, SHIPPED, TO_STAFF, filled, wording
from organisations.models import Organisation

JOB = "notifications.tell_citizen"
KINDS = frozenset(SHIPPED) - {"dialogue_left", "late_answer"} - TO_STAFF
# By which kind of contact point a channel reaches somebody, and by which channel a contact point is reached.
_KIND_OF_CHANNEL = {"wechat": "openid", "sms": "phone", "hotline": "phone", "web": "phone"}
_CHANNEL_OF_KIND = {"openid": "wechat", "phone": "sms"}
# What is about one submission only; everything else concerns each submission of the case.
_OF_ONE = frozenset({"citizen_asked"})


@dataclass(frozen=True)
class Way:
    """How a citizen is reached: the channel and the contact point there."""

    channel: str
    point: ContactPoint


def register(registry: jobs.Registry, channels: Channels) -> None:
    """Add the job that turns an event into notices."""

    def tell(work: jobs.Work) -> None:
        with work.db.write() as session:
            owe_for_event(session, work.payload["event"], work.clock.now(), channels)

    registry.add(JOB, tell)


def owe_for_event(session: Session, event_id: int, at: datetime, channels: Channels) -> list[Notice]:
    """Owe the notices that an event calls for; those already owed are left as they are."""
    event = session.get_one(Event, event_id)
    case = session.get_one(Case, event.case_id)
    owed = []
    for submission in _concerned(session, event, case):
        way = way_to(session, submission, channels)
        if way is None:
            continue
        text = filled(wording(session, event.kind), _values(session, event, case, submission))
        key = f"event.{event.id}.{submission.id}"
        notice = outbox.owe(session, at, key, event.kind, way.point, way.channel, text, submission.id)
        if notice is not None:
            owed.append(notice)
    return owed


def way_to(session: Session, submission: Submission, channels: Channels) -> Way | None:
    """How the sender of a submission is reached: by the way they came, else by phone; None when by no way.

    A channel that is switched on but can't speak first (WeChat without templates) is passed over.
    """
    if submission.imported_at is not None:
        return None
    points = session.scalars(
        select(ContactPoint)
        .join(SubmissionPoint, SubmissionPoint.contact_point_id == ContactPoint.id)
        .where(SubmissionPoint.submission_id == submission.id, ContactPoint.stopped_at.is_(None))
        .order_by(ContactPoint.created_at, ContactPoint.id)
    ).all()
    wanted = _KIND_OF_CHANNEL.get(submission.channel, "phone")
    for kind in dict.fromkeys((wanted, "phone")):
        for point in points:
            if point.kind == kind and channels.sender(_CHANNEL_OF_KIND[kind]) is not None:
                return Way(_CHANNEL_OF_KIND[kind], point)
    return None


def _concerned(session: Session, event: Event, case: Case) -> Iterable[Submission]:
    if event.kind in _OF_ONE and event.submission_id is not None:
        return [session.get_one(Submission, event.submission_id)]
    return [row for row in submissions_of(session, case) if row.withdrawn_at is None]


def _values(session: Session, event: Event, case: Case, submission: Submission) -> dict[str, str]:
    office = session.get(Organisation, _office(event, case))
    day = _by_when(session, case, submission)
    return {
        "service": SERVICE,
        "number": ids.grouped(submission.number),
        "office": office.short_name if office else "负责的部门",
        "day": f"{day.month} 月 {day.day} 日" if day else "规定期限",
        "text": _TEXTS.get(event.kind, _no_text)(session, event, submission),
    }


def _by_when(session: Session, case: Case, submission: Submission) -> date | None:
    """The day that was promised, or the later one after an extension; without a promise, when the work is due."""
    due, extended = promise.answer_by(session, case, lead_assignment(session, case))
    if due is not None and extended:
        return to_local(due).date()
    return submission.promise_date or (to_local(case.due_at).date() if case.due_at else None)


def _office(event: Event, case: Case) -> int | None:
    return case.lead_id or event.organisation_id


def _answer_text(session: Session, event: Event, submission: Submission) -> str:
    query = (
        select(Answer)
        .join(AnswerSubmission, AnswerSubmission.answer_id == Answer.id)
        .where(Answer.case_id == event.case_id, Answer.kind == "citizen", Answer.written_at <= event.at)
        .where(AnswerSubmission.submission_id == submission.id)
        .order_by(Answer.written_at.desc(), Answer.id.desc())
        .limit(1)
    )
    answer = session.scalar(query)
    return str(answer.text) if answer and answer.text else ""


def _decision_text(session: Session, event: Event, submission: Submission) -> str:
    query = select(Decision).where(Decision.case_id == event.case_id, Decision.at <= event.at)
    decision = session.scalar(query.order_by(Decision.at.desc(), Decision.id.desc()).limit(1))
    if decision is None:
        return ""
    return f"{decision.text or ''}{f'（依据：{decision.article}）' if decision.article else ''}"


def _question_text(session: Session, event: Event, submission: Submission) -> str:
    query = select(Message).where(Message.submission_id == submission.id, Message.kind == "question")
    question = session.scalar(query.where(Message.at <= event.at).order_by(Message.at.desc()).limit(1))
    return str(question.text) if question and question.text else ""


def _no_text(session: Session, event: Event, submission: Submission) -> str:
    return ""


_TEXTS: dict[str, Callable[[Session, Event, Submission], str]] = {
    "answer_served": _answer_text,
    "answered_directly": _answer_text,
    "refused": _decision_text,
    "guided": _decision_text,
    "lapsed": _decision_text,
    "citizen_asked": _question_text,
}
