"""What passes between a citizen and the city after the submission: additions, corrections, urging, questions, answers.

All stand beside the original, which stays. Each is one row by (origin, origin_key), so a repeat gives the earlier one.
A citizen's words are looked through before anybody may read them: an accusation of those in office hides the case from
all but its readers. `danger` is the code of the danger to life that the caller found in the words; it raises the alert.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NotRequired, TypedDict, Unpack

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cases import clocks, history
from cases.errors import Invalid, NotFound
from cases.models import Case, Message, Submission
from cases.operations import accusations, alerts, attachments, base, citizens, closing
from cases.operations.inputs import FileGiven
from cases.operations.masks import masked, without
from core import ids
from core.crypto import salted_digest
from organisations.people import Actor

KINDS = {
    "addition": "补充",
    "correction": "更正",
    "urge": "催办",
    "enquiry": "查询",
    "question": "请您补充",
    "answer": "补充说明",
    "objection": "异议",
    "notice": "通知",
}


class Sent(TypedDict):
    """How a citizen's message came: where it came from, by which key it is known again, what was with it."""

    origin: str
    origin_key: str
    channel: str
    files: NotRequired[Sequence[FileGiven]]
    danger: NotRequired[str]


def add(
    session: Session,
    actor: Actor,
    at: datetime,
    submission_id: int,
    text: str,
    *,
    kind: str = "addition",
    **sent: Unpack[Sent],
) -> Message:
    """Add to a submission (`kind` addition) or put something in it right (correction). The original stays.

    Raises Invalid with neither text nor files, NotFound, Forbidden, NotNow once the case is closed.
    """
    if kind not in {"addition", "correction"}:
        raise Invalid({"kind": "请选择补充或更正。"})
    if not text.strip() and not sent.get("files"):
        raise Invalid({"text": "请写下要补充的内容，或添加材料。"})
    return _take(session, actor, at, submission_id, text, kind, "add", sent)


def urge(
    session: Session, actor: Actor, at: datetime, submission_id: int, text: str = "", **sent: Unpack[Sent]
) -> Message:
    """催办: the citizen asks that it go faster. Raises NotFound, Forbidden, NotNow once the case is closed."""
    return _take(session, actor, at, submission_id, text, "urge", "urge", sent)


def enquire(
    session: Session, actor: Actor, at: datetime, submission_id: int, text: str = "", **sent: Unpack[Sent]
) -> Message:
    """查询: the citizen asks how it stands; kept as a message, in any state, and changes nothing of the case."""
    return _take(session, actor, at, submission_id, text, "enquiry", None, sent)


def answer_question(
    session: Session, actor: Actor, at: datetime, submission_id: int, text: str, **sent: Unpack[Sent]
) -> Message:
    """What the citizen says to our question; its clock ends. Raises Invalid, NotFound, Forbidden, NotNow."""
    if not text.strip() and not sent.get("files"):
        raise Invalid({"text": "请写下您的回答，或添加材料。"})
    message = _take(session, actor, at, submission_id, text, "answer", "add", sent)
    case = base.case_of(session, submission_id)
    clocks.end(session, "case", case.id, "ask_citizen", at, "added")
    return message


def object_(
    session: Session, actor: Actor, at: datetime, submission_id: int, text: str, **sent: Unpack[Sent]
) -> Message:
    """The citizen does not agree with the answer served. Raises Invalid without text, NotFound, Forbidden, NotNow."""
    if not text.strip():
        raise Invalid({"text": "请写下您不同意的地方。"})
    message = _take(session, actor, at, submission_id, text, "objection", "object", sent)
    closing.after_objection(session, actor, at, base.case_of(session, submission_id))
    return message


def ask_citizen(
    session: Session, actor: Actor, at: datetime, case_id: int, text: str, *, version: int | None = None
) -> list[Message]:
    """Ask every citizen of a case for more; starts the clock of their answer. Gives a message for each submission.

    Raises Invalid without text, NotFound, Forbidden, NotNow, Conflict.
    """
    if not text.strip():
        raise Invalid({"text": "请写下要群众补充什么。"})
    case = base.lock_case(session, case_id, version)
    base.check(session, actor, "ask_citizen", case)
    asked = []
    for submission in base.submissions_of(session, case):
        if submission.withdrawn_at is None:
            message = _write(
                session, actor, at, submission, text, "question", ("hub", f"question:{ids.new_id()}", "hub")
            )
            base.record(
                session,
                actor,
                "ask_citizen",
                case,
                at,
                submission_id=submission.id,
                data=_data(submission, message, text),
            )
            asked.append(message)
    clocks.end(session, "case", case.id, "ask_citizen", at, "citizen_asked")
    clocks.start(session, case, subject="case", subject_id=case.id, kind="ask_citizen", at=at, cause="citizen_asked")
    return asked


def open_question(session: Session, submission_id: int) -> Message | None:
    """Our newest question that the citizen has not answered yet."""
    query = (
        select(Message)
        .where(Message.submission_id == submission_id, Message.kind.in_(["question", "answer"]))
        .order_by(Message.at.desc(), Message.id.desc())
        .limit(1)
    )
    last = session.scalar(query)
    return last if last is not None and last.kind == "question" else None


def of_submission(
    session: Session, submission_id: int, *, limit: int = 50, before: datetime | None = None
) -> list[Message]:
    """The messages of a submission, newest first; `before` continues an earlier page."""
    query = select(Message).where(Message.submission_id == submission_id)
    if before is not None:
        query = query.where(Message.at < before)
    return list(session.scalars(query.order_by(Message.at.desc(), Message.id.desc()).limit(limit)))


def _take(
    session: Session,
    actor: Actor,
    at: datetime,
    submission_id: int,
    text: str,
    kind: str,
    operation: str | None,
    sent: Sent,
) -> Message:
    """One message from a citizen, once by its origin; `operation` None writes an event that moves nothing."""
    source, files = (sent["origin"], sent["origin_key"], sent["channel"]), sent.get("files", ())
    submission = session.get(Submission, submission_id)
    if submission is None:
        raise NotFound()
    earlier = _earlier(session, submission_id, source)
    if earlier is not None:
        return earlier
    case = base.lock_case(session, base.case_of(session, submission_id).id)
    if operation is not None:
        base.check(session, actor, operation, case)
    try:
        with session.begin_nested():
            message = _write(session, actor, at, submission, text, kind, source)
    except IntegrityError:
        earlier = _earlier(session, submission_id, source)
        if earlier is None:
            raise
        return earlier
    accusations.screen(session, at, case, text)
    attachments.store(session, at, files, submission_id=submission.id, message_id=message.id, by_id=actor.account_id)
    _append(session, actor, at, case, operation, submission, _data(submission, message, text, len(files)))
    if sent.get("danger"):
        alerts.raise_(session, at, case, sent["danger"], again=True)
    return message


def _append(
    session: Session,
    actor: Actor,
    at: datetime,
    case: Case,
    operation: str | None,
    submission: Submission,
    data: dict[str, object],
) -> None:
    if operation is not None:
        base.record(session, actor, operation, case, at, submission_id=submission.id, data=data)
        return
    history.append(
        session, case, "enquired", at, actor_id=actor.account_id, submission_id=submission.id, data=data
    )  # fmt: skip


def _write(
    session: Session,
    actor: Actor,
    at: datetime,
    submission: Submission,
    text: str,
    kind: str,
    source: tuple[str, str, str],
) -> Message:
    origin, origin_key, channel = source
    message = Message(
        submission_id=submission.id, direction="out" if kind in {"question", "notice"} else "in", kind=kind,
        channel=channel, origin=origin, origin_key=origin_key, text=text or None,
        text_masked=without(masked(text)[0], citizens.declared(session, submission)), by_id=actor.account_id, at=at,
    )  # fmt: skip
    session.add(message)
    session.flush()
    return message


def _earlier(session: Session, submission_id: int, source: tuple[str, str, str]) -> Message | None:
    """The message that came under this origin before. Raises NotFound when it belongs to another submission."""
    query = select(Message).where(Message.origin == source[0], Message.origin_key == source[1])
    message = session.scalar(query)
    if message is not None and message.submission_id != submission_id:
        raise NotFound()
    return message


def _data(submission: Submission, message: Message, text: str, files: int = 0) -> dict[str, object]:
    """What the event says: ids, and a digest under the submission's salt, which goes when the text is erased."""
    data: dict[str, object] = {"message": message.id, "kind": message.kind, "channel": message.channel}
    if text and submission.salt:
        data["digest"] = salted_digest(bytes.fromhex(submission.salt), text)
    if files:
        data["files"] = files
    return data
