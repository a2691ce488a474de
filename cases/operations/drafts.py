"""A draft (备案) may be rewritten until it is handed in; from then on its text never changes."""

from __future__ import annotations

import secrets
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cases.errors import Forbidden, NotFound, NotNow
from cases.models import Attachment, ExtraField, Party, Submission, SubmissionPoint
from cases.operations import base, citizens, taking
from cases.operations.inputs import NewSubmission
from core.crypto import salted_digest
from organisations.people import Actor


def revise(session: Session, actor: Actor, at: datetime, submission_id: int, new: NewSubmission) -> Submission:
    """Write a draft anew: its text, its place, who it is from, its files. Number and query code stay.

    Raises NotFound, Forbidden for staff who may not register, NotNow once it was handed in.
    """
    if not (actor.is_citizen or actor.is_system or actor.can("call.register")):
        raise Forbidden(operation="save_draft")
    submission = session.get(Submission, submission_id)
    if submission is None:
        raise NotFound()
    case = base.lock_case(session, base.case_of(session, submission_id).id)
    session.refresh(submission)
    if submission.submitted_at is not None or case.stage != "draft":
        raise NotNow(operation="save_draft", state=case.stage)
    _clear(session, submission.id)
    citizen, points = citizens.ensure_citizen(session, new.reporter, at)
    new = taking.concealed(new, citizen)
    salt = secrets.token_hex(32)
    submission.salt, submission.digest = salt, salted_digest(bytes.fromhex(salt), f"{new.title}\0{new.body}")
    submission.exact_digest = taking.exact_digest(new.title, new.body)
    submission.title, submission.title_masked = new.title, new.title_masked
    submission.body, submission.body_masked, submission.offsets = new.body, new.body_masked, new.offsets
    submission.place, submission.place_masked = new.place or None, new.place_masked or None
    submission.area_id, submission.claimed_level1 = new.area_id, new.claimed_level1
    submission.citizen_id = citizen.id if citizen else None
    submission.disclosure, submission.consent_publish = new.disclosure, new.consent_publish
    submission.track, submission.occurred_at, submission.received_at = new.track, new.occurred_at, at
    case.title, case.area_id, case.track, case.danger = new.title_masked, new.area_id, new.track, new.danger or None
    session.flush()
    taking.beside(session, at, new, submission, citizen, points)
    return submission


def files_of(session: Session, submission_id: int) -> list[Attachment]:
    """The files of a draft, in the order they came."""
    query = select(Attachment).where(Attachment.submission_id == submission_id, Attachment.message_id.is_(None))
    return list(session.scalars(query.order_by(Attachment.at, Attachment.id)))


def _clear(session: Session, submission_id: int) -> None:
    for model in (Party, SubmissionPoint, Attachment, ExtraField):
        session.execute(delete(model).where(model.submission_id == submission_id))
