"""Category, nature, urgency and suspicion of a case: suggested by a model, corrected by people, each time a row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import history
from cases.errors import Invalid
from cases.models import Case, Classification
from cases.operations import accusations, alerts, base
from classifier import taxonomy
from organisations.people import Actor

NATURES = ("咨询", "求助", "投诉", "举报", "建议", "表扬")


@dataclass(frozen=True)
class Suggestion:
    """What the classifier and the diversion rules say. `danger`: a code of alerts.DANGERS, or empty.

    `confidence` from 0 to 1; `reasons`: codes why it was not dispatched by itself; `evidence`: (field, start, end,
    weight) in the masked text; `alternatives`: (level1, level2, confidence), best three.
    """

    level1: str = ""
    level2: str = ""
    level3: str = ""
    nature: str = ""
    urgent: bool = False
    danger: str = ""
    sensitive: bool = False
    accusation: bool = False
    confidence: float | None = None
    organisation_id: int | None = None
    automatic: bool = False
    reasons: tuple[str, ...] = ()
    evidence: tuple[tuple[str, int, int, float], ...] = ()
    alternatives: tuple[tuple[str, str, float], ...] = ()
    model_version: str | None = None
    catalogue_version_id: int | None = None


def record(
    session: Session, at: datetime, case_id: int, suggestion: Suggestion, kind: str = "suggested"
) -> Classification:
    """Keep what a model or the diversion said (`kind` suggested or diverted), and let the case follow it.

    A person's correction is never overridden. Suspicion only rises here: a possible accusation stays one until a named
    reader decides, and what a reader decided stays. Raises NotFound.
    """
    case = base.lock_case(session, case_id)
    row = _row(case, at, suggestion, kind)
    corrected = _corrected(session, case)
    session.add(row)
    session.flush()
    if not corrected:
        case.level1, case.level2, case.level3 = row.level1, row.level2, row.level3
        case.nature = row.nature
    case.sensitive = case.sensitive or suggestion.sensitive
    case.urgent = case.urgent or suggestion.urgent
    case.priority = priority_of(case)
    data = {"classification": row.id, "level1": row.level1, "kind": kind, "automatic": row.automatic}
    history.append(session, case, "classified", at, data=data)
    accusations.suspect(session, at, case, suggestion.accusation)
    if suggestion.danger:
        alerts.raise_(session, at, case, suggestion.danger)
    return row


def correct(
    session: Session,
    actor: Actor,
    at: datetime,
    case_id: int,
    *,
    level1: str,
    level2: str = "",
    level3: str = "",
    nature: str = "",
    urgent: bool = False,
    version: int | None = None,
) -> Classification:
    """An officer puts category, nature or urgency right; earlier rows stay. An empty `nature` keeps the present one.

    Raises Invalid, NotFound, Forbidden, NotNow, Conflict.
    """
    case = base.lock_case(session, case_id, version)
    base.check(session, actor, "correct", case)
    if not level1:
        raise Invalid({"level1": "请选择一级分类。"})
    if not taxonomy.shipped().has(level1, level2, level3):
        raise Invalid({"level1": "没有这个内容分类，请重新选择。"})
    if nature and nature not in NATURES:
        raise Invalid({"nature": "请选择诉求性质。"})
    before = {"level1": case.level1, "level2": case.level2, "nature": case.nature, "urgent": case.urgent}
    case.level1, case.level2, case.level3 = level1, level2 or None, level3 or None
    case.nature = nature or case.nature
    case.urgent = urgent or case.danger is not None
    case.priority = priority_of(case)
    row = Classification(
        case_id=case.id, kind="corrected", by_id=actor.account_id, level1=level1, level2=case.level2,
        level3=case.level3, nature=case.nature, urgent=case.urgent, sensitive=case.sensitive, danger=case.danger,
        accusation=case.accusation in {"possible", "yes"}, at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    data: dict[str, Any] = {"classification": row.id, "level1": level1, "level2": level2, "before": before}
    base.record(session, actor, "correct", case, at, data=data)
    return row


def record_closing(session: Session, case: Case, at: datetime) -> None:
    """Keep what a case is classified as when it closes: by then officers have corrected what had to be."""
    session.add(
        Classification(
            case_id=case.id, kind="closing", level1=case.level1, level2=case.level2, level3=case.level3,
            nature=case.nature, urgent=case.urgent, sensitive=case.sensitive, danger=case.danger,
            accusation=case.accusation in {"possible", "yes"}, organisation_id=case.lead_id, at=at,
        )
    )  # fmt: skip


def _row(case: Case, at: datetime, given: Suggestion, kind: str) -> Classification:
    return Classification(
        case_id=case.id, kind=kind, at=at, level1=given.level1 or None, level2=given.level2 or None,
        level3=given.level3 or None, nature=given.nature or None, urgent=given.urgent, danger=given.danger or None,
        sensitive=given.sensitive, accusation=given.accusation, confidence=given.confidence,
        organisation_id=given.organisation_id, automatic=given.automatic, reasons=list(given.reasons),
        evidence=[list(item) for item in given.evidence], alternatives=[list(item) for item in given.alternatives],
        model_version=given.model_version, catalogue_version_id=given.catalogue_version_id,
    )  # fmt: skip


def latest(session: Session, case_id: int, kind: str | None = None) -> Classification | None:
    """The newest classification of a case, of one kind or any."""
    query = select(Classification).where(Classification.case_id == case_id)
    if kind is not None:
        query = query.where(Classification.kind == kind)
    return session.scalar(query.order_by(Classification.at.desc(), Classification.id.desc()).limit(1))


def priority_of(case: Case) -> int:
    """Where a case stands in the queue: 0 danger to life, 1 urgent, 3 sensitive, 5 ordinary."""
    if case.danger:
        return 0
    return 1 if case.urgent else 3 if case.sensitive else 5


def _corrected(session: Session, case: Case) -> bool:
    return latest(session, case.id, "corrected") is not None
