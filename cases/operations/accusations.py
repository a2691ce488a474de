"""检举控告: who may read a possible accusation, who must not, and what a named reader decides.

信访工作条例 article 30: what concerns a unit or its staff goes to the discipline bodies and never to the accused.
A possible accusation counts as one until a named reader decides; its first readers hold the role accusation_reader.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import conduct, history, visibility
from cases.errors import Forbidden, Invalid, NotFound, NotNow
from cases.models import Case, CaseExclusion, CaseReader, Decision, Submission
from cases.operations import base, first_readers, merged, publishing
from cases.operations.asked import required
from core import audit
from core.clock import to_local
from organisations import lines
from organisations.models import Account, Organisation
from organisations.people import Actor, actor_for

SUSPECTED = frozenset({"possible", "yes"})


def for_readers_alone(case: Case, submission: Submission) -> bool:
    """Whether a citizen is to be told that appointed persons alone read it: a (possible) accusation, or words of one
    that nobody has classified yet."""
    if case.accusation in SUSPECTED:
        return True
    text = f"{submission.title_masked}\n{submission.body_masked}"
    return case.accusation == "unread" and conduct.accuses_office(text)


def suspect(session: Session, at: datetime, case: Case, accusation: bool) -> None:
    """Take in what a classification says, for a case under lock: the first answer to "is this an accusation?".

    It may raise a "no" that no reader gave to "possible", never lower anything. What was merged away goes with its
    lead, and the lead with it.
    """
    if case.accusation == "unread" and not accusation:
        case.accusation = "no"
        session.flush()
        return
    lead = merged.lead_of(session, case)
    if not accusation or lead.accusation in SUSPECTED or lead.accusation_decided_at is not None:
        return
    readers = _hide(session, at, lead)
    history.append(session, lead, "accusation_suspected", at, data={"readers": readers})


def screen(session: Session, at: datetime, case: Case, text: str) -> bool:
    """Look through words that came later, for a case under lock; gives whether they made it a possible accusation.

    A reader's earlier "no" was not about these words, so it does not hold for them.
    """
    if case.accusation in SUSPECTED or not conduct.accuses_office(text):
        return False
    lead = merged.lead_of(session, case)
    lead.accusation_decided_at = lead.accusation_decided_by_id = None
    suspect(session, at, case, accusation=True)
    return True


def suspect_by_hand(
    session: Session, actor: Actor, at: datetime, case_id: int, *, reason: str, version: int | None = None
) -> Case:
    """A member of staff who works with a case says, with the reason, that it may be an accusation: as if the machine
    had found it, so that its readers alone see it from now on.

    A reader's earlier "no" does not stand against it. Raises Invalid without a reason, NotFound, Forbidden, NotNow
    where it is suspected already, Conflict.
    """
    case, lead = merged.lock(session, case_id, version)
    base.check(session, actor, "suspect_by_hand", case)
    if case.accusation in SUSPECTED:
        raise NotNow("这件事项已标为疑似检举控告。", case_id=case.id)
    decision = Decision(
        case_id=lead.id, kind="suspected", text=required(reason, "reason", "请填写为什么可能是检举控告。"), at=at,
        by_id=actor.account_id, organisation_id=actor.organisation_ids[0] if actor.organisation_ids else None,
    )  # fmt: skip
    session.add(decision)
    lead.accusation_decided_at = lead.accusation_decided_by_id = None
    readers = _hide(session, at, lead)
    base.record(session, actor, "suspect_by_hand", lead, at, data={"readers": readers, "decision": decision.id})
    audit.record(
        session, at=at, actor_id=actor.account_id, action="accusation_marked", subject="case", subject_id=case.id
    )
    return case


def _hide(session: Session, at: datetime, case: Case) -> int:
    """A possible accusation from now on, with its first readers; gives how many there are."""
    case.accusation = "possible"
    session.flush()
    readers = first_readers.name_them(session, at, case)
    for one in (case, *merged.follow(session, at, case, "accusation_suspected", {"readers": readers})):
        publishing.withdraw_all(session, at, one, "accusation")
    return readers


def decide(
    session: Session,
    actor: Actor,
    at: datetime,
    case_id: int,
    is_accusation: bool,
    accused_organisation_id: int | None = None,
    *,
    version: int | None = None,
) -> Case:
    """A named reader says whether it is an accusation, and against which organisation, if any.

    Yes keeps the accused, its superiors and its subordinates away; no makes it an ordinary case, and those kept away
    as accused may handle it. Raises NotFound, Forbidden for anybody but a named reader, Conflict.
    """
    case = _as_reader(session, actor, case_id, version)
    if case.accusation == "unread":
        raise NotNow(operation="decide", state=case.accusation)
    case.accusation = "yes" if is_accusation else "no"
    case.accusation_decided_at, case.accusation_decided_by_id = at, actor.account_id
    if is_accusation:
        case.petition_kind = "检举控告"
        if accused_organisation_id is not None:
            _keep_away(session, actor, at, case, accused_organisation_id)
    else:
        case.petition_kind = None if case.petition_kind == "检举控告" else case.petition_kind
        _let_back(session, at, case)
    session.flush()
    said: dict[str, int | str | None] = {"accusation": case.accusation}
    _append(session, actor, at, case, "accusation_decided", said)
    for one in (case, *merged.follow(session, at, case, "accusation_decided", said)):
        if is_accusation:
            publishing.withdraw_all(session, at, one, "accusation")
    return case


def name_reader(session: Session, actor: Actor, at: datetime, case_id: int, account_id: int) -> CaseReader:
    """A named reader names another. Raises NotFound, Forbidden, Invalid for somebody who is kept away or disabled."""
    case = _as_reader(session, actor, case_id)
    account = session.get(Account, account_id)
    if account is None or account.disabled_at is not None:
        raise Invalid({"account": "没有这个账号，或已停用。"})
    other = actor_for(session, account_id, at)
    if session.scalar(select(Case.id).where(Case.id == case.id, visibility.not_excluded(other))) is None:
        raise Invalid({"account": "该人员或其单位须回避本事项，不能指定。"})
    reader = first_readers.name(session, at, case, account_id, actor.account_id)
    merged.follow(session, at, case)
    _append(session, actor, at, case, "reader_named", {"account": account_id})
    audit.record(
        session, at=at, actor_id=actor.account_id, action="reader_named", subject="case", subject_id=case.id,
        details={"account": account_id},
    )  # fmt: skip
    return reader


def exclude(
    session: Session,
    actor: Actor,
    at: datetime,
    case_id: int,
    *,
    organisation_id: int | None = None,
    account_id: int | None = None,
) -> None:
    """Keep the accused away from a case: an organisation with its superiors and subordinates, or one person.

    Raises NotFound, Forbidden for anybody but a named reader, Invalid when nobody is named.
    """
    case = _as_reader(session, actor, case_id)
    if organisation_id is not None:
        _keep_away(session, actor, at, case, organisation_id)
    elif account_id is not None:
        _exclude(session, actor, at, case, "accused", account_id=account_id)
        _somebody_left(session, at, case)
    else:
        raise Invalid({"accused": "请选择被检举的单位或人员。"})
    merged.follow(session, at, case)
    _append(session, actor, at, case, "accused_excluded", {})


def recuse(
    session: Session,
    actor: Actor,
    at: datetime,
    case_id: int,
    *,
    account_id: int | None = None,
    organisation_id: int | None = None,
) -> None:
    """回避: keep a person (without one named: oneself) or an organisation with an interest away from a case.

    Oneself, whoever may see the case; others, diversion, approvers, supervisors and named readers.
    """
    case, lead = merged.lock(session, case_id)
    if not actor.is_system and not visibility.may_see(session, actor, case):
        raise NotFound()
    if organisation_id is None and account_id is None:
        account_id = actor.account_id
    others = organisation_id is not None or account_id != actor.account_id
    deciding = ("case.review", "case.approve", "case.supervise")
    if others and not (actor.is_system or any(actor.can(p) for p in deciding) or _is_reader(session, actor, case)):
        raise Forbidden(operation="recuse")
    _exclude(session, actor, at, lead, "recused", organisation_id=organisation_id, account_id=account_id)
    merged.follow(session, at, lead)
    _append(session, actor, at, lead, "recused", {"account": account_id, "organisation": organisation_id})


def readers_of(session: Session, case_id: int) -> list[Account]:
    """Who was named to read a case, in the order of naming."""
    query = (
        select(Account)
        .join(CaseReader, CaseReader.account_id == Account.id)
        .where(CaseReader.case_id == case_id)
        .order_by(CaseReader.since, CaseReader.id)
    )
    return list(session.scalars(query))


def related_organisations(session: Session, organisation_id: int, at: datetime) -> set[int]:
    """Everybody above and below an organisation, by territory and by line.

    Discipline bodies (纪检) are left out: accusations are addressed to them. Of an accused discipline body those below
    it count, and those above do not.
    """
    day = to_local(at).date()
    above = lines.superiors(session, organisation_id, day)
    below = lines.subordinates(session, organisation_id, day)
    accused = session.get_one(Organisation, organisation_id)
    spared = select(Organisation.id).where(
        Organisation.kind == first_readers.DISCIPLINE, Organisation.id.in_(above | below)
    )
    keep = set(session.scalars(spared))
    if accused.kind == first_readers.DISCIPLINE:
        keep -= below
    return (above | below) - keep


def _keep_away(session: Session, actor: Actor, at: datetime, case: Case, organisation_id: int) -> None:
    if session.get(Organisation, organisation_id) is None:
        raise Invalid({"accused": "没有这个单位。"})
    _exclude(session, actor, at, case, "accused", organisation_id=organisation_id)
    for related in sorted(related_organisations(session, organisation_id, at)):
        _exclude(session, actor, at, case, "related", organisation_id=related)
    _somebody_left(session, at, case)


def _somebody_left(session: Session, at: datetime, case: Case) -> None:
    """Raise Invalid when nobody who was named could read the case any more: another has to be named first."""
    for reader in readers_of(session, case.id):
        if reader.disabled_at is None and visibility.may_see(session, actor_for(session, reader.id, at), case):
            return
    raise Invalid({"accused": "现有受理人都属于应回避的单位，请先指定一位不相关的受理人。"})


def _exclude(
    session: Session,
    actor: Actor,
    at: datetime,
    case: Case,
    kind: str,
    *,
    organisation_id: int | None = None,
    account_id: int | None = None,
) -> None:
    same = select(CaseExclusion.id).where(
        CaseExclusion.case_id == case.id, CaseExclusion.until.is_(None), CaseExclusion.kind == kind,
        CaseExclusion.organisation_id.is_(None) if organisation_id is None
        else CaseExclusion.organisation_id == organisation_id,
        CaseExclusion.account_id.is_(None) if account_id is None else CaseExclusion.account_id == account_id,
    )  # fmt: skip
    if session.scalar(same) is None:
        session.add(
            CaseExclusion(case_id=case.id, kind=kind, organisation_id=organisation_id, account_id=account_id,
                          by_id=actor.account_id, since=at)
        )  # fmt: skip
        session.flush()


def _let_back(session: Session, at: datetime, case: Case) -> None:
    query = select(CaseExclusion).where(
        CaseExclusion.case_id == case.id, CaseExclusion.until.is_(None), CaseExclusion.kind.in_(["accused", "related"])
    )
    for row in session.scalars(query):
        row.until = at


def _as_reader(session: Session, actor: Actor, case_id: int, version: int | None = None) -> Case:
    """The lead of a case under lock, for a reader named for it who is not kept away."""
    case, lead = merged.lock(session, case_id, version)
    if not visibility.may_see(session, actor, case):
        raise NotFound()
    if not _is_reader(session, actor, case):
        raise Forbidden(operation="decide")
    return lead


def _is_reader(session: Session, actor: Actor, case: Case) -> bool:
    query = select(CaseReader.id).where(CaseReader.case_id == case.id, CaseReader.account_id == actor.account_id)
    return actor.account_id is not None and session.scalar(query) is not None


def _append(
    session: Session, actor: Actor, at: datetime, case: Case, kind: str, data: dict[str, int | str | None]
) -> None:
    session.flush()
    history.append(
        session, case, kind, at, actor_id=actor.account_id,
        organisation_id=actor.organisation_ids[0] if actor.organisation_ids else None, data=data,
    )  # fmt: skip
