"""Petitions of the past: what was answered before the hub is closed by one step of its own (docs/adr/0009)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.models import Answer, AnswerSubmission, Case, Submission, SubmissionCase
from cases.operations.base import check, lock_case, record, submissions_of
from cases.operations.dispatch import required
from organisations.people import SYSTEM


def import_answer(
    session: Session, case_id: int, text: str, answered_at: datetime, *, organisation_id: int | None = None
) -> Answer:
    """Close a case with the answer that was given before the hub; `organisation_id` is who gave it, where known.

    Nothing is served or signalled. Raises Invalid without a text, NotNow when the case is not waiting for diversion.
    """
    case = lock_case(session, case_id)
    check(session, SYSTEM, "import_answer", case)
    submissions = submissions_of(session, case)
    answer = Answer(
        case_id=case.id, kind="citizen", round=case.round, author_organisation_id=organisation_id,
        text=required(text, "reply", "答复是空的。"), state="served", written_at=answered_at, served_at=answered_at,
        served_way="import",
    )  # fmt: skip
    session.add(answer)
    session.flush()
    for submission in submissions:
        submission.served_at, submission.served_way = answered_at, "import"
        session.add(
            AnswerSubmission(
                answer_id=answer.id, submission_id=submission.id, served_at=answered_at, served_way="import"
            )
        )
    case.outcome, case.closed_at = "done", answered_at
    record(session, SYSTEM, "import_answer", case, answered_at, data={"answer": answer.id})
    return answer


def first_cases(session: Session, digests: Iterable[str]) -> Mapping[str, int]:
    """For each exact digest that is known, the case of the earliest submission that carries it."""
    query = (
        select(Submission.exact_digest, SubmissionCase.case_id)
        .join(SubmissionCase, SubmissionCase.submission_id == Submission.id)
        .join(Case, Case.id == SubmissionCase.case_id)
        .where(Submission.exact_digest.in_(list(digests)), SubmissionCase.until.is_(None))
        .order_by(Submission.received_at.desc(), Submission.id.desc())
    )
    return dict(session.execute(query).tuples().all())
