"""Who is calling: what a complete number leads to, on the audit record. Names and numbers are shown masked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from callcenter import names
from cases.errors import Invalid, NotFound
from cases.models import BlockedNumber, Case, Contact, Party, Rating, Submission, SubmissionCase
from cases.operations import citizens, contacts
from core import ids
from core.text.numbers import normal_phone
from organisations.people import Actor

MOST = 20  # earlier submissions shown
CALLS = 10


@dataclass(frozen=True)
class Earlier:
    """One earlier submission as the desk lists it. `state` as chips know it."""

    submission_id: int
    case_id: int
    number: str
    title: str
    channel: str
    received_at: datetime
    state: str
    open: bool
    withdrawn: bool
    due_at: datetime | None
    lead: str
    rating: str


@dataclass(frozen=True)
class Caller:
    """What is known of a number: its submissions and calls, whether it is blocked, how often it was a nuisance."""

    asked: str
    phone: str = ""
    name: str = ""
    earlier: Sequence[Earlier] = ()
    total: int = 0
    calls: Sequence[Contact] = field(default_factory=tuple)
    blocked: bool = False
    counted: int = 0

    @property
    def unfinished(self) -> int:
        """How many of the shown submissions are not closed."""
        return sum(1 for one in self.earlier if one.open)


def find(session: Session, actor: Actor, at: datetime, asked: str) -> Caller:
    """What a complete telephone, identity or submission number leads to; in a write session, for the audit record.

    Raises Forbidden without person.search, Invalid for part of a number.
    """
    phone = normal_phone(asked) or ""
    number = None if phone else ids.clean_number(asked)
    if number is not None:
        found, total = _by_number(session, actor, at, number)
    else:
        found, total = _by_person(session, actor, at, asked)
    calls = contacts.recent_contacts(session, actor, at, phone, CALLS) if phone else []
    digest = citizens.point_digest("phone", phone) if phone else ""
    row = session.scalar(select(BlockedNumber).where(BlockedNumber.digest == digest)) if phone else None
    return Caller(
        asked, phone, _name(session, found), _earlier(session, found), total, calls,
        row is not None and row.blocked_at is not None, row.count if row else 0,
    )  # fmt: skip


def _by_person(session: Session, actor: Actor, at: datetime, asked: str) -> tuple[list[Submission], int]:
    try:
        return citizens.find_by_number(session, actor, at, asked, size=MOST)
    except Invalid as error:
        raise Invalid(
            {"number": _("请输入完整的手机号、带区号的座机号、身份证号，或 13 位诉求编号；号码没有显示的，请留空。")}
        ) from error


def _by_number(session: Session, actor: Actor, at: datetime, number: str) -> tuple[list[Submission], int]:
    actor.require("person.search")
    submission_id = session.scalar(select(Submission.id).where(Submission.number == number))
    try:
        submission, case = citizens.visible_submission(session, actor, submission_id or 0)
    except NotFound:
        return [], 0
    citizens.note_read(session, actor, at, case.id)
    return [submission], 1


def _name(session: Session, found: Sequence[Submission]) -> str:
    """The name of whoever wrote last, masked; nobody's who asked for silence."""
    named = [one.id for one in found if one.disclosure != "anonymous"]
    query = select(Party.submission_id, Party).where(Party.submission_id.in_(named), Party.role == "reporter")
    people = dict(session.execute(query).tuples().all()) if named else {}
    return next((names.masked_name(people[one].name) for one in named if one in people and people[one].name), "")


def _earlier(session: Session, found: Sequence[Submission]) -> list[Earlier]:
    """The submissions with their cases, offices and ratings: three queries whatever their number."""
    if not found:
        return []
    wanted = [one.id for one in found]
    pairs = session.execute(
        select(SubmissionCase.submission_id, Case)
        .join(Case, Case.id == SubmissionCase.case_id)
        .where(SubmissionCase.submission_id.in_(wanted), SubmissionCase.until.is_(None))
    )
    cases = dict(pairs.tuples().all())
    ratings = select(Rating).where(Rating.submission_id.in_(wanted)).order_by(Rating.at, Rating.id)
    rated = {one.submission_id: one.satisfaction for one in session.scalars(ratings)}
    offices = names.offices(session, (case.lead_id for case in cases.values()))
    channels = names.channels()
    shown = []
    for one in found:
        case = cases[one.id]
        done = case.stage == "closed" or one.withdrawn_at is not None
        shown.append(Earlier(
            one.id, case.id, one.number, one.title_masked, channels.get(one.channel, one.channel), one.received_at,
            case.stage if case.stage in ("review", "asking") else case.status, not done,
            one.withdrawn_at is not None, None if done else case.due_at or case.promise_at,
            offices.get(case.lead_id or 0, ""), names.satisfaction(rated.get(one.id)),
        ))  # fmt: skip
    return shown
