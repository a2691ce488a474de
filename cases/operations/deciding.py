"""登记 受理 转送 不予受理 告知 直接答复: what diversion decides without asking an organisation to act."""

from __future__ import annotations

from datetime import datetime
from typing import NotRequired, TypedDict, Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import clocks
from cases.errors import AlreadyThere, Invalid
from cases.models import Answer, AnswerSubmission, Assignment, Case, Decision
from cases.operations.asked import require_usable, telling
from cases.operations.base import check, lock_case, record
from cases.operations.ending import close_case, require_seen, standing
from organisations.models import Ground
from organisations.people import Actor


class OnGround(TypedDict):
    """The ground that a case ends on, by its code; a text in place of its own; the case's version as seen."""

    ground: str
    text: NotRequired[str]
    version: NotRequired[int | None]


def forward(
    session: Session,
    actor: Actor,
    at: datetime,
    case_id: int,
    organisation_id: int,
    *,
    text: str = "",
    version: int | None = None,
) -> Decision:
    """Pass a case to the body it belongs to, with no result owed to the sender (转送); the case here is closed."""
    case = lock_case(session, case_id, version)
    check(session, actor, "forward", case)
    require_seen(session, case)
    require_usable(session, case, at, [organisation_id], organisation_id)
    close_case(session, case, at, "forwarded")
    own = actor.organisation_ids[0] if actor.organisation_ids else None
    passed = Assignment(
        case_id=case.id, organisation_id=organisation_id, assigner_organisation_id=own, assigner_id=actor.account_id,
        role="lead", kind="forward", round=case.round, state="confirmed", created_at=at, ended_at=at,
    )  # fmt: skip
    session.add(passed)
    decision = decide(session, actor, at, case, "forwarded", organisation_id=organisation_id, text=text)
    record(session, actor, "forward", case, at, assignment=passed, data={"decision": decision.id})
    return decision


def accept(
    session: Session, actor: Actor, at: datetime, case_id: int, *, text: str = "", version: int | None = None
) -> Decision:
    """Accept formally (受理), stamping each submission with when and by which body. Raises AlreadyThere."""
    case = lock_case(session, case_id, version)
    check(session, actor, "accept", case)
    waiting = [one for one in standing(session, case) if one.accepted_at is None]
    if not waiting:
        raise AlreadyThere()
    own = actor.organisation_ids[0] if actor.organisation_ids else None
    for submission in waiting:
        submission.accepted_at, submission.accepted_by_id = at, own
    decision = decide(session, actor, at, case, "accepted", organisation_id=own, text=text)
    record(session, actor, "accept", case, at, data={"decision": decision.id})
    return decision


def register(session: Session, actor: Actor, at: datetime, case_id: int, *, version: int | None = None) -> None:
    """Register (登记) the submissions of a case that are not yet. Raises AlreadyThere."""
    case = lock_case(session, case_id, version)
    check(session, actor, "register", case)
    waiting = [one for one in standing(session, case) if one.registered_at is None]
    if not waiting:
        raise AlreadyThere()
    for submission in waiting:
        submission.registered_at = at
    record(session, actor, "register", case, at, data={"submissions": [one.id for one in waiting]})


def refuse(session: Session, actor: Actor, at: datetime, case_id: int, **given: Unpack[OnGround]) -> Decision:
    """Decline to accept (不予受理) on a ground of the case's track; its article is kept. Raises Invalid without one."""
    return _end_on_ground(session, actor, at, case_id, "refuse", "refused", given)


def guide(session: Session, actor: Actor, at: datetime, case_id: int, **given: Unpack[OnGround]) -> Decision:
    """Point to the way that is open by law (告知, 导入法定途径) on a ground of the case's track. Raises Invalid."""
    return _end_on_ground(session, actor, at, case_id, "guide", "guided", given)


def direct_answer(
    session: Session, actor: Actor, at: datetime, case_id: int, text: str, version: int | None = None, *, way: str = ""
) -> Answer:
    """Answer without asking anybody (直接答复); served at once by `way` (default: the channel it came by)."""
    case = lock_case(session, case_id, version)
    check(session, actor, "direct_answer", case)
    require_seen(session, case)
    answer = serve(session, actor, at, case, text, way=way)
    close_case(session, case, at, "direct")
    record(session, actor, "direct_answer", case, at, data={"answer": answer.id})
    return answer


def serve(session: Session, actor: Actor, at: datetime, case: Case, text: str, *, way: str = "") -> Answer:
    """Write and serve the answer to the citizens of a case (送达), stamping when and how; the promises are kept.

    `way` without a value: the channel that each submission came by. Raises Invalid without a
    text that says something.
    """
    own = actor.organisation_ids[0] if actor.organisation_ids else None
    submissions = standing(session, case)
    answer = Answer(
        case_id=case.id, kind="citizen", round=case.round, author_id=actor.account_id, author_organisation_id=own,
        approver_id=actor.account_id, text=telling(text, "answer", "请填写给群众的答复。"), state="served",
        written_at=at, approved_at=at, served_at=at, served_way=way or (submissions[0].channel if submissions else ""),
    )  # fmt: skip
    session.add(answer)
    session.flush()
    for submission in submissions:
        submission.served_at, submission.served_way = at, way or submission.channel
        session.add(
            AnswerSubmission(
                answer_id=answer.id, submission_id=submission.id, served_at=at, served_way=submission.served_way
            )
        )
        clocks.end(session, "submission", submission.id, "promise", at, "answer_served")
    return answer


def _end_on_ground(
    session: Session,
    actor: Actor,
    at: datetime,
    case_id: int,
    operation: str,
    outcome: str,
    given: OnGround,
) -> Decision:
    case = lock_case(session, case_id, given.get("version"))
    check(session, actor, operation, case)
    require_seen(session, case)
    row = session.scalar(
        select(Ground).where(
            Ground.track == case.track, Ground.operation == operation, Ground.code == given["ground"], Ground.active
        )
    )
    if row is None:
        raise Invalid({"ground": "请从列表中选择依据。"})
    decision = decide(session, actor, at, case, outcome, ground=row, text=given.get("text") or row.text)
    close_case(session, case, at, outcome)
    record(session, actor, operation, case, at, data={"decision": decision.id, "ground": row.code})
    return decision


def decide(
    session: Session,
    actor: Actor,
    at: datetime,
    case: Case,
    kind: str,
    *,
    ground: Ground | None = None,
    organisation_id: int | None = None,
    text: str = "",
) -> Decision:
    """Keep a formal step with its ground and what the citizen reads of it."""
    own = actor.organisation_ids[0] if actor.organisation_ids else None
    decision = Decision(
        case_id=case.id, kind=kind, ground=ground.code if ground else None, article=ground.article if ground else None,
        text=text.strip() or None, by_id=actor.account_id, organisation_id=organisation_id or own, at=at,
    )  # fmt: skip
    session.add(decision)
    session.flush()
    return decision
