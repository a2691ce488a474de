"""督办: a supervisor presses whoever has a case in hand; they see the words, the citizen does not."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from cases.models import Decision
from cases.operations.base import check, lock_case, record
from cases.operations.dispatch import required
from organisations.people import Actor


def press(
    session: Session, actor: Actor, at: datetime, case_id: int, text: str, *, version: int | None = None
) -> Decision:
    """Press for a case (督办催办) in words. Raises Invalid without any, NotFound, Forbidden, NotNow."""
    case = lock_case(session, case_id, version)
    check(session, actor, "press", case)
    decision = Decision(
        case_id=case.id, kind="pressed", text=required(text, "text", "请写下催办的要求。"), at=at,
        by_id=actor.account_id, organisation_id=actor.organisation_ids[0] if actor.organisation_ids else None,
    )  # fmt: skip
    session.add(decision)
    session.flush()
    record(session, actor, "press", case, at, data={"decision": decision.id})
    return decision
