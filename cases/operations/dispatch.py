"""交办 上报 转送 受理 登记 收回 不予受理 告知 直接答复: who is asked to act, and what needs nobody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from cases import clocks, conduct
from cases.errors import Invalid, NotAutomatic, NotNow
from cases.models import Assignment, Case
from cases.operations.asked import Terms, add_assignment, excluded, require_usable, required
from cases.operations.base import assignments_of, check, lock_assignment, lock_case, record, submissions_of
from cases.operations.deciding import accept, direct_answer, forward, guide, refuse, register, serve
from cases.operations.ending import (
    back_to_review,
    below,
    end_assignment,
    facts,
    recall_with,
)
from cases.workflow import OPEN_ASSIGNMENTS
from core.clock import to_local
from organisations.lines import names_of, subordinates, superiors
from organisations.people import SYSTEM, Actor, is_staffed

__all__ = [
    "accept",
    "after_leaving",
    "assign",
    "assign_down",
    "auto_assign",
    "automatic_refusals",
    "direct_answer",
    "forward",
    "guide",
    "refuse",
    "register",
    "report_up",
    "required",
    "serve",
    "take_back",
]

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
        raise NotNow("可能涉及检举控告的事项，须先由指定的受理人认定后再交办。", case_id=case.id)
    lead = next((a for a in assignments_of(session, case) if _open_lead(a)), None)
    if lead is not None and lead.organisation_id != lead_id:
        raise Invalid({"lead_id": "已有主办单位。要换单位，请先收回，或等它退回后再交办。"})
    given = Terms(actor, at, instruction, handle_days, sign_minutes, automatic)
    fresh = [co for co in dict.fromkeys(co_ids) if co not in _co_organisations(session, case)]
    require_usable(session, case, at, [lead_id, *fresh], lead_id if lead is None else None)
    if lead is None:
        clocks.end_of_case(session, case, at, "assigned", _REVIEWING)
        lead = add_assignment(session, case, given, lead_id, "lead")
    cos = [add_assignment(session, case, given, co, "co") for co in fresh]
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
    """Why a case may not go to an organisation by rule; codes: accusation urgent danger sensitive excluded unstaffed
    conduct.

    Unstaffed: nobody there could sign for it. Conduct: the proposed lead, a superior or a subordinate stands in the
    masked text near words about its conduct.
    """
    reasons = [
        code
        for code, holds in (
            ("accusation", case.accusation != "no"),
            ("urgent", case.urgent),
            ("danger", bool(case.danger)),
            ("sensitive", case.sensitive),
            ("excluded", bool(excluded(session, case, [lead_id]))),
            ("unstaffed", not is_staffed(session, lead_id, at)),
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
    require_usable(session, case, at, [lead_id, *co_ids], lead_id)
    given = Terms(actor, at, instruction, handle_days, sign_minutes)
    child = add_assignment(session, case, given, lead_id, "lead", parent)
    cos = [add_assignment(session, case, given, co, "co", parent) for co in dict.fromkeys(co_ids)]
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
    require_usable(session, case, at, [organisation_id], organisation_id)
    given = Terms(actor, at, instruction, handle_days, None)
    upper = add_assignment(session, case, given, organisation_id, "lead", parent, kind="report_up")
    record(session, actor, "report_up", case, at, assignment=parent, data={"child": upper.id})
    return upper


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


def _open_lead(assignment: Assignment) -> bool:
    return assignment.role == "lead" and assignment.parent_id is None and assignment.state in OPEN_ASSIGNMENTS


def _co_organisations(session: Session, case: Case) -> set[int]:
    return {
        one.organisation_id
        for one in assignments_of(session, case)
        if one.role == "co" and one.parent_id is None and one.state in OPEN_ASSIGNMENTS
    }
