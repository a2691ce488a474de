"""交办 上报 转送 受理 登记 收回 不予受理 告知 直接答复: who is asked to act, and what needs nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import clocks, conduct
from cases.errors import AlreadyThere, Invalid, NotAutomatic, NotNow
from cases.models import Answer, AnswerSubmission, Assignment, Case, CaseExclusion, Decision
from cases.operations.base import assignments_of, check, lock_assignment, lock_case, record, submissions_of
from cases.operations.ending import (
    back_to_review,
    below,
    close_case,
    end_assignment,
    facts,
    recall_with,
    standing,
)
from cases.workflow import OPEN_ASSIGNMENTS
from core.clock import to_local
from organisations.lines import names_of, subordinates, superiors
from organisations.models import Ground, Organisation
from organisations.people import SYSTEM, Actor

_REVIEWING = ("review", "decide")


def assign(
    session: Session,
    actor: Actor,
    at: datetime,
    case_id: int,
    lead_id: int,
    *,
    co_ids: Sequence[int] = (),
    instruction: str = "",
    handle_days: int | None = None,
    sign_minutes: int | None = None,
    version: int | None = None,
    automatic: bool = False,
    parent_id: int | None = None,
) -> Assignment:
    """Ask one organisation to lead, and others to help (交办); gives the lead's assignment.

    `handle_days` is in the unit of the handling clock (working days on the hotline, calendar days for petitions),
    `sign_minutes` in that of the signing clock; without them the policies decide. With `parent_id` an organisation
    hands its own assignment down (see `assign_down`). To a case in hand the same lead with new `co_ids` adds those.
    Raises Invalid for an organisation that can't be asked, NotNow while a possible accusation awaits its reader.
    """
    if parent_id is not None:
        return assign_down(
            session, actor, at, parent_id, lead_id, co_ids=co_ids, instruction=instruction, handle_days=handle_days,
            sign_minutes=sign_minutes, version=version,
        )  # fmt: skip
    case = lock_case(session, case_id, version)
    operation = "auto_assign" if automatic else "assign"
    check(session, actor, operation, case)
    if case.accusation not in {"no", "yes"}:
        raise NotNow("可能涉及检举控告的事项，须先由指定的阅件人认定后再交办。", case_id=case.id)
    lead = next((a for a in assignments_of(session, case) if _open_lead(a)), None)
    if lead is not None and lead.organisation_id != lead_id:
        raise Invalid({"lead_id": "已有主办单位。要换单位，请先收回，或等它退回后再交办。"})
    given = Terms(actor, at, instruction, handle_days, sign_minutes, automatic)
    fresh = [co for co in dict.fromkeys(co_ids) if co not in _co_organisations(session, case)]
    _require_usable(session, case, at, [lead_id, *fresh], lead_id if lead is None else None)
    if lead is None:
        clocks.end_of_case(session, case, at, "assigned", _REVIEWING)
        lead = _add(session, case, given, lead_id, "lead")
    cos = [_add(session, case, given, co, "co") for co in fresh]
    data = facts(lead=lead.id, co=[co.id for co in cos], automatic=automatic)
    record(session, actor, operation, case, at, assignment=lead, data=data)
    return lead


def auto_assign(
    session: Session,
    at: datetime,
    case_id: int,
    lead_id: int,
    co_ids: Sequence[int] = (),
    handle_days: int | None = None,
    sign_minutes: int | None = None,
) -> Assignment:
    """Send a case on by rule. Raises NotAutomatic, with the reasons, where a person has to look first."""
    case = lock_case(session, case_id)
    reasons = automatic_refusals(session, case, lead_id, at)
    if reasons:
        raise NotAutomatic(reasons)
    return assign(
        session, SYSTEM, at, case_id, lead_id, co_ids=co_ids, handle_days=handle_days, sign_minutes=sign_minutes,
        automatic=True,
    )  # fmt: skip


def automatic_refusals(session: Session, case: Case, lead_id: int, at: datetime) -> list[str]:
    """Why a case may not go to an organisation by rule; codes: accusation urgent danger sensitive excluded conduct.

    Conduct: the proposed lead, a superior or a subordinate stands in the masked text near words about its conduct.
    """
    reasons = [
        code
        for code, holds in (
            ("accusation", case.accusation != "no"),
            ("urgent", case.urgent),
            ("danger", bool(case.danger)),
            ("sensitive", case.sensitive),
            ("excluded", bool(_excluded(session, case, [lead_id]))),
        )
        if holds
    ]
    day = to_local(at).date()
    concerned = {lead_id} | superiors(session, lead_id, day) | subordinates(session, lead_id, day)
    names = names_of(session, concerned)
    texts = (f"{one.title_masked}\n{one.body_masked}" for one in submissions_of(session, case))
    if any(conduct.complained_of(text, names) for text in texts):
        reasons.append("conduct")
    return reasons


def assign_down(
    session: Session,
    actor: Actor,
    at: datetime,
    assignment_id: int,
    lead_id: int,
    *,
    co_ids: Sequence[int] = (),
    instruction: str = "",
    handle_days: int | None = None,
    sign_minutes: int | None = None,
    version: int | None = None,
) -> Assignment:
    """Hand an assignment on to a subordinate organisation; the result comes back level by level.

    Raises Invalid when the organisation is no subordinate, NotNow while another one below has it.
    """
    parent, case = lock_assignment(session, assignment_id, version)
    check(session, actor, "assign_down", case, parent)
    if any(one.role == "lead" and one.parent_id == parent.id for one in below(session, parent)):
        raise NotNow("已经向下交办，请先收回，或等下级反馈或退回。", assignment_id=parent.id)
    under = subordinates(session, parent.organisation_id, to_local(at).date())
    if lead_id not in under:
        raise Invalid({"lead_id": "只能向下交办给本单位的下级单位。"})
    _require_usable(session, case, at, [lead_id, *co_ids], lead_id)
    given = Terms(actor, at, instruction, handle_days, sign_minutes)
    child = _add(session, case, given, lead_id, "lead", parent)
    cos = [_add(session, case, given, co, "co", parent) for co in dict.fromkeys(co_ids)]
    record(session, actor, "assign_down", case, at, assignment=parent,
           data=facts(child=child.id, co=[co.id for co in cos]))  # fmt: skip
    return child


def report_up(
    session: Session,
    actor: Actor,
    at: datetime,
    assignment_id: int,
    organisation_id: int,
    *,
    instruction: str = "",
    handle_days: int | None = None,
    version: int | None = None,
) -> Assignment:
    """Put a matter that is beyond an organisation before one above it (上报); the reporter confirms what comes back.

    Raises Invalid when the organisation does not stand above.
    """
    parent, case = lock_assignment(session, assignment_id, version)
    check(session, actor, "report_up", case, parent)
    if any(one.role == "lead" and one.parent_id == parent.id for one in below(session, parent)):
        raise NotNow("已经交给其他单位，请先收回，或等其反馈或退回。", assignment_id=parent.id)
    if organisation_id not in superiors(session, parent.organisation_id, to_local(at).date()):
        raise Invalid({"organisation_id": "只能上报给本单位的上级单位。"})
    _require_usable(session, case, at, [organisation_id], organisation_id)
    given = Terms(actor, at, instruction, handle_days, None)
    upper = _add(session, case, given, organisation_id, "lead", parent, kind="report_up")
    record(session, actor, "report_up", case, at, assignment=parent, data={"child": upper.id})
    return upper


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
    _require_usable(session, case, at, [organisation_id], organisation_id)
    close_case(session, case, at, "forwarded")
    own = actor.organisation_ids[0] if actor.organisation_ids else None
    passed = Assignment(
        case_id=case.id, organisation_id=organisation_id, assigner_organisation_id=own, assigner_id=actor.account_id,
        role="lead", kind="forward", round=case.round, state="confirmed", created_at=at, ended_at=at,
    )  # fmt: skip
    session.add(passed)
    decision = _decide(session, actor, at, case, "forwarded", organisation_id=organisation_id, text=text)
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
    decision = _decide(session, actor, at, case, "accepted", organisation_id=own, text=text)
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


def refuse(
    session: Session,
    actor: Actor,
    at: datetime,
    case_id: int,
    *,
    ground: str,
    text: str = "",
    version: int | None = None,
) -> Decision:
    """Decline to accept (不予受理) on a ground of the case's track; its article is kept. Raises Invalid without one."""
    return _end_on_ground(session, actor, at, case_id, "refuse", "refused", ground, text, version)


def guide(
    session: Session,
    actor: Actor,
    at: datetime,
    case_id: int,
    *,
    ground: str,
    text: str = "",
    version: int | None = None,
) -> Decision:
    """Point to the way that is open by law (告知, 导入法定途径) on a ground of the case's track. Raises Invalid."""
    return _end_on_ground(session, actor, at, case_id, "guide", "guided", ground, text, version)


def direct_answer(
    session: Session, actor: Actor, at: datetime, case_id: int, text: str, version: int | None = None, *, way: str = ""
) -> Answer:
    """Answer without asking anybody (直接答复); served at once by `way` (default: the channel it came by)."""
    case = lock_case(session, case_id, version)
    check(session, actor, "direct_answer", case)
    answer = serve(session, actor, at, case, text, way=way)
    close_case(session, case, at, "direct")
    record(session, actor, "direct_answer", case, at, data={"answer": answer.id})
    return answer


def take_back(
    session: Session, actor: Actor, at: datetime, assignment_id: int, *, reason: str, version: int | None = None
) -> None:
    """Take an assignment back before it is signed (收回); without its lead a case waits for diversion again."""
    assignment, case = lock_assignment(session, assignment_id, version)
    check(session, actor, "take_back", case, assignment)
    assignment.returned_reason = required(reason, "reason", "请填写收回的理由。")
    end_assignment(session, assignment, at, "taken_back")
    record(session, actor, "take_back", case, at, assignment=assignment)
    after_leaving(session, case, assignment, at)


def after_leaving(session: Session, case: Case, assignment: Assignment, at: datetime) -> None:
    """What follows when an organisation gave an assignment back, or lost it."""
    recall_with(session, case, assignment, at)
    if assignment.role == "lead" and assignment.parent_id is None:
        back_to_review(session, case, at)


def serve(session: Session, actor: Actor, at: datetime, case: Case, text: str, *, way: str = "") -> Answer:
    """Write and serve the answer to the citizens of a case (送达), stamping when and how; the promises are kept.

    `way` without a value: the channel that each submission came by. Raises Invalid without a text.
    """
    own = actor.organisation_ids[0] if actor.organisation_ids else None
    submissions = standing(session, case)
    answer = Answer(
        case_id=case.id, kind="citizen", round=case.round, author_id=actor.account_id, author_organisation_id=own,
        approver_id=actor.account_id, text=required(text, "answer", "请填写给群众的答复。"), state="served",
        written_at=at, approved_at=at, served_at=at, served_way=way or (submissions[0].channel if submissions else ""),
    )  # fmt: skip
    session.add(answer)
    session.flush()
    for submission in submissions:
        submission.served_at, submission.served_way = at, way or submission.channel
        session.add(AnswerSubmission(answer_id=answer.id, submission_id=submission.id))
        clocks.end(session, "submission", submission.id, "promise", at, "answer_served")
    return answer


def required(text: str, field: str, sentence: str) -> str:
    """The text without spaces around it. Raises Invalid, with the sentence, when nothing is left."""
    if not text.strip():
        raise Invalid({field: sentence})
    return text.strip()


class Terms:
    """On what terms organisations are asked: by whom, when, with which instruction and limits."""

    def __init__(
        self, actor: Actor, at: datetime, instruction: str, handle: int | None, sign: int | None, auto: bool = False
    ) -> None:
        if (handle is not None and handle < 1) or (sign is not None and sign < 1):
            raise Invalid({"handle_days": "时限至少为 1。"})
        self.actor, self.at, self.instruction = actor, at, instruction.strip()
        self.handle, self.sign, self.automatic = handle, sign, auto


def _add(
    session: Session,
    case: Case,
    terms: Terms,
    organisation_id: int,
    role: str,
    parent: Assignment | None = None,
    *,
    kind: str = "assign",
) -> Assignment:
    """One assignment with its signing, handling and return clocks."""
    own = terms.actor.organisation_ids[0] if terms.actor.organisation_ids else None
    assignment = Assignment(
        case_id=case.id, parent_id=parent.id if parent else None, organisation_id=organisation_id,
        assigner_organisation_id=parent.organisation_id if parent else own, assigner_id=terms.actor.account_id,
        role=role, kind=kind, automatic=terms.automatic, round=case.round, state="to_sign",
        instruction=terms.instruction or None, created_at=terms.at,
    )  # fmt: skip
    session.add(assignment)
    session.flush()
    for name, amount in (("sign", terms.sign), ("handle", terms.handle), ("return", None)):
        clocks.start(
            session, case, subject="assignment", subject_id=assignment.id, kind=name,
            at=_start_of(session, case, name, terms.at), cause="assigned", organisation_id=organisation_id,
            amount=amount,
        )  # fmt: skip
    return assignment


def _start_of(session: Session, case: Case, kind: str, at: datetime) -> datetime:
    """A petition is handled within 60 days of its acceptance (信访工作条例第三十四条), whoever handles it then."""
    if kind != "handle" or case.track != "petition" or case.round > 1:
        return at
    return min((one.accepted_at for one in submissions_of(session, case) if one.accepted_at), default=at)


def _open_lead(assignment: Assignment) -> bool:
    return assignment.role == "lead" and assignment.parent_id is None and assignment.state in OPEN_ASSIGNMENTS


def _co_organisations(session: Session, case: Case) -> set[int]:
    return {
        one.organisation_id
        for one in assignments_of(session, case)
        if one.role == "co" and one.parent_id is None and one.state in OPEN_ASSIGNMENTS
    }


def _require_usable(session: Session, case: Case, at: datetime, ids: Sequence[int], lead_id: int | None) -> None:
    """Raise Invalid for an organisation that is unknown, closed, excluded from the case, or asked twice."""
    if len(set(ids)) != len(ids):
        raise Invalid({"co_ids": "协办单位不能与主办单位相同，也不能重复。"})
    day = to_local(at).date()
    for organisation in session.scalars(select(Organisation).where(Organisation.id.in_(ids))):
        if not organisation.active or (organisation.ended is not None and organisation.ended <= day):
            raise Invalid({_field(organisation.id, lead_id): f"{organisation.name}已停用，请选择其他单位。"})
    known = set(session.scalars(select(Organisation.id).where(Organisation.id.in_(ids))))
    for missing in set(ids) - known:
        raise Invalid({_field(missing, lead_id): "没有这个单位，请重新选择。"})
    for excluded in _excluded(session, case, ids):
        raise Invalid({_field(excluded, lead_id): "这个单位须回避，不能办理这件事项，请选择其他单位。"})


def _field(organisation_id: int, lead_id: int | None) -> str:
    return "lead_id" if organisation_id == lead_id else "co_ids"


def _excluded(session: Session, case: Case, ids: Sequence[int]) -> list[int]:
    query = select(CaseExclusion.organisation_id).where(CaseExclusion.case_id == case.id)
    return [one for one in session.scalars(query.where(CaseExclusion.organisation_id.in_(ids))) if one is not None]


def _end_on_ground(
    session: Session,
    actor: Actor,
    at: datetime,
    case_id: int,
    operation: str,
    outcome: str,
    ground: str,
    text: str,
    version: int | None,
) -> Decision:
    case = lock_case(session, case_id, version)
    check(session, actor, operation, case)
    row = session.scalar(
        select(Ground).where(
            Ground.track == case.track, Ground.operation == operation, Ground.code == ground, Ground.active
        )
    )
    if row is None:
        raise Invalid({"ground": "请从列表中选择依据。"})
    decision = _decide(session, actor, at, case, outcome, ground=row, text=text or row.text)
    close_case(session, case, at, outcome)
    record(session, actor, operation, case, at, data={"decision": decision.id, "ground": row.code})
    return decision


def _decide(
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
    own = actor.organisation_ids[0] if actor.organisation_ids else None
    decision = Decision(
        case_id=case.id, kind=kind, ground=ground.code if ground else None, article=ground.article if ground else None,
        text=text.strip() or None, by_id=actor.account_id, organisation_id=organisation_id or own, at=at,
    )  # fmt: skip
    session.add(decision)
    session.flush()
    return decision
