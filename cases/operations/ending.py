"""What ends with something else: co-handlers with their lead, a chain below with its head, everything with the case."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cases import clocks
from cases.errors import DangerUnseen
from cases.models import Assignment, AssignmentRequest, CallBack, Case, CaseClock, Submission
from cases.operations import alerts, classification
from cases.operations.base import assignments_of, check, record, submissions_of
from cases.workflow import OPEN_ASSIGNMENTS
from organisations.people import SYSTEM


def close_case(session: Session, case: Case, at: datetime, outcome: str) -> None:
    """End the open assignments, clocks and call-backs of a case that ends with this outcome, and stamp it; what it was
    classified as in the end is kept with the rest of that history.

    The caller records the operation that moves it to "closed" afterwards.
    """
    for assignment in assignments_of(session, case):
        recall(session, case, assignment, at)
    end_clocks(session, case, at, outcome)
    drop_call_backs(session, case)
    classification.record_closing(session, case, at)
    case.outcome, case.closed_at = outcome, at


def require_seen(session: Session, case: Case) -> None:
    """Raise DangerUnseen for an officer who would close a case whose danger to life nobody acknowledged.

    What a citizen says and what time does still closes it; the alert then stands, and its clock runs, until somebody
    says that it was seen.
    """
    if alerts.unseen(session, case):
        raise DangerUnseen(case_id=case.id)


def end_clocks(session: Session, case: Case, at: datetime, cause: str) -> None:
    """End the clocks of a round. Danger to life runs on until somebody says that it was seen."""
    running = select(CaseClock.kind).where(CaseClock.case_id == case.id, CaseClock.ended_at.is_(None)).distinct()
    clocks.end_of_case(session, case, at, cause, set(session.scalars(running)) - {"danger"})


def recall(session: Session, case: Case, assignment: Assignment, at: datetime) -> None:
    """Take back an open assignment because what it belonged to ended; one that ended already stays as it is."""
    if assignment.state not in OPEN_ASSIGNMENTS:
        return
    check(session, SYSTEM, "recall", case, assignment)
    end_assignment(session, assignment, at, "recalled")
    record(session, SYSTEM, "recall", case, at, assignment=assignment)


def end_assignment(session: Session, assignment: Assignment, at: datetime, cause: str) -> None:
    """Stamp the end of an assignment, end its clocks, void what it still asked for."""
    assignment.ended_at = at
    clocks.end_of_assignment(session, assignment, at, cause)
    void_requests(session, assignment)


def void_requests(session: Session, assignment: Assignment) -> None:
    """Requests that nobody has to decide any more."""
    statement = update(AssignmentRequest).where(AssignmentRequest.assignment_id == assignment.id)
    session.execute(statement.where(AssignmentRequest.state == "asked").values(state="void"))


def below(session: Session, assignment: Assignment) -> list[Assignment]:
    """The open assignments that hang under one, direct ones first."""
    found: list[Assignment] = []
    edge = [assignment.id]
    while edge:
        query = select(Assignment).where(
            Assignment.case_id == assignment.case_id, Assignment.parent_id.in_(edge),
            Assignment.state.in_(OPEN_ASSIGNMENTS),
        ).order_by(Assignment.created_at, Assignment.id)  # fmt: skip
        level = list(session.scalars(query))
        found += level
        edge = [one.id for one in level]
    return found


def co_handlers(session: Session, lead: Assignment) -> list[Assignment]:
    """The co-handlers beside a lead in its round that were not given back or taken back."""
    query = select(Assignment).where(
        Assignment.case_id == lead.case_id, Assignment.round == lead.round, Assignment.role == "co",
        Assignment.parent_id.is_(None) if lead.parent_id is None else Assignment.parent_id == lead.parent_id,
        Assignment.state.not_in(("returned", "taken_back")),
    ).order_by(Assignment.created_at, Assignment.id)  # fmt: skip
    return list(session.scalars(query))


def recall_with(session: Session, case: Case, assignment: Assignment, at: datetime) -> None:
    """Take back what can't go on without an assignment: the chain below, and with a lead its co-handlers."""
    for one in below(session, assignment):
        recall(session, case, one, at)
    if assignment.role == "lead":
        for co in co_handlers(session, assignment):
            recall(session, case, co, at)
            for one in below(session, co):
                recall(session, case, one, at)


def back_to_review(session: Session, case: Case, at: datetime) -> None:
    """Put a case before diversion again because its lead ended without a result; the promise runs on."""
    check(session, SYSTEM, "back_to_review", case)
    start_review(session, case, at, "back_to_review")
    record(session, SYSTEM, "back_to_review", case, at)


def start_review(session: Session, case: Case, at: datetime, cause: str) -> None:
    """Run the clocks of diversion: the petition track's statutory one goes on as if it had never stopped."""
    kind = "decide" if case.track == "petition" else "review"
    if kind == "decide" and cause != "reopened" and clocks.go_on(session, "case", case.id, kind) is not None:
        return
    clocks.start(session, case, subject="case", subject_id=case.id, kind=kind, at=at, cause=cause)


def standing(session: Session, case: Case) -> list[Submission]:
    """The submissions of a case that were not withdrawn: whose citizens are owed an answer."""
    return [one for one in submissions_of(session, case) if one.withdrawn_at is None]


def drop_call_backs(session: Session, case: Case) -> None:
    """Close the open call-backs that silence caused: nobody needs to be asked about this round any more."""
    ids = [submission.id for submission in submissions_of(session, case)]
    statement = update(CallBack).where(CallBack.submission_id.in_(ids), CallBack.reason == "silence")
    session.execute(statement.where(CallBack.state == "open").values(state="dropped"))


def facts(**values: Any) -> dict[str, Any]:
    """Data for an event: what is set, nothing else."""
    return {key: value for key, value in values.items() if value not in (None, "", (), [])}
