"""One case with everything that its page shows. Personal data comes masked; what is revealed is asked for by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import visibility, workflow
from cases.models import (
    Assignment,
    AssignmentRequest,
    Case,
    CaseClock,
    CaseReader,
    Event,
    Message,
    Party,
    PublishedReply,
    Rating,
    Submission,
    UnitEvaluation,
)  # fmt: skip
from cases.operations import attachments, base, citizens
from core.text.numbers import phone_display
from core.web.filters import stamp
from intake import held
from organisations.calendar import load_calendar
from organisations.people import Actor
from workbench.queries import lefts, lines, names, nodes, outcome, story

Revealed = Mapping[tuple[int, str], str]  # (submission id, kind of value) -> the value in full
_CONTACT_ROLES = ("reporter", "contact", "agent", "joint", "representative", "callback")


@dataclass(frozen=True)
class Person:
    """Somebody in the matter, masked unless revealed."""

    role: str
    name: str
    phone: str = ""
    hidden: bool = True


@dataclass(frozen=True)
class Paper:
    """One submission of the case: the locked original and what was added beside it."""

    id: int
    number: str
    title: str
    text: str
    checksum: str
    channel: str
    disclosure: str
    received_at: datetime
    place: str
    consent: bool | None
    additions: list[dict[str, Any]]
    people: list[Person]
    revealed: frozenset[str] = frozenset()
    known: bool = True  # whether this person may learn who wrote
    held: held.Held | None = None  # pictures and the like, kept raw on the channel


@dataclass(frozen=True)
class Branch:
    """An assignment in the tree of who asked whom."""

    id: int
    role: str
    word: str
    office: str
    note: str
    state: str
    due: dict[str, Any]
    instruction: str
    opinion: str
    automatic: bool
    children: list[Branch] = field(default_factory=list)


@dataclass(frozen=True)
class CaseFile:
    """What the page of one case shows."""

    case: Case
    line: lines.Line
    papers: list[Paper]
    assigner: str
    branches: list[Branch]
    earlier_rounds: int
    history: list[story.Told]
    classifications: list[dict[str, Any]]
    answers: list[dict[str, Any]]
    ratings: list[dict[str, Any]]
    cards: list[dict[str, Any]]
    clocks: list[dict[str, Any]]
    files: list[dict[str, Any]]
    requests: list[dict[str, Any]]
    replies: list[PublishedReply]
    readers: list[str]
    exclusions: list[str]
    nodes: list[dict[str, Any]]
    assignments: list[Assignment]
    may_add: bool
    may_reveal: bool
    merged_into: Case | None = None
    copy_of: Case | None = None
    merged: Sequence[Case] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many entries of the history are of each group."""
        return {
            "": len(self.history),
            **{g: sum(one.group == g for one in self.history) for g in ("handling", "citizen", "supervision")},
        }


def read(session: Session, actor: Actor, at: datetime, case: Case, revealed: Revealed | None = None) -> CaseFile:
    """Everything about a case that the caller has already been allowed to see."""
    submissions = base.submissions_of(session, case)
    everything = list(
        session.scalars(
            select(Assignment).where(Assignment.case_id == case.id).order_by(Assignment.created_at, Assignment.id)
        )
    )
    present = [row for row in everything if row.round == case.round]
    offices = names.organisations(session, _office_ids(case, everything))
    events = list(session.scalars(select(Event).where(Event.case_id == case.id).order_by(Event.seq)))
    reads = all(citizens.may_read_original(actor, row) for row in submissions)
    clocks = list(session.scalars(select(CaseClock).where(CaseClock.case_id == case.id).order_by(CaseClock.started_at)))
    [line] = lines.lines(session, actor, at, [case])
    ratings = list(session.scalars(select(Rating).where(Rating.case_id == case.id).order_by(Rating.round)))
    return CaseFile(
        case=case,
        line=line,
        papers=papers(session, actor, submissions, revealed),
        assigner=_assigner(session, present, offices),
        branches=_tree(session, at, present, offices),
        earlier_rounds=case.round - 1,
        history=story.told(session, case.id, events),
        classifications=outcome.classifications(session, case),
        answers=outcome.answers(session, case, offices),
        ratings=[outcome.rating(row) for row in ratings],
        cards=outcome.cards(session, case),
        clocks=outcome.clocks(session, at, clocks, offices, {case.lead_id, *actor.organisation_ids}),
        files=outcome.files(session, actor, case),
        requests=_requests(session, actor, case, everything, offices),
        replies=list(session.scalars(select(PublishedReply).where(PublishedReply.case_id == case.id))),
        readers=outcome.readers(session, case),
        exclusions=outcome.exclusions(session, case),
        nodes=nodes.nodes(at, case, submissions, present, offices, line, ratings),
        assignments=present,
        may_add=attachments.may_add(session, actor, case) and workflow.permitted("register", case.stage),
        may_reveal=reads and actor.can("person.reveal"),
        merged_into=other(session, actor, case.merged_into_id),
        copy_of=other(session, actor, case.copy_of_id),
        merged=session.scalars(
            select(Case).where(Case.merged_into_id == case.id, visibility.visible(actor)).limit(20)
        ).all(),
    )


def other(session: Session, actor: Actor, case_id: int | None) -> Case | None:
    """Another case that this one points to, when this person may see it."""
    if case_id is None:
        return None
    return session.scalar(select(Case).where(Case.id == case_id, visibility.visible(actor)))


def _office_ids(case: Case, rows: Sequence[Assignment]) -> set[int | None]:
    found: set[int | None] = {case.lead_id}
    for row in rows:
        found |= {row.organisation_id, row.assigner_organisation_id, row.suggested_id}
    return found


# --- what citizens wrote --------------------------------------------------------------------------------


def papers(
    session: Session, actor: Actor, submissions: Sequence[Submission], revealed: Revealed | None = None
) -> list[Paper]:
    """What citizens wrote, masked, each with what was added beside it."""
    revealed = revealed or {}
    ids = [row.id for row in submissions]
    messages = list(
        session.scalars(select(Message).where(Message.submission_id.in_(ids)).order_by(Message.at, Message.id))
    )
    parties = list(session.scalars(select(Party).where(Party.submission_id.in_(ids)).order_by(Party.id)))
    areas = names.areas(session, (row.area_id for row in submissions))
    kept = held.of_submissions(session, ids)
    return [
        Paper(
            id=row.id, number=row.number, title=revealed.get((row.id, "title")) or row.title_masked,
            text=revealed.get((row.id, "body")) or row.body_masked, checksum=row.digest,
            channel=names.channel(row.channel), disclosure=row.disclosure, received_at=row.received_at,
            place=_place(row, areas, revealed), consent=row.consent_publish,
            additions=[_addition(one) for one in messages if one.submission_id == row.id and one.kind in _beside()],
            people=[
                _person(one, citizens.may_know_writer(actor, row), row.disclosure, revealed)
                for one in parties if one.submission_id == row.id
            ],
            known=citizens.may_know_writer(actor, row),
            held=kept.get(row.id),
            revealed=frozenset(kind for number, kind in revealed if number == row.id),
        )
        for row in submissions
    ]  # fmt: skip


def _place(row: Submission, areas: dict[int, str], revealed: Revealed) -> str:
    written = revealed.get((row.id, "place")) or row.place_masked or ""
    if row.position_sealed is not None and (row.id, "place") not in revealed:
        written = f"{written}{_('（另发来地图位置）')}"
    area = areas.get(row.area_id or 0, "")
    return written if area and area in written else " ".join(part for part in (area, written) if part)


def _beside() -> dict[str, str]:
    return {
        "addition": _("补充"),
        "correction": _("更正"),
        "answer": _("群众答复"),
        "question": _("请群众补充"),
        "objection": _("群众异议"),
    }


def _addition(message: Message) -> dict[str, Any]:
    who = names.channel(message.channel)
    return {"kind": _beside()[message.kind], "at": message.at, "who": who, "text": message.text_masked}


def _person(party: Party, knows: bool, disclosure: str, revealed: Revealed) -> Person:
    role = names.party_role(party.role)
    if party.role not in _CONTACT_ROLES:
        return Person(role, party.name or "—", hidden=False)
    if not knows and disclosure == "anonymous":
        return Person(role, _("（群众要求匿名，工作人员都看不到）"))
    if not knows:
        return Person(role, _("（群众要求保密，承办单位不可见）"))
    if party.role != "reporter":
        return Person(role, masked_name(party.name), masked_phone(party.phone))
    name = revealed.get((party.submission_id, "name"))
    phone = revealed.get((party.submission_id, "phone"))
    return Person(role, name or masked_name(party.name), phone or masked_phone(party.phone), hidden=False)


def masked_name(name: str | None) -> str:
    """赵** for a person's name; — for none."""
    return name[0] + "*" * max(1, len(name) - 1) if name else "—"


def masked_phone(phone: str | None) -> str:
    """138****2607; "" for none."""
    return phone_display(phone) if phone else ""


# --- who was asked --------------------------------------------------------------------------------


def _assigner(session: Session, rows: Sequence[Assignment], offices: dict[int, str]) -> str:
    top = next((row for row in rows if row.parent_id is None), None)
    if top is None:
        return ""
    if top.automatic:
        return str(_("系统自动派单"))
    people = names.accounts(session, [top.assigner_id])
    parts = (offices.get(top.assigner_organisation_id or 0, ""), people.get(top.assigner_id or 0, ""))
    return " · ".join(part for part in parts if part)


def _tree(session: Session, at: datetime, rows: Sequence[Assignment], offices: dict[int, str]) -> list[Branch]:
    people = names.accounts(session, (row.claimed_by_id for row in rows))
    branches = {row.id: _branch(session, at, row, offices, people) for row in rows}
    roots: list[Branch] = []
    for row in rows:
        parent = branches.get(row.parent_id or 0)
        (parent.children if parent else roots).append(branches[row.id])
    return sorted(roots, key=lambda branch: branch.role != "lead")


def _branch(session: Session, at: datetime, row: Assignment, offices: dict[int, str], people: dict[int, str]) -> Branch:
    calendar = load_calendar(session, row.organisation_id)
    if row.state == "to_sign":
        stretch = lefts.Stretch(row.created_at, row.sign_due_at)
        due = lefts.left(calendar, at, stretch, word=names.clock_kind("sign"))
    elif row.state == "doing":
        due = lefts.left(calendar, at, lefts.Stretch(row.signed_at or row.created_at, row.due_at))
    else:
        due = lines.due_of_assignment(session, at, row)
    signed = _("%(at)s 签收", at=stamp(row.signed_at)) if row.signed_at else ""
    word = _("上报") if row.kind == "report_up" else _("转办") if row.parent_id else ""
    return Branch(
        id=row.id, role=row.role, word=word if row.role == "lead" else "", office=offices.get(row.organisation_id, "—"),
        note=" · ".join(part for part in (people.get(row.claimed_by_id or 0, ""), signed) if part), state=row.state,
        due=due, instruction=row.instruction or "", opinion=row.opinion or "", automatic=row.automatic,
    )  # fmt: skip


def _may_decide(actor: Actor, row: AssignmentRequest, assignment: Assignment | None) -> bool:
    """Whether this person's consent is asked: the assigner's or the responsible head's, never one's own."""
    if row.asked_by_id is not None and row.asked_by_id == actor.account_id:
        return False
    heads = row.kind == "extension" and base.offered(actor, "approve_extension", assignment)
    return heads or base.offered(actor, "refuse_request", assignment)


def _requests(
    session: Session, actor: Actor, case: Case, rows: Sequence[Assignment], offices: dict[int, str]
) -> list[dict[str, Any]]:
    by_id = {row.id: row for row in rows}
    query = (
        select(AssignmentRequest)
        .where(AssignmentRequest.case_id == case.id)
        .order_by(AssignmentRequest.asked_at.desc())
    )
    found = list(session.scalars(query))
    people = names.accounts(session, (row.asked_by_id for row in found))
    return [
        {
            "row": row, "kind": names.request_kind(row.kind), "reason": row.reason or "", "days": row.days,
            "office": offices.get(by_id[row.assignment_id].organisation_id, "—") if row.assignment_id in by_id else "—",
            "who": people.get(row.asked_by_id or 0, ""), "mine": _may_decide(actor, row, by_id.get(row.assignment_id)),
        }
        for row in found
    ]  # fmt: skip


def evaluated(session: Session, assignments: Sequence[Assignment]) -> set[int]:
    """Which of these assignments were judged by their assigner already."""
    ids = [row.id for row in assignments]
    return set(session.scalars(select(UnitEvaluation.assignment_id).where(UnitEvaluation.assignment_id.in_(ids))))


def is_reader(session: Session, actor: Actor, case: Case) -> bool:
    """Whether this person was named to read a (possible) accusation."""
    query = select(CaseReader.id).where(CaseReader.case_id == case.id, CaseReader.account_id == actor.account_id)
    return session.scalar(query) is not None
