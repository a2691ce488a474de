"""Citizens and how they are reached: found again by keyed digest, revealed only on record."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from cases import visibility
from cases.errors import Forbidden, Invalid, NotFound
from cases.models import (
    Case,
    Citizen,
    ContactPoint,
    ContactPointOwner,
    Party,
    Submission,
    SubmissionCase,
    SubmissionPoint,
)
from cases.operations import base
from cases.operations.inputs import Reporter
from core import audit, ids
from core.crypto import ring
from core.text.numbers import half_width, id_number_ok, normal_phone
from organisations.people import Actor

POINTS = ("phone", "openid", "email", "address")
# Roles of those on the citizen's side: their names and numbers are hidden in every text of the submission.
WRITERS = ("reporter", "contact", "agent", "joint", "representative", "callback")
# What can be revealed, one at a time, each on record.
REVEALS = ("name", "phone", "id_number", "email", "address", "place", "title", "body")
_WRITERS_OWN = frozenset({"name", "phone", "id_number", "email", "address"})


def normal_point(kind: str, value: str) -> str:
    """A contact point written one way, so that its digest is found again; empty when there is nothing in it."""
    value = half_width(value).strip()
    if kind == "phone":
        return normal_phone(value) or "".join(mark for mark in value if mark.isdigit() or mark == "+")
    return value.lower() if kind == "email" else value


def point_digest(kind: str, value: str) -> str:
    """The keyed digest under which a contact point is looked up."""
    return ring().digest(kind, normal_point(kind, value))


def ensure_point(session: Session, kind: str, value: str, at: datetime, *, verified: bool = False) -> ContactPoint:
    """The contact point of this value, made when it is new; two at once give one."""
    normal = normal_point(kind, value)
    digest = ring().digest(kind, normal)
    point = _point(session, kind, digest)
    if point is None:
        fresh = ContactPoint(kind=kind, digest=digest, created_at=at)
        fresh.value = normal
        values = {"id": fresh.id, "kind": kind, "digest": digest, "value_sealed": fresh.value_sealed, "created_at": at}
        _insert_once(session, ContactPoint, values)
        point = _point(session, kind, digest)
        if point is None:
            raise NotFound()
    if verified and point.verified_at is None:
        point.verified_at = at
    return point


def set_stopped(session: Session, kind: str, value: str, at: datetime, stopped: bool) -> None:
    """Keep that the owner wants nothing sent (STOP), or does again (START)."""
    point = ensure_point(session, kind, value, at, verified=True)
    point.stopped_at = (point.stopped_at or at) if stopped else None


def is_stopped(session: Session, kind: str, value: str) -> bool:
    """Whether the owner of a contact point wants nothing sent."""
    point = _point(session, kind, point_digest(kind, value))
    return point is not None and point.stopped_at is not None


def ensure_citizen(session: Session, reporter: Reporter, at: datetime) -> tuple[Citizen | None, list[ContactPoint]]:
    """The citizen of a declaration and the contact points given; None and none when nothing was declared.

    Found again by identity number, else by openid, else by a contact point together with the same name.
    """
    given = {kind: str(getattr(reporter, kind)) for kind in POINTS}
    # In one order everywhere, so that two who give the same points don't wait for each other.
    points = [
        ensure_point(session, kind, value, at, verified=kind in reporter.verified)
        for kind, value in sorted(given.items())
        if normal_point(kind, value)
    ]
    name = reporter.name.strip()
    id_number = half_width(reporter.id_number).strip().upper()
    if not (points or name or id_number):
        return None, []
    citizen = _known(session, points, name, id_number)
    if citizen is None:
        citizen = Citizen(kind=reporter.kind, created_at=at)
        session.add(citizen)
    _complete(citizen, name, id_number)
    session.flush()
    for point in points:
        values = {"id": ids.new_id(), "contact_point_id": point.id, "citizen_id": citizen.id, "since": at}
        _insert_once(session, ContactPointOwner, values)
    return citizen, points


def _known(session: Session, points: list[ContactPoint], name: str, id_number: str) -> Citizen | None:
    if id_number:
        digest = ring().digest("id_number", id_number)
        found = session.scalars(select(Citizen).where(Citizen.id_digest == digest).order_by(Citizen.id)).first()
        if found is not None:
            return found
    for point in sorted(points, key=lambda point: point.kind != "openid"):
        if point.kind == "address":
            continue
        for owner in _owners(session, point):
            if id_number and owner.id_digest:
                continue  # somebody else, by number
            if point.kind == "openid" or (owner.name or "") == name or not (owner.name and name):
                return owner
    return None


def _complete(citizen: Citizen, name: str, id_number: str) -> None:
    if name and not citizen.name:
        citizen.name = name
    if id_number and not citizen.id_digest:
        citizen.id_number = id_number
        citizen.id_digest = ring().digest("id_number", id_number)


def _owners(session: Session, point: ContactPoint) -> list[Citizen]:
    query = (
        select(Citizen)
        .join(ContactPointOwner, ContactPointOwner.citizen_id == Citizen.id)
        .where(ContactPointOwner.contact_point_id == point.id)
        .order_by(ContactPointOwner.since.desc(), Citizen.id)
        .limit(20)
    )
    return list(session.scalars(query))


def _point(session: Session, kind: str, digest: str) -> ContactPoint | None:
    return session.scalar(select(ContactPoint).where(ContactPoint.kind == kind, ContactPoint.digest == digest))


def _insert_once(session: Session, model: type[Any], values: dict[str, Any]) -> None:
    """Insert a row unless one with its unique values is there, without failing when two come at once."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    session.execute(dialect.insert(model).values(**values).on_conflict_do_nothing())


# --- on record --------------------------------------------------------------------------------------------------------


def reveal(session: Session, actor: Actor, at: datetime, kind: str, submission_id: int) -> str:
    """One personal value of a submission (see REVEALS), in full and on the audit record; empty when not given.

    Raises NotFound when the case is not this person's to see; Forbidden without person.reveal, where the citizen asked
    that the department not see who wrote (实名保密), and to everybody for who wrote without a name (匿名).
    """
    if kind not in REVEALS:
        raise Invalid({"kind": "没有这一项信息。"})
    submission, case = visible_submission(session, actor, submission_id)
    actor.require("person.reveal")
    if kind in _WRITERS_OWN and submission.disclosure == "anonymous" and not actor.is_system:
        raise Forbidden(message="群众要求匿名，姓名和号码不显示给任何工作人员；要问他什么，请用“请群众补充”。")
    if not may_read_original(actor, submission):
        raise Forbidden(message="群众要求对承办单位保密，本岗位不能查看。请通过热线转达。")
    audit.record(
        session, at=at, actor_id=actor.account_id, action="revealed", subject="submission", subject_id=submission.id,
        details={"kind": kind, "case": case.id},
    )  # fmt: skip
    return _value(session, submission, kind) or ""


def may_know_writer(actor: Actor, submission: Submission) -> bool:
    """Whether a person may learn who wrote: of 实名 anybody, of 实名保密 who takes submissions in, of 匿名 nobody."""
    return actor.is_system or (submission.disclosure != "anonymous" and may_read_original(actor, submission))


def may_read_original(actor: Actor, submission: Submission) -> bool:
    """Whether a person may read a text as it was written: of 实名 anybody, otherwise who takes submissions in."""
    if actor.is_system or submission.disclosure == "named":
        return True
    return actor.can("call.register") or actor.can("case.review") or "accusation_reader" in actor.roles


def declared(session: Session, submission: Submission) -> list[str]:
    """The names and numbers of those who wrote a submission, as declared with it."""
    query = select(Party).where(Party.submission_id == submission.id, Party.role.in_(WRITERS))
    values = [value for row in session.scalars(query) for value in (row.name, row.phone)]
    citizen = session.get(Citizen, submission.citizen_id) if submission.citizen_id else None
    if citizen is not None:
        values += [citizen.name, citizen.id_number]
    return [value for value in values if value]


def _value(session: Session, submission: Submission, kind: str) -> str | None:
    if kind in {"title", "body"}:
        return submission.title if kind == "title" else submission.body
    if kind == "place":
        degrees = f"{submission.position} {submission.datum or ''}".strip() if submission.position else ""
        return f"{submission.place or ''}（{degrees}）" if degrees else submission.place
    if kind in {"name", "phone"}:
        query = select(Party).where(Party.submission_id == submission.id, Party.role == "reporter").limit(1)
        party = session.scalar(query)
        return None if party is None else party.name if kind == "name" else party.phone
    if kind == "id_number":
        citizen = session.get(Citizen, submission.citizen_id) if submission.citizen_id else None
        return citizen.id_number if citizen else None
    point = session.scalar(
        select(ContactPoint)
        .join(SubmissionPoint, SubmissionPoint.contact_point_id == ContactPoint.id)
        .where(SubmissionPoint.submission_id == submission.id, ContactPoint.kind == kind)
    )
    return point.value if point else None


def visible_submission(session: Session, actor: Actor, submission_id: int) -> tuple[Submission, Case]:
    """A submission and its case, for a member of staff who may see it. Raises NotFound."""
    submission = session.get(Submission, submission_id)
    if submission is None:
        raise NotFound()
    case = base.case_of(session, submission_id)
    if not actor.is_system and not visibility.may_see(session, actor, case):
        raise NotFound()
    return submission, case


def note_read(session: Session, actor: Actor, at: datetime, case_id: int) -> None:
    """Put on the audit record that a person opened a case."""
    audit.record(session, at=at, actor_id=actor.account_id, action="case_read", subject="case", subject_id=case_id)


def find_by_number(
    session: Session, actor: Actor, at: datetime, number: str, *, page: int = 1, size: int = 20
) -> tuple[list[Submission], int]:
    """The submissions of whoever uses a complete telephone or identity number, newest first, and how many in all.

    Only cases that the person may see count, and none that was written without a name.
    Raises Forbidden without person.search, Invalid for part of a number.
    """
    actor.require("person.search")
    phone, id_number = normal_phone(number), half_width(number).strip().upper()
    if phone is None and not id_number_ok(id_number):
        raise Invalid({"number": "请输入完整的手机号、带区号的座机号或身份证号。"})
    kind = "phone" if phone else "id_number"
    digest = ring().digest(kind, phone or id_number)
    query = (
        select(Submission.id)
        .join(SubmissionCase, SubmissionCase.submission_id == Submission.id)
        .join(Case, Case.id == SubmissionCase.case_id)
        .where(SubmissionCase.until.is_(None), visibility.visible(actor), _of_person(kind, digest))
        .where(Submission.disclosure != "anonymous")
        .distinct()
    )
    count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    wanted = select(Submission).where(Submission.id.in_(query)).order_by(Submission.received_at.desc(), Submission.id)
    found = list(session.scalars(wanted.limit(size).offset((page - 1) * size)))
    audit.record(
        session, at=at, actor_id=actor.account_id, action="person_searched", details={"by": kind, "found": count}
    )
    return found, count


def _of_person(kind: str, digest: str) -> ColumnElement[bool]:
    if kind == "id_number":
        return Submission.citizen_id.in_(select(Citizen.id).where(Citizen.id_digest == digest))
    point = select(ContactPoint.id).where(ContactPoint.kind == "phone", ContactPoint.digest == digest)
    return or_(
        Submission.id.in_(
            select(SubmissionPoint.submission_id).where(SubmissionPoint.contact_point_id.in_(point.scalar_subquery()))
        ),
        Submission.id.in_(select(Party.submission_id).where(Party.phone_digest == digest)),
    )
