"""A citizen's request enters the hub: kept as written, numbered, joined to a case, its clocks started."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cases import clocks, history, workflow
from cases.errors import NotFound, NotNow
from cases.models import (
    Case,
    ContactPoint,
    Submission,
    SubmissionCase,
    SubmissionPoint,
)
from cases.operations import base, citizens, ending, taking
from cases.operations.inputs import FileGiven, NewSubmission, PersonNamed, Reporter, Submitted
from organisations.people import Actor

__all__ = [
    "FileGiven",
    "NewSubmission",
    "PersonNamed",
    "Reporter",
    "Submitted",
    "open_submissions",
    "own_submissions",
    "submit",
    "submit_draft",
    "withdraw",
]

_TRIES = 5  # numbers are drawn by chance: on a busy day two may meet


def submit(session: Session, actor: Actor, at: datetime, new: NewSubmission) -> Submitted:
    """Take in one request: submission, case, parties, files, query code, event, clocks.

    The same (origin, origin_key) again, also at the same moment, gives the earlier submission and no code; so does an
    exact copy by the same citizen within ten minutes. A quiet session (imports) looks for no copies, starts no clock
    and owes no job. Raises Invalid without text, Forbidden for staff who may not register.
    """
    taking.may_submit(actor)
    taking.check_given(new)
    exact = taking.exact_digest(new.title, new.body)
    taking.one_at_a_time(session, exact)
    for _ in range(_TRIES):
        known = taking.earlier(session, new)
        if known is not None:
            return known
        try:
            with session.begin_nested():
                return taking.take_in(session, actor, at, new, exact)
        except IntegrityError as error:
            # The earlier one came at the same moment, or the number was drawn twice: look again.
            clash = error
    raise clash


def submit_draft(session: Session, actor: Actor, at: datetime, submission_id: int) -> Submitted:
    """Hand in what was kept as a draft; from now on its text never changes. Doing it twice is doing it once."""
    submission, case = _own_draft(session, actor, submission_id)
    if submission.submitted_at is not None:
        return Submitted(submission, case, None, True)
    if not workflow.permitted("submit", case.stage):
        raise NotNow(operation="submit", state=case.stage)
    submission.received_at = submission.submitted_at = at
    case.received_at = at
    for point in session.scalars(select(SubmissionPoint).where(SubmissionPoint.submission_id == submission.id)):
        point.received_at = at
    taking.enter(session, actor, at, submission, case, case.danger or "")
    return Submitted(submission, case, None, False)


def _own_draft(session: Session, actor: Actor, submission_id: int) -> tuple[Submission, Case]:
    """A submission and its case under lock, for whoever may hand it in."""
    taking.may_submit(actor)
    submission = session.get(Submission, submission_id)
    if submission is None:
        raise NotFound()
    case = base.lock_case(session, base.case_of(session, submission_id).id)
    session.refresh(submission)
    return submission, case


def withdraw(session: Session, actor: Actor, at: datetime, submission_id: int, reason: str = "") -> Case:
    """The citizen takes a request back. The case closes when it was its only one, and is not (possibly) an accusation:
    a complainant may be under pressure, so a named reader decides.

    `reason` is a code (dictionary withdraw_reason). Raises NotFound, Forbidden, NotNow.
    """
    submission = session.get(Submission, submission_id)
    if submission is None:
        raise NotFound()
    case = base.lock_case(session, base.case_of(session, submission_id).id)
    base.check(session, actor, "withdraw", case)
    if submission.withdrawn_at is not None:
        raise NotNow(operation="withdraw", state="withdrawn")
    submission.withdrawn_at = at
    reason = reason if reason.isascii() and reason.isidentifier() else ""  # events hold codes, nobody's own words
    clocks.end(session, "submission", submission.id, "promise", at, "withdrawn")
    case.promise_at = clocks.earliest_promise(session, case)
    others = [one for one in base.submissions_of(session, case) if one.id != submission.id and not one.withdrawn_at]
    if others or case.accusation in {"possible", "yes"}:
        session.flush()
        history.append(
            session, case, "withdrawn", at, actor_id=actor.account_id, submission_id=submission.id,
            data={"reason": reason, "case_goes_on": True},
        )  # fmt: skip
        return case
    ending.close_case(session, case, at, "withdrawn")
    base.record(session, actor, "withdraw", case, at, submission_id=submission.id, data={"reason": reason})
    return case


def own_submissions(session: Session, contact_kind: str, value: str, limit: int = 5) -> list[Submission]:
    """The newest submissions made with a contact point, for its owner: the caller has verified the channel."""
    query = (
        select(Submission)
        .join(SubmissionPoint, SubmissionPoint.submission_id == Submission.id)
        .join(ContactPoint, ContactPoint.id == SubmissionPoint.contact_point_id)
        .where(ContactPoint.kind == contact_kind, ContactPoint.digest == citizens.point_digest(contact_kind, value))
        .order_by(SubmissionPoint.received_at.desc(), SubmissionPoint.submission_id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def open_submissions(session: Session, kind: str, value: str, limit: int = 5) -> list[Submission]:
    """The same, of those whose case is still open and which were not withdrawn: what an 催办 or 补充 may belong to."""
    query = (
        select(Submission)
        .join(SubmissionPoint, SubmissionPoint.submission_id == Submission.id)
        .join(ContactPoint, ContactPoint.id == SubmissionPoint.contact_point_id)
        .join(SubmissionCase, SubmissionCase.submission_id == Submission.id)
        .join(Case, Case.id == SubmissionCase.case_id)
        .where(ContactPoint.kind == kind, ContactPoint.digest == citizens.point_digest(kind, value))
        .where(SubmissionCase.until.is_(None), Case.stage.not_in(["draft", "closed"]))
        .where(Submission.withdrawn_at.is_(None))
        .order_by(SubmissionPoint.received_at.desc(), SubmissionPoint.submission_id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))
