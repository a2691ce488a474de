"""One organisation asked by another: whether it may be, on what terms, and the row with its clocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import clocks
from cases.errors import Invalid
from cases.models import Assignment, Case, CaseExclusion
from cases.operations.base import submissions_of
from core.clock import to_local
from organisations.models import Organisation
from organisations.people import Actor


class Terms:
    """On what terms organisations are asked: by whom, when, with which instruction and limits."""

    def __init__(
        self, actor: Actor, at: datetime, instruction: str, handle: int | None, sign: int | None, auto: bool = False
    ) -> None:
        if (handle is not None and handle < 1) or (sign is not None and sign < 1):
            raise Invalid({"handle_days": "时限至少为 1。"})
        self.actor, self.at, self.instruction = actor, at, instruction.strip()
        self.handle, self.sign, self.automatic = handle, sign, auto


def add_assignment(
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


def require_usable(session: Session, case: Case, at: datetime, ids: Sequence[int], lead_id: int | None) -> None:
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
    for barred in excluded(session, case, ids):
        raise Invalid({_field(barred, lead_id): "这个单位须回避，不能办理这件事项，请选择其他单位。"})


def _field(organisation_id: int, lead_id: int | None) -> str:
    return "lead_id" if organisation_id == lead_id else "co_ids"


def excluded(session: Session, case: Case, ids: Sequence[int]) -> list[int]:
    """Those of some organisations that must not handle a case: the accused, or one with an interest (回避)."""
    query = select(CaseExclusion.organisation_id).where(CaseExclusion.case_id == case.id, CaseExclusion.until.is_(None))
    return [one for one in session.scalars(query.where(CaseExclusion.organisation_id.in_(ids))) if one is not None]


LEAST_WORDS = 10
"""How many characters that are no mark and no blank tell the least of what was done, or answer somebody."""


def telling(text: str, field: str, sentence: str) -> str:
    """What a report or an answer says, without spaces around it. Raises Invalid when empty or of too few words."""
    text = required(text, field, sentence)
    said = sum(one.isalnum() for one in text)
    if said < LEAST_WORDS:
        raise Invalid(
            {field: f"写得太短（{said} 个字）。请写清办了什么、结果怎样，至少 {LEAST_WORDS} 个字，标点和空格不算。"}
        )
    return text


def required(text: str, field: str, sentence: str) -> str:
    """The text without spaces around it. Raises Invalid, with the sentence, when nothing is left."""
    if not text.strip():
        raise Invalid({field: sentence})
    return text.strip()
