"""Files that came with a submission, a message or an answer; their bytes are in the file store."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from cases import history, visibility, workflow
from cases.errors import Forbidden, Invalid, NotFound, NotNow
from cases.models import Answer, Assignment, Attachment, Case, Submission, SubmissionCase
from cases.operations import base, citizens
from cases.operations.inputs import FileGiven
from core import audit
from organisations.people import Actor

WITHHELD = "因实名保密，附件由热线中心核对后转来；转来的附件另列在本事项的附件里。"


def store(
    session: Session,
    at: datetime,
    files: Iterable[FileGiven],
    *,
    submission_id: int | None = None,
    message_id: int | None = None,
    answer_id: int | None = None,
    case_id: int | None = None,
    by_id: int | None = None,
) -> list[Attachment]:
    """Write the rows of files that are in the file store already. No check and no event: the caller's own operation."""
    rows = []
    for file in files:
        row = Attachment(
            submission_id=submission_id, message_id=message_id, answer_id=answer_id, case_id=case_id, by_id=by_id,
            name=file.name, kind=file.kind, media_type=file.media_type, size=file.size, sha256=file.sha256,
            key=file.key, at=at,
        )  # fmt: skip
        session.add(row)
        rows.append(row)
    session.flush()
    return rows


def add_evidence(
    session: Session,
    actor: Actor,
    at: datetime,
    case_id: int,
    files: Iterable[FileGiven],
    *,
    answer_id: int | None = None,
) -> list[Attachment]:
    """Files of a member of staff beside an open case or one of its answers: of the hotline, or of an office at work.

    Raises NotFound, Forbidden for others who may see the case, NotNow unless it is open, Invalid.
    """
    case = base.lock_case(session, case_id)
    if not actor.is_system and not visibility.may_see(session, actor, case):
        raise NotFound()
    actor.require("case.read")
    if not may_add(session, actor, case):
        raise Forbidden(operation="add_evidence")
    if not workflow.permitted("register", case.stage):
        raise NotNow(operation="add_evidence", state=case.stage)
    return add_with_step(session, actor, at, case, files, answer_id=answer_id)


def may_add(session: Session, actor: Actor, case: Case) -> bool:
    """Whether somebody works on a case: at the hotline, or where it is assigned and was not given back."""
    if actor.is_system or actor.can("case.review") or actor.can("call.register"):
        return True
    at_work = exists().where(
        Assignment.case_id == case.id,
        Assignment.organisation_id.in_(actor.organisation_ids),
        Assignment.state.not_in(["returned", "taken_back"]),
    )
    return bool(session.scalar(select(at_work)))


def add_with_step(
    session: Session,
    actor: Actor,
    at: datetime,
    case: Case,
    files: Iterable[FileGiven],
    *,
    answer_id: int | None = None,
) -> list[Attachment]:
    """Files handed in with a step that was just allowed and taken, which may have closed the case. Raises Invalid."""
    if answer_id is not None:
        answer = session.get(Answer, answer_id)
        if answer is None or answer.case_id != case.id:
            raise Invalid({"answer": "这份答复不属于本事项。"})
    rows = store(session, at, files, case_id=case.id, answer_id=answer_id, by_id=actor.account_id)
    history.append(
        session, case, "evidence_added", at, actor_id=actor.account_id,
        organisation_id=actor.organisation_ids[0] if actor.organisation_ids else None,
        data={"attachments": [row.id for row in rows]},
    )  # fmt: skip
    return rows


def of_submission(session: Session, submission_id: int) -> list[Attachment]:
    """What a citizen sent with a submission and its messages, oldest first."""
    query = select(Attachment).where(Attachment.submission_id == submission_id)
    return list(session.scalars(query.order_by(Attachment.at, Attachment.id)))


def of_case(session: Session, case_id: int) -> list[Attachment]:
    """Every file of a case: of its submissions, its answers and its handlers, oldest first."""
    submissions = select(SubmissionCase.submission_id).where(
        SubmissionCase.case_id == case_id, SubmissionCase.until.is_(None)
    )
    query = select(Attachment).where(or_(Attachment.submission_id.in_(submissions), Attachment.case_id == case_id))
    return list(session.scalars(query.order_by(Attachment.at, Attachment.id)))


def open_attachment(session: Session, actor: Actor, at: datetime, attachment_id: int) -> Attachment:
    """A file for a member of staff to look at, on the audit record.

    Raises NotFound when the case is not theirs to see, Forbidden where a file of the citizen could tell who wrote.
    """
    attachment = session.get(Attachment, attachment_id)
    case = _case_of(session, attachment) if attachment else None
    if attachment is None or case is None or not (actor.is_system or visibility.may_see(session, actor, case)):
        raise NotFound()
    if not may_open(session, actor, attachment):
        raise Forbidden(message=WITHHELD)
    audit.record(
        session, at=at, actor_id=actor.account_id, action="attachment_read", subject="attachment",
        subject_id=attachment.id, details={"case": case.id},
    )  # fmt: skip
    return attachment


def may_open(session: Session, actor: Actor, attachment: Attachment) -> bool:
    """Whether a file tells this person nothing that they may not know.

    What came from a citizen shows who wrote (a photograph, a signed letter): of 实名保密 and 匿名 only those who take
    submissions in open it, and pass on what they looked through as a file of their own.
    """
    if attachment.submission_id is None:
        return True
    return citizens.may_read_original(actor, session.get_one(Submission, attachment.submission_id))


def _case_of(session: Session, attachment: Attachment) -> Case | None:
    if attachment.case_id is not None:
        return session.get(Case, attachment.case_id)
    return base.case_of(session, attachment.submission_id) if attachment.submission_id is not None else None
