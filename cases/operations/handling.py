"""签收 认领 退回 办理 首次联系 反馈: what the organisation that was asked does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from cases import clocks
from cases.errors import AlreadyThere, Invalid, NotNow
from cases.models import Answer, Assignment, Case, HandlingNote
from cases.operations.asked import telling
from cases.operations.base import check, lock_assignment, record
from cases.operations.dispatch import after_leaving, required
from cases.operations.ending import below, co_handlers, end_assignment, facts, void_requests
from organisations.models import Organisation
from organisations.people import SYSTEM, Actor


def sign(session: Session, actor: Actor, at: datetime, assignment_id: int, version: int | None = None) -> Assignment:
    """Sign for an assignment (签收); its signing clock ends."""
    assignment, case = lock_assignment(session, assignment_id, version)
    check(session, actor, "sign", case, assignment)
    assignment.signed_at = at
    clocks.end(session, "assignment", assignment.id, "sign", at, "signed")
    record(session, actor, "sign", case, at, assignment=assignment)
    return assignment


def claim(
    session: Session, actor: Actor, at: datetime, assignment_id: int, version: int | None = None, *, post: str = ""
) -> Assignment:
    """Take an assignment on oneself within the organisation (认领), also from a colleague. Raises AlreadyThere."""
    assignment, case = lock_assignment(session, assignment_id, version)
    check(session, actor, "claim", case, assignment)
    if assignment.claimed_by_id is not None and assignment.claimed_by_id == actor.account_id:
        raise AlreadyThere()
    data = facts(before=assignment.claimed_by_id)
    assignment.claimed_by_id, assignment.post = actor.account_id, post or assignment.post
    record(session, actor, "claim", case, at, assignment=assignment, data=data)
    return assignment


def return_(
    session: Session,
    actor: Actor,
    at: datetime,
    assignment_id: int,
    *,
    reason: str,
    suggested_id: int | None = None,
    version: int | None = None,
) -> None:
    """Give an assignment back within its window, with the reason and who should have it (退回).

    Raises NotNow after the window: then `requests.ask_return` asks for consent.
    """
    assignment, case = lock_assignment(session, assignment_id, version)
    check(session, actor, "return", case, assignment)
    if assignment.return_until is not None and at > assignment.return_until:
        raise NotNow("已过退回期限，请改为申请退回，由交办单位同意。", assignment_id=assignment.id)
    give_back(session, case, assignment, at, reason, suggested_id)
    record(session, actor, "return", case, at, assignment=assignment, data=facts(suggested=suggested_id))
    after_leaving(session, case, assignment, at)


def give_back(
    session: Session, case: Case, assignment: Assignment, at: datetime, reason: str, suggested_id: int | None
) -> None:
    """Note why and to whom an assignment should go instead, and end it. Raises Invalid."""
    assignment.returned_reason = required(reason, "reason", "请填写退回的理由。")
    if suggested_id is not None and session.get(Organisation, suggested_id) is None:
        raise Invalid({"suggested_id": "没有这个单位，请重新选择。"})
    assignment.suggested_id = suggested_id
    end_assignment(session, assignment, at, "returned")


def note(
    session: Session, actor: Actor, at: datetime, assignment_id: int, text: str, version: int | None = None
) -> HandlingNote:
    """Note what was done (办理记录), for the organisations in the case."""
    assignment, case = lock_assignment(session, assignment_id, version)
    check(session, actor, "note", case, assignment)
    row = add_note(session, actor, at, assignment, "note", required(text, "text", "请填写办理情况。"))
    record(session, actor, "note", case, at, assignment=assignment, data={"note": row.id})
    return row


def first_contact(
    session: Session,
    actor: Actor,
    at: datetime,
    assignment_id: int,
    text: str = "",
    version: int | None = None,
) -> Assignment:
    """Record that the citizen was first contacted (首次联系). Raises AlreadyThere the second time."""
    assignment, case = lock_assignment(session, assignment_id, version)
    check(session, actor, "first_contact", case, assignment)
    if assignment.first_contact_at is not None:
        raise AlreadyThere()
    assignment.first_contact_at = at
    row = add_note(session, actor, at, assignment, "contact", text.strip()) if text.strip() else None
    record(session, actor, "first_contact", case, at, assignment=assignment, data=facts(note=row.id if row else None))
    return assignment


def feed_back(
    session: Session,
    actor: Actor,
    at: datetime,
    assignment_id: int,
    *,
    report: str,
    answer: str = "",
    co_opinions: Mapping[int, str] | None = None,
    version: int | None = None,
) -> Answer:
    """Report the result to whoever assigned (反馈); `answer` drafts what the citizen may be told. Gives the report.

    A lead states, by assignment id in `co_opinions`, the opinion of each co-handler that did not feed back itself, or
    why there is none. The handling clock stops. Raises Invalid, also for words too few
    to tell anything, and NotNow while a level below has not finished.
    """
    assignment, case = lock_assignment(session, assignment_id, version)
    check(session, actor, "feed_back", case, assignment)
    if any(one.role == "lead" for one in below(session, assignment)):
        raise NotNow("下级单位还没有反馈或其结果还没有认定，请逐级反馈。", assignment_id=assignment.id)
    if assignment.role == "lead":
        _state_opinions(session, assignment, co_opinions or {})
    written = _write(session, actor, at, case, assignment, "report", telling(report, "report", "请填写办理情况。"))
    if answer.strip():
        _write(session, actor, at, case, assignment, "citizen", telling(answer, "answer", ""))
    assignment.fed_back_at = at
    clocks.end(session, "assignment", assignment.id, "handle", at, "fed_back")
    void_requests(session, assignment)
    record(session, actor, "feed_back", case, at, assignment=assignment, data={"answer": written.id})
    if assignment.role == "lead" and assignment.parent_id is None:
        check(session, SYSTEM, "lead_fed_back", case)
        record(session, SYSTEM, "lead_fed_back", case, at)
    return written


def add_note(
    session: Session, actor: Actor, at: datetime, assignment: Assignment, kind: str, text: str
) -> HandlingNote:
    """Write a note beside an assignment."""
    row = HandlingNote(
        case_id=assignment.case_id, assignment_id=assignment.id, kind=kind, text=text, by_id=actor.account_id, at=at
    )
    session.add(row)
    session.flush()
    return row


def _state_opinions(session: Session, lead: Assignment, opinions: Mapping[int, str]) -> None:
    for co in co_handlers(session, lead):
        said = opinions.get(co.id, "").strip()
        if co.state not in {"fed_back", "confirmed"} and not said:
            raise Invalid({"co_opinions": "请写明每个协办单位的意见；没有意见的，写明原因。"}, assignment_id=co.id)
        if said:
            co.opinion = said


def _write(
    session: Session, actor: Actor, at: datetime, case: Case, assignment: Assignment, kind: str, text: str
) -> Answer:
    row = Answer(
        case_id=case.id, assignment_id=assignment.id, kind=kind, round=case.round, author_id=actor.account_id,
        author_organisation_id=assignment.organisation_id, text=text, state="written", written_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row
