"""重办: a new round of a case; the closed one stays as it was."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from cases import clocks
from cases.errors import NotNow
from cases.models import Case, Decision
from cases.operations.base import check, lock_case, record
from cases.operations.dispatch import required
from cases.operations.ending import drop_call_backs, end_clocks, standing, start_review
from organisations.people import Actor


def reopen(
    session: Session, actor: Actor, at: datetime, case_id: int, *, reason: str, version: int | None = None
) -> Case:
    """Begin a new round before diversion (重办), with the reason; assignments, answers and ratings of the old stay.

    The citizen gets a new promise. Raises NotNow for a case that was merged into another: reopen that one.
    """
    case = lock_case(session, case_id, version)
    check(session, actor, "reopen", case)
    if case.merged_into_id is not None:
        raise NotNow("这件事项已并入其他事项，请在那件事项上重办。", case_id=case.id)
    text = required(reason, "reason", "请填写重办的理由。")
    end_clocks(session, case, at, "reopened")
    drop_call_backs(session, case)
    case.round += 1
    case.outcome = case.closed_at = case.due_at = None
    decision = Decision(case_id=case.id, kind="reopened", text=text, by_id=actor.account_id, at=at,
                        organisation_id=actor.organisation_ids[0] if actor.organisation_ids else None)  # fmt: skip
    session.add(decision)
    session.flush()
    start_review(session, case, at, "reopened")
    for submission in standing(session, case):
        clocks.start(session, case, subject="submission", subject_id=submission.id, kind="promise", at=at,
                     cause="reopened")  # fmt: skip
    record(session, actor, "reopen", case, at, data={"round": case.round, "decision": decision.id})
    return case
