"""What every operation begins and ends with: the lock, the permission, the workflow, the event, the derived status."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import history, visibility, workflow
from cases.errors import Conflict, Forbidden, NotFound, NotNow
from cases.models import Assignment, Case, CaseReader, Event, Submission, SubmissionCase
from cases.status import status_of
from organisations.people import Actor

# Whoever works with cases, of those whom `visibility` lets see one.
_CONCERNED = ("case.review", "call.register", "case.handle", "case.approve", "case.supervise")


def lock_case(session: Session, case_id: int, version: int | None = None) -> Case:
    """The case under lock for this write session.

    `version` is the one the person saw: raises Conflict when somebody changed the case since; NotFound when absent.
    """
    query = select(Case).where(Case.id == case_id).with_for_update().execution_options(populate_existing=True)
    case = session.scalar(query)
    if case is None:
        raise NotFound()
    if version is not None and case.version != version:
        raise Conflict(case_id=case_id)
    return case


def lock_assignment(session: Session, assignment_id: int, version: int | None = None) -> tuple[Assignment, Case]:
    """An assignment and its case, the case under lock. Raises NotFound or Conflict."""
    assignment = session.get(Assignment, assignment_id)
    if assignment is None:
        raise NotFound()
    case = lock_case(session, assignment.case_id, version)
    session.refresh(assignment)
    return assignment, case


def check(session: Session, actor: Actor, operation: str, case: Case, assignment: Assignment | None = None) -> None:
    """Raise NotFound when the person may not see the case, Forbidden when not do this, NotNow when not from here."""
    transition = workflow.BY_OPERATION[operation]
    if not actor.is_system and not actor.is_citizen and not visibility.may_see(session, actor, case):
        raise NotFound()
    if not _may(actor, transition.actor, assignment) and not _reads_for(session, actor, transition.actor, case):
        raise Forbidden(operation=operation)
    state = assignment.state if transition.subject == "assignment" and assignment is not None else case.stage
    if not workflow.permitted(operation, state):
        raise NotNow(operation=operation, state=state)


def _may(actor: Actor, who: str, assignment: Assignment | None) -> bool:
    if actor.is_system:
        return True
    if who == "citizen":
        return actor.is_citizen or actor.can("call.register") or actor.can("case.review")
    if who == "diversion":
        return actor.can("case.review")
    if who == "agent":
        return actor.can("call.register")
    if who == "desk":
        return actor.can("case.review") or actor.can("call.register")
    if who == "supervisor":
        return actor.can("case.supervise")
    if who == "concerned":
        return any(actor.can(permission) for permission in _CONCERNED)
    if who == "staff":
        return actor.can("case.read")
    if who == "assigner":
        return _may_assign_back(actor, assignment)
    if who in {"handler", "approver"}:
        permission = "case.handle" if who == "handler" else "case.approve"
        return actor.can(permission) and (assignment is None or assignment.organisation_id in actor.organisation_ids)
    return False


def _reads_for(session: Session, actor: Actor, who: str, case: Case) -> bool:
    """Whether a named reader stands in for diversion: of an accusation nobody else may see anything."""
    if case.accusation not in {"possible", "yes"} or who not in {"diversion", "desk", "assigner"}:
        return False
    named = select(CaseReader.id).where(CaseReader.case_id == case.id, CaseReader.account_id == actor.account_id)
    return actor.account_id is not None and session.scalar(named) is not None


def _may_assign_back(actor: Actor, assignment: Assignment | None) -> bool:
    if not (actor.can("case.review") or actor.can("case.approve")):
        return False
    # With no assigning organisation on record (the closing of a case) diversion decides for the city.
    if assignment is None or assignment.assigner_organisation_id is None:
        return actor.can("case.review")
    return assignment.assigner_organisation_id in actor.organisation_ids


def record(
    session: Session,
    actor: Actor,
    operation: str,
    case: Case,
    at: datetime,
    *,
    assignment: Assignment | None = None,
    submission_id: int | None = None,
    data: dict[str, Any] | None = None,
) -> Event:
    """Move the subject to its next state, derive the status again, append the event."""
    transition = workflow.BY_OPERATION[operation]
    if transition.to is not None:
        if transition.subject == "case":
            case.stage = transition.to
        elif assignment is not None:
            assignment.state = transition.to
    session.flush()
    refresh(session, case)
    organisation_id = (
        assignment.organisation_id if assignment else actor.organisation_ids[0] if actor.organisation_ids else None
    )
    return history.append(
        session, case, transition.event, at, actor_id=actor.account_id, organisation_id=organisation_id,
        submission_id=submission_id, assignment_id=assignment.id if assignment else None, data=data,
    )  # fmt: skip


def refresh(session: Session, case: Case) -> None:
    """Derive status, lead and due time of a case again from its assignments."""
    now = assignments_of(session, case)
    case.status = status_of(case.stage, [a.state for a in now])
    lead = _lead_among(now)
    case.lead_id = lead.organisation_id if lead else None
    if lead is not None:
        case.due_at = lead.due_at


def lead_assignment(session: Session, case: Case) -> Assignment | None:
    """The assignment that leads the present round; None before one was made, or when it was given back."""
    return _lead_among(assignments_of(session, case))


def _lead_among(assignments: Sequence[Assignment]) -> Assignment | None:
    return next((one for one in reversed(assignments) if _leads(one)), None)


def _leads(assignment: Assignment) -> bool:
    """Whether this is the case's lead: asked by the city, not by another assignment, and not given back."""
    return (
        assignment.role == "lead"
        and assignment.parent_id is None
        and assignment.state not in {"returned", "taken_back"}
    )


def assignments_of(session: Session, case: Case) -> list[Assignment]:
    """The assignments of the present round, oldest first."""
    query = select(Assignment).where(Assignment.case_id == case.id, Assignment.round == case.round)
    return list(session.scalars(query.order_by(Assignment.created_at, Assignment.id)))


def submissions_of(session: Session, case: Case) -> list[Submission]:
    """The submissions that the case is about now, founding one first."""
    query = (
        select(Submission)
        .join(SubmissionCase, SubmissionCase.submission_id == Submission.id)
        .where(SubmissionCase.case_id == case.id, SubmissionCase.until.is_(None))
        .order_by(SubmissionCase.since, Submission.id)
    )
    return list(session.scalars(query))


def case_of(session: Session, submission_id: int) -> Case:
    """The case that a submission belongs to now. Raises NotFound."""
    query = (
        select(Case)
        .join(SubmissionCase, SubmissionCase.case_id == Case.id)
        .where(SubmissionCase.submission_id == submission_id, SubmissionCase.until.is_(None))
        .order_by(SubmissionCase.since.desc())
        .limit(1)
    )
    case = session.scalar(query)
    if case is None:
        raise NotFound()
    return case


def offered(actor: Actor, operation: str, assignment: Assignment | None = None) -> bool:
    """Whether a person's permissions and offices allow an operation, whatever the state; for what a page offers."""
    return _may(actor, workflow.BY_OPERATION[operation].actor, assignment)
