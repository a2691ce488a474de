"""分流复核: what waits for an officer, why it was not sent by itself, and what is suggested."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session

from cases import visibility
from cases.models import Assignment, Attachment, Case, CaseClock, Classification, Submission
from cases.operations import base, dispatch
from intake.brain import in_use
from intake.diversion import REASONS
from organisations import catalogue
from organisations.models import CatalogueRow, CatalogueVersion
from organisations.people import Actor
from workbench.queries import casefile, lines, names

LEAST_TELLING = 0.05
SIZE = 20
_NEAR = timedelta(minutes=60)


@dataclass(frozen=True)
class Waiting:
    """One case of the queue."""

    id: int
    number: str
    title: str
    channel: str
    area: str
    confidence: float | None
    due: dict[str, Any]
    urgent: bool
    danger: str
    returned: bool


@dataclass(frozen=True)
class Choice:
    """One way to send the case on: the department of a category, how sure, and the key that chooses it."""

    key: str
    path: str
    lead_id: int
    lead: str
    percent: float
    co_ids: tuple[int, ...] = ()
    co: str = ""
    days: int | None = None
    basis: str = ""


@dataclass(frozen=True)
class Suggested:
    """What the model and the catalogue say of a case."""

    path: str
    nature: str
    urgent: bool
    percent: float | None
    threshold: float | None
    sentence: str
    choices: list[Choice]
    evidence: list[dict[str, Any]]
    weak: list[str]
    reasons: list[str]
    title_spans: list[tuple[int, int, bool]]
    body_spans: list[tuple[int, int, bool]]
    catalogue: str
    model: str


def waiting_query(actor: Actor, at: datetime, tab: str = "all") -> Select[Any]:
    """The queue as an ordered query: danger first, then urgent, then as received."""
    query = select(Case).where(Case.stage == "review", visibility.visible(actor))
    if tab in _TABS:
        query = query.where(_TABS[tab](at))
    return query.order_by(Case.priority, Case.received_at, Case.id)


def _due(*within: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the officer's own clock of a case, of which one runs at a time, is due within these bounds."""
    return exists().where(
        CaseClock.case_id == Case.id, CaseClock.kind.in_(("review", "decide")), CaseClock.ended_at.is_(None), *within
    )  # fmt: skip


def _returned() -> ColumnElement[bool]:
    return exists().where(Assignment.case_id == Case.id, Assignment.state == "returned", Assignment.round == Case.round)


# What narrows the queue to a tab, at a moment; "all" narrows nothing.
_TABS: dict[str, Callable[[datetime], ColumnElement[bool]]] = {
    "late": lambda at: _due(CaseClock.due_at < at),
    "near": lambda at: _due(CaseClock.due_at >= at, CaseClock.due_at < at + _NEAR),
    "returned": lambda _at: _returned(),
}
TABS = ("all", *_TABS)


def counts(session: Session, actor: Actor, at: datetime) -> dict[str, int]:
    """How many wait in each tab; one query."""
    columns = [func.count(), *(func.count().filter(holds(at)) for holds in _TABS.values())]
    row = session.execute(waiting_query(actor, at).order_by(None).with_only_columns(*columns)).one()
    return dict(zip(TABS, row, strict=True))


def count(session: Session, actor: Actor, at: datetime) -> int:
    """How many wait in all."""
    return session.scalar(waiting_query(actor, at).order_by(None).with_only_columns(func.count())) or 0


def waiting(session: Session, at: datetime, cases: Sequence[Case]) -> list[Waiting]:
    """These cases as entries of the queue, in their order; five queries whatever their number."""
    ids = [case.id for case in cases]
    if not ids:
        return []
    areas = names.areas(session, (case.area_id for case in cases))
    channels = {
        row[0]: row[1]
        for row in session.execute(
            select(Submission.number, Submission.channel).where(Submission.number.in_([case.number for case in cases]))
        )
    }
    sure: dict[int, float | None] = {}
    rows = select(Classification.case_id, Classification.confidence).where(
        Classification.case_id.in_(ids), Classification.confidence.is_not(None)
    )
    for case_id, confidence in session.execute(rows.order_by(Classification.at)):
        sure[case_id] = confidence * 100
    running = lines.running_clocks(session, ids)
    back = set(
        session.scalars(select(Assignment.case_id).where(Assignment.case_id.in_(ids), Assignment.state == "returned"))
    )
    return [
        Waiting(
            id=case.id, number=case.number, title=case.title, channel=names.channel(channels.get(case.number)),
            area=areas.get(case.area_id or 0, ""), confidence=sure.get(case.id),
            due=lines.due_of_case(session, at, case, running.get(case.id, ())), urgent=case.urgent,
            danger=names.danger(case.danger), returned=case.id in back,
        )
        for case in cases
    ]  # fmt: skip


# --- one case of the queue --------------------------------------------------------------------------------


def paper(session: Session, actor: Actor, case: Case) -> casefile.Paper | None:
    """The founding submission, masked, with what was added."""
    found = casefile.papers(session, actor, base.submissions_of(session, case)[:1])
    return found[0] if found else None


def files(session: Session, case: Case) -> list[Attachment]:
    """What the citizens sent along."""
    ids = [row.id for row in base.submissions_of(session, case)]
    return list(session.scalars(select(Attachment).where(Attachment.submission_id.in_(ids)).limit(20)))


def suggested(session: Session, case: Case) -> Suggested:
    """The newest suggestion with the departments that the catalogue names for the best three."""
    row = session.scalar(
        select(Classification)
        .where(Classification.case_id == case.id, Classification.confidence.is_not(None))
        .order_by(Classification.at.desc(), Classification.id.desc())
        .limit(1)
    )
    version = catalogue.in_force(session)
    least = threshold(session)
    percent = row.confidence * 100 if row and row.confidence is not None else None
    evidence = _telling(row.evidence) if row else []
    submission = next(iter(base.submissions_of(session, case)), None)
    texts = {"title": submission.title_masked, "body": submission.body_masked} if submission else {}
    words = _words(evidence, texts)
    return Suggested(
        path=names.category(case.level1, case.level2, case.level3), nature=case.nature or "", urgent=case.urgent,
        percent=percent, threshold=least, sentence=_sentence(percent, list(row.reasons) if row else [], least),
        choices=_choices(session, case, row, version), evidence=[word for word in words if word["weight"] > 0],
        weak=[word["word"] for word in words if word["weight"] < 0], reasons=list(row.reasons) if row else [],
        title_spans=_spans(evidence, "title"), body_spans=_spans(evidence, "body"),
        catalogue=_("派单目录第 %(n)s 版", n=version.number) if version else _("还没有生效的派单目录"),
        model=(row.model_version or "") if row else "",
    )  # fmt: skip


def threshold(session: Session) -> float | None:
    """From how many per cent on a case goes by itself, where an administrator set it; None: the model's own limit."""
    row = in_use(session)
    return None if row is None or row.threshold is None else row.threshold * 100


def _choices(
    session: Session, case: Case, row: Classification | None, version: CatalogueVersion | None
) -> list[Choice]:
    """What the case's category says first (or what was diverted), then the alternatives, each lead once."""
    if version is None:
        return []
    sure = (row.confidence or 0) * 100 if row else 0.0
    wanted: list[tuple[str, str, str, float]] = []
    if case.level1:
        wanted.append((case.level1, case.level2 or "", case.level3 or "", sure))
    for item in row.alternatives if row else []:
        wanted.append((str(item[0]), str(item[1] or ""), "", float(item[2]) * 100))
    found: list[tuple[CatalogueRow, float, str]] = []
    for level1, level2, level3, percent in wanted:
        fitting = catalogue.find(session, level1, level2, level3, case.area_id, version_id=version.id)
        if fitting and all(fitting.lead_id != other.lead_id for other, _p, _c in found):
            found.append((fitting, percent, names.category(level1, level2, level3)))
    cos = {fitting.id: catalogue.co_ids(session, fitting.id) for fitting, _percent, _path in found[:4]}
    offices = names.organisations(
        session, {row.lead_id for row, _p, _c in found} | {one for group in cos.values() for one in group}
    )
    return [
        Choice(
            key=str(index) if index else "", path=path, lead_id=fitting.lead_id,
            lead=offices.get(fitting.lead_id, "—"), percent=percent, co_ids=cos[fitting.id],
            co="、".join(offices[one] for one in cos[fitting.id] if one in offices), days=fitting.handle_days,
            basis=fitting.legal_basis,
        )
        for index, (fitting, percent, path) in enumerate(found[:4])
    ]  # fmt: skip


def _sentence(percent: float | None, reasons: Sequence[str], least: float | None) -> str:
    """What the confidence means for the officer, and why the case did not go by itself."""
    if percent is None:
        return str(_("没有系统建议，请您判断"))
    said = [_(REASONS[code]) for code in reasons if code in REASONS and code != "low_confidence"]
    if said:
        return str(_("没有自动派单：%(why)s，请您判断", why="、".join(said)))
    if "low_confidence" in reasons and least is not None:
        return str(_("到 %(n)s%% 才会自动派单，所以请您看一眼", n=round(least)))
    if "low_confidence" in reasons:
        return str(_("把握不够自动派单，所以请您看一眼"))
    return str(_("把握足够，按规则由您确认"))


def _telling(evidence: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The words that weigh at least a twentieth of the strongest: a word marked without weight misleads."""
    most = max((abs(float(item[3])) for item in evidence), default=0.0)
    return [list(item) for item in evidence if abs(float(item[3])) >= LEAST_TELLING * most]


def _words(evidence: Sequence[Sequence[Any]], texts: dict[str, str]) -> list[dict[str, Any]]:
    """The words of the evidence with their weights, each once, the strongest first."""
    found: dict[str, float] = {}
    for field, start, end, weight in evidence:
        word = texts.get(field, "")[start:end]
        if word:
            found[word] = found.get(word, 0.0) + float(weight)
    most = max((abs(weight) for weight in found.values()), default=1.0)
    scale = 1.0 if most > 1.5 else 100.0
    ordered = sorted(found.items(), key=lambda pair: -abs(pair[1]))
    return [{"word": word, "weight": weight, "shown": f"{weight * scale:+.0f}"} for word, weight in ordered[:12]]


def _spans(evidence: Sequence[Sequence[Any]], field: str) -> list[tuple[int, int, bool]]:
    return [(int(start), int(end), float(weight) < 0) for name, start, end, weight in evidence if name == field]


def excluded_note(session: Session, case: Case, suggestion: Suggested) -> tuple[bool, str]:
    """Whether the suggested lead is free of the case, and the sentence of the check (回避检查)."""
    if not suggestion.choices:
        return True, _("还没有拟派单位。")
    lead = suggestion.choices[0]
    reasons = set(dispatch.automatic_refusals(session, case, lead.lead_id, case.received_at)) & {"excluded", "conduct"}
    if "excluded" in reasons:
        return False, _("%(office)s 应回避本件，请改派。", office=lead.lead)
    if "conduct" in reasons:
        return False, _("原文里 %(office)s（或其上下级）旁边有反映作风的话，请看清再派。", office=lead.lead)
    return True, _("拟派单位没有在原文中被反映，也没有登记回避。")
