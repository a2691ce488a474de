"""Diversion (分流): a classified case goes to whom the routing catalogue names, or waits for an officer with reasons.

`decide` is pure. The job classifies outside any write session, then one write session records the decision with model
version, confidence, evidence and catalogue version; a second run changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import conduct, errors
from cases.models import Case, Classification, Event, ExtraField, Submission, SubmissionCase
from cases.operations import base, classification, dispatch, merging
from core import jobs
from core.clock import Clock
from core.database import Database
from core.logging import get_logger
from intake.brain import Brain, Suggested, Thought
from organisations import catalogue
from organisations.models import Organisation
from organisations.people import is_staffed

log = get_logger(__name__)

CLASSIFY = "intake.classify"
KINDS = frozenset({"submitted", "reopened"})  # events that call for the job
# What the desk wants of a case, kept as this extra field of its submission: HOLD, or the id of another organisation.
WISH, HOLD = "dispatch", "hold"
_DOUBT = 0.5  # a level no likelier right than wrong does not choose the organisation
# Why a case waits for an officer.
REASONS = {
    "accusation": "可能涉及检举控告",
    "report": "可能是举报，须人工看过再派",
    "danger": "涉及人身安全",
    "urgent": "紧急",
    "sensitive": "敏感",
    "conduct": "反映拟派单位或其上下级的作风问题",
    "excluded": "拟派单位须回避",
    "low_confidence": "把握不够",
    "level_unsure": "下级分类把握不够，可能归其他单位",
    "not_text": "内容不像一件诉求",
    "no_row": "派单目录没有对应的单位",
    "outside": "承办单位不在平台内，需人工转办",
    "inactive": "承办单位已停用",
    "unstaffed": "承办单位尚未开通账号",
    "track": "按目录应走信访程序",
    "petition": "信访事项须人工审核",
    "reopened": "群众不满意重办，须人工审核",
    "copy": "疑似与已有事项重复",
    "moved_on": "已有人先处理",
    "held": "话务员只登记，请分流员派单",
    "proposed": "话务员建议派给别的单位",
}


@dataclass(frozen=True)
class Fit:
    """The catalogue row that fits, as plain values; `handle_days` and `sign_hours` are its limits.

    `lead_sure` is False when another organisation leads as soon as the levels that are in doubt are left out.
    """

    lead_id: int
    co_ids: tuple[int, ...]
    handle_days: int
    sign_hours: int
    track: str
    lead_outside: bool = False
    lead_active: bool = True
    lead_sure: bool = True


@dataclass(frozen=True)
class CaseFacts:
    """What of the case itself forbids dispatching it by rule; `refusals` are codes found against the proposed lead.

    `accuses`: words about those in office stand in the text that the classifier takes for past, doubted or denied.
    """

    stage: str
    track: str
    round: int
    danger: bool
    urgent: bool
    sensitive: bool
    is_copy: bool = False
    accuses: bool = False
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """Who should have the case, and whether it goes there by itself; `reasons` (codes of REASONS) say why not."""

    organisation_id: int | None
    co_ids: tuple[int, ...]
    handle_days: int | None
    sign_minutes: int | None
    reasons: tuple[str, ...]

    @property
    def automatic(self) -> bool:
        """Whether nothing speaks against dispatching it by rule."""
        return not self.reasons


def decide(suggestion: Suggested, fit: Fit | None, facts: CaseFacts, threshold: float | None = None) -> Decision:
    """The rule of diversion: confident enough, a row that fits, and nothing that a person has to look at first.

    Without a `threshold` the model's own judgement of its confidence counts.
    """
    sure = suggestion.confident if threshold is None else suggestion.confidence >= threshold
    checks = {
        "accusation": suggestion.against_office or facts.accuses,
        "report": suggestion.accusation and not (suggestion.against_office or facts.accuses),
        "danger": bool(suggestion.danger) or facts.danger,
        "urgent": suggestion.urgent or facts.urgent,
        "sensitive": suggestion.sensitive or facts.sensitive,
        "not_text": not suggestion.is_text,
        "low_confidence": not sure,
        "level_unsure": fit is not None and not fit.lead_sure,
        "no_row": fit is None,
        "outside": fit is not None and fit.lead_outside,
        "inactive": fit is not None and not fit.lead_active,
        "track": fit is not None and fit.track != facts.track and facts.track == "hotline",
        "petition": facts.track == "petition",
        "reopened": facts.round > 1,
        "copy": facts.is_copy,
        "moved_on": facts.stage != "review",
    }
    reasons = [code for code, holds in checks.items() if holds]
    reasons += [code for code in facts.refusals if code not in reasons]
    if fit is None:
        return Decision(None, (), None, None, tuple(reasons))
    return Decision(fit.lead_id, fit.co_ids, fit.handle_days, fit.sign_hours * 60, tuple(reasons))


# --- the job ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Judged:
    thought: Thought
    decision: Decision
    catalogue_version_id: int | None
    copy_of_id: int | None
    accusation: bool


def register(registry: jobs.Registry, brain: Brain) -> None:
    """Add the job intake.classify, owed for each event of KINDS."""

    def run(work: jobs.Work) -> None:
        classify(work.db, work.clock, brain, int(work.payload["case"]), int(work.payload["event"]))

    registry.add(CLASSIFY, run)


def classify(db: Database, clock: Clock, brain: Brain, case_id: int, event_id: int) -> None:
    """Classify a case for one event and divert it, once. Raises NotFound when the case is gone."""
    with db.read() as session:
        case = session.get(Case, case_id)
        if case is None:
            raise errors.NotFound()
        if _done(session, case_id, event_id):
            return
        belonging = base.submissions_of(session, case)
        if not belonging:  # merged with another before its turn came: that one's classification counts
            return
        founding = belonging[0]
        text = founding.title_masked, founding.body_masked
    thought = brain.think(*text)
    with db.read() as session:
        judged = _judge(session, session.get_one(Case, case_id), founding, thought, clock.now())
    with db.write() as session:
        case = base.lock_case(session, case_id)
        if _done(session, case_id, event_id):
            return
        reasons = _divert(session, clock.now(), case, judged)
    log.info("case_waits_for_review" if reasons else "case_diverted", case_id=case_id, reasons=reasons)


def divert(session: Session, at: datetime, case: Case, thought: Thought) -> None:
    """Divert a case under lock by what was thought of its text before; for what keeps its own write session."""
    founding = base.submissions_of(session, case)[0]
    _divert(session, at, case, _judge(session, case, founding, thought, at))


def _done(session: Session, case_id: int, event_id: int) -> bool:
    """Whether a classification was recorded since the event."""
    since = select(Event.at).where(Event.id == event_id).scalar_subquery()
    query = select(Classification.id).where(
        Classification.case_id == case_id,
        Classification.kind.in_(["suggested", "diverted"]),
        Classification.at >= since,
    )
    return session.scalar(query.limit(1)) is not None


def _judge(session: Session, case: Case, founding: Submission, thought: Thought, at: datetime) -> _Judged:
    version = catalogue.in_force(session)
    fit = find_fit(session, thought.suggestion, case.area_id)
    copy_of_id = find_copy(session, case, founding)
    refusals: list[str] = []
    if fit is not None:
        found = dispatch.automatic_refusals(session, case, fit.lead_id, at)
        # What the classification itself decides is not known of the case yet.
        refusals = [code for code in found if code in {"conduct", "excluded"}]
        refusals += unstaffed(session, at, fit)
    accuses = conduct.accuses_office(f"{founding.title_masked}\n{founding.body_masked}")
    facts = CaseFacts(
        stage=case.stage, track=case.track, round=case.round, danger=bool(case.danger), urgent=case.urgent,
        sensitive=case.sensitive, is_copy=copy_of_id is not None, accuses=accuses,
        refusals=tuple(refusals),
    )  # fmt: skip
    decision = _as_wished(session, case, founding, decide(thought.suggestion, fit, facts, thought.threshold))
    against = accuses or thought.suggestion.against_office
    return _Judged(thought, decision, version.id if version else None, copy_of_id, against)


def unstaffed(session: Session, at: datetime, fit: Fit | None) -> tuple[str, ...]:
    """The reason "unstaffed" where nobody at the lead could sign; not where it is outside or inactive, which is why."""
    if fit is None or fit.lead_outside or not fit.lead_active or is_staffed(session, fit.lead_id, at):
        return ()
    return ("unstaffed",)


def _as_wished(session: Session, case: Case, founding: Submission, decision: Decision) -> Decision:
    """The decision after what the agent wanted: a wish only ever keeps a case before an officer, it sends nothing."""
    query = select(ExtraField).where(ExtraField.submission_id == founding.id, ExtraField.code == WISH)
    row = session.scalar(query.limit(1)) if case.round == 1 else None
    wish = (row.value or "") if row is not None else ""
    if wish == HOLD:
        return replace(decision, reasons=(*decision.reasons, "held"))
    wanted = session.get(Organisation, int(wish)) if wish.isdecimal() else None
    if wanted is None or wanted.id == decision.organisation_id:
        return decision
    return replace(decision, organisation_id=wanted.id, co_ids=(), reasons=(*decision.reasons, "proposed"))


def find_fit(session: Session, suggestion: Suggested, area_id: int | None) -> Fit | None:
    """The catalogue row in force for what the classifier suggests, in an area."""
    levels = [level or "" for level in suggestion.category]
    row = catalogue.find(session, levels[0], levels[1], levels[2], area_id) if levels[0] else None
    if row is None:
        return None
    known = [
        level if at == 0 or chance > _DOUBT else ""
        for at, (level, chance) in enumerate(zip(levels, suggestion.confidences, strict=True))
    ]
    # A level below one in doubt is in doubt.
    surely = catalogue.find(session, known[0], known[1], known[2] if known[1] else "", area_id)
    lead = session.get_one(Organisation, row.lead_id)
    return Fit(
        lead_id=row.lead_id, co_ids=catalogue.co_ids(session, row.id), handle_days=row.handle_days,
        sign_hours=row.sign_hours, track=row.track, lead_outside=lead.outside, lead_active=lead.active,
        lead_sure=surely is not None and surely.lead_id == row.lead_id,
    )  # fmt: skip


def find_copy(session: Session, case: Case, founding: Submission) -> int | None:
    """The oldest open case with exactly these words by somebody else; never one that is or may be an accusation."""
    if case.accusation not in {"unread", "no"}:
        return None
    query = (
        select(Case.id)
        .join(SubmissionCase, SubmissionCase.case_id == Case.id)
        .join(Submission, Submission.id == SubmissionCase.submission_id)
        .where(Submission.exact_digest == founding.exact_digest, Submission.received_at <= founding.received_at)
        .where(Submission.id != founding.id, SubmissionCase.until.is_(None), Submission.withdrawn_at.is_(None))
        .where(Case.id != case.id, Case.stage.not_in(["draft", "closed"]), Case.accusation == "no")
        .order_by(Submission.received_at, Submission.id)
        .limit(1)
    )
    if founding.citizen_id is not None:
        query = query.where((Submission.citizen_id.is_(None)) | (Submission.citizen_id != founding.citizen_id))
    return session.scalar(query)


def _divert(session: Session, at: datetime, case: Case, judged: _Judged) -> list[str]:
    """Record the decision and carry it out; what forbids it only now keeps the case in the review queue.

    Gives the reasons why it waits there, none when it was dispatched.
    """
    decision = judged.decision
    reasons = list(decision.reasons)
    if case.stage != "review" and "moved_on" not in reasons:
        reasons.append("moved_on")
    if not reasons and decision.organisation_id is not None:
        try:
            with session.begin_nested():
                classification.record(session, at, case.id, _row(judged, automatic=True, reasons=()), kind="diverted")
                dispatch.auto_assign(session, at, case.id, decision.organisation_id, decision.co_ids,
                                     decision.handle_days, decision.sign_minutes)  # fmt: skip
            return []
        except errors.NotAutomatic as refusal:
            reasons = refusal.reasons
        except errors.Invalid:
            reasons = ["inactive"]
        session.expire_all()
    classification.record(session, at, case.id, _row(judged, automatic=False, reasons=tuple(reasons)))
    if judged.copy_of_id is not None and not judged.accusation:
        _propose(session, at, case.id, judged.copy_of_id)
    return reasons


def _propose(session: Session, at: datetime, case_id: int, copy_of_id: int) -> None:
    try:
        with session.begin_nested():
            merging.propose_copy(session, at, case_id, copy_of_id)
    except errors.NotNow:
        log.info("copy_not_proposed", case_id=case_id, copy_of_id=copy_of_id)


def _row(judged: _Judged, *, automatic: bool, reasons: tuple[str, ...]) -> classification.Suggestion:
    said = judged.thought.suggestion
    level1, level2, level3 = said.category
    return classification.Suggestion(
        level1=level1 or "", level2=level2 or "", level3=level3 or "", nature=said.nature, urgent=said.urgent,
        danger=said.danger, sensitive=said.sensitive, accusation=judged.accusation, confidence=said.confidence,
        organisation_id=judged.decision.organisation_id, automatic=automatic, reasons=reasons,
        evidence=tuple(said.evidence), alternatives=tuple(said.alternatives), model_version=said.version,
        catalogue_version_id=judged.catalogue_version_id,
    )  # fmt: skip


def preview(
    db: Database, brain: Brain, title: str, body: str, area_id: int | None = None
) -> tuple[Suggested, Fit | None]:
    """What the classifier says of a masked text being typed, and who would have it; writes nothing."""
    thought = brain.think(title, body)
    with db.read() as session:
        return thought.suggestion, find_fit(session, thought.suggestion, area_id)
