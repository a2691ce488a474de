"""逾期未补充: a citizen was asked for more and did not answer; an officer is told and may end the case."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from cases import clocks
from cases.errors import NotNow
from cases.models import Case, Decision
from cases.operations.asked import required
from cases.operations.base import check, lock_case, record
from cases.operations.deciding import decide
from cases.operations.ending import close_case, require_seen, standing
from cases.operations.messages import open_question
from organisations.people import SYSTEM, Actor

SILENCE = "silence"  # why the clock of a citizen's answer ended: its time was over


def note_silence(session: Session, at: datetime, case_id: int) -> None:
    """Note that the time to answer us is over, for the officer who asked; the sweep calls this."""
    case = lock_case(session, case_id)
    check(session, SYSTEM, "note_silence", case)
    clocks.end(session, "case", case.id, "ask_citizen", at, SILENCE)
    record(session, SYSTEM, "note_silence", case, at)


def is_unanswered(session: Session, case: Case) -> bool:
    """Whether the time to answer our question is over and none of the citizens has answered it until now."""
    clock = clocks.latest(session, "case", case.id, "ask_citizen")
    if clock is None or clock.end_cause != SILENCE:
        return False
    return all(open_question(session, submission.id) is not None for submission in standing(session, case))


def lapse_unanswered(
    session: Session, actor: Actor, at: datetime, case_id: int, *, text: str, version: int | None = None
) -> Decision:
    """End a case without a result because what we asked for never came (逾期未补充); the citizen reads `text`.

    Raises NotNow before the time is over and once somebody has answered, Invalid without a text.
    """
    case = lock_case(session, case_id, version)
    check(session, actor, "lapse_unanswered", case)
    require_seen(session, case)
    if not is_unanswered(session, case):
        raise NotNow("还没有请群众补充、期限未到，或群众已经补充，不能终结。", case_id=case.id)
    said = required(text, "text", "请写明请群众补充了什么、为什么终结。")
    decision = decide(session, actor, at, case, "lapsed", text=said)
    close_case(session, case, at, "lapsed")
    record(session, actor, "lapse_unanswered", case, at, data={"decision": decision.id})
    return decision
