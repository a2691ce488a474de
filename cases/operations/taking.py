"""How one request becomes rows: the steps of submissions.submit, in the order they are taken."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cases import clocks
from cases.errors import Forbidden, Invalid
from cases.models import (
    Case,
    Citizen,
    ContactPoint,
    ExtraField,
    Party,
    Submission,
    SubmissionCase,
    SubmissionPoint,
)
from cases.operations import alerts, attachments, base, citizens, codes
from cases.operations.citizens import WRITERS
from cases.operations.inputs import NewSubmission, PersonNamed, Submitted
from cases.operations.masks import without
from core import ids
from core.crypto import ring, salted_digest
from organisations.people import SYSTEM, Actor

COPY_WINDOW = timedelta(minutes=10)


def exact_digest(title: str, body: str) -> str:
    """The keyed digest by which an exact copy is found."""
    return ring().digest("text", f"{title}\0{body}")


def may_submit(actor: Actor) -> None:
    """Raise Forbidden for staff who may not register."""
    if not (actor.is_citizen or actor.is_system or actor.can("call.register") or actor.can("case.review")):
        raise Forbidden(operation="submit")


def check_given(new: NewSubmission) -> None:
    """Raise Invalid without text, or with a disclosure that there is none of."""
    if not new.title.strip() and not new.body.strip():
        raise Invalid({"body": "请写下您要反映的事情。"})
    if new.disclosure not in {"named", "confidential", "anonymous"}:
        raise Invalid({"disclosure": "请选择实名、实名保密或匿名。"})


def one_at_a_time(session: Session, exact: str) -> None:
    """Let submissions of the same text follow one another; SQLite's writers do anyway."""
    if session.get_bind().dialect.name == "postgresql":
        key = int(exact.rpartition(".")[2][:15], 16)
        session.execute(select(func.pg_advisory_xact_lock(key)))


def earlier(session: Session, new: NewSubmission) -> Submitted | None:
    """What came under the same (origin, origin_key) before."""
    query = select(Submission).where(Submission.origin == new.origin, Submission.origin_key == new.origin_key)
    submission = session.scalar(query)
    if submission is None:
        return None
    return Submitted(submission, base.case_of(session, submission.id), None, True)


def _copy(session: Session, new: NewSubmission, citizen: Citizen | None, exact: str) -> Submitted | None:
    """The same words by the same citizen within ten minutes."""
    if citizen is None or session.info.get("quiet"):
        return None
    query = (
        select(Submission)
        .where(Submission.exact_digest == exact, Submission.citizen_id == citizen.id)
        .where(Submission.received_at >= new.received_at - COPY_WINDOW, Submission.withdrawn_at.is_(None))
        .where(Submission.received_at <= new.received_at + COPY_WINDOW)
        .where(Submission.submitted_at.is_not(None))
        .order_by(Submission.received_at)
        .limit(1)
    )
    submission = session.scalar(query)
    return Submitted(submission, base.case_of(session, submission.id), None, True) if submission else None


def take_in(session: Session, actor: Actor, at: datetime, new: NewSubmission, exact: str) -> Submitted:
    """Write everything of a new request; an exact copy of a recent one gives that one."""
    citizen, points = citizens.ensure_citizen(session, new.reporter, at)
    copied = _copy(session, new, citizen, exact)
    if copied is not None:
        return copied
    new = concealed(new, citizen)
    submission = _submission(session, at, new, citizen, exact)
    case = Case(
        number=submission.number, track=new.track, stage="", status="draft", title=new.title_masked,
        area_id=new.area_id, received_at=new.received_at, danger=new.danger or None,
    )  # fmt: skip
    session.add_all([submission, case])
    session.flush()
    session.add(SubmissionCase(submission_id=submission.id, case_id=case.id, since=new.received_at))
    beside(session, at, new, submission, citizen, points)
    # Nobody is told the code of a petition of the past.
    code = codes.issue(session, at, submission, by_id=actor.account_id) if new.imported_at is None else None
    enter(session, actor, at, submission, case, new.danger, draft=new.draft)
    return Submitted(submission, case, code, False)


def concealed(new: NewSubmission, citizen: Citizen | None) -> NewSubmission:
    """The request with what was declared hidden in its masked texts too: 欧阳建国，东湖区… tells who wrote."""
    person = new.reporter
    declared = [person.name, person.phone, person.id_number, person.email, person.address]
    declared += [value for one in new.parties if one.role in WRITERS for value in (one.name, one.phone)]
    if citizen is not None and citizen.name:
        declared.append(citizen.name)
    return replace(
        new, title_masked=without(new.title_masked, declared), body_masked=without(new.body_masked, declared),
        place_masked=without(new.place_masked, declared),
    )  # fmt: skip


def _submission(session: Session, at: datetime, new: NewSubmission, citizen: Citizen | None, exact: str) -> Submission:
    salt = secrets.token_hex(32)
    number = ids.new_number(new.received_at)
    while session.scalar(select(Submission.id).where(Submission.number == number)) is not None:
        number = ids.new_number(new.received_at)
    return Submission(
        number=number, origin=new.origin, origin_key=new.origin_key, channel=new.channel, source=new.source,
        track=new.track, citizen_id=citizen.id if citizen else None, disclosure=new.disclosure,
        consent_publish=new.consent_publish, title=new.title, title_masked=new.title_masked, body=new.body,
        body_masked=new.body_masked, offsets=new.offsets, salt=salt,
        digest=salted_digest(bytes.fromhex(salt), f"{new.title}\0{new.body}"), exact_digest=exact,
        place=new.place or None, place_masked=new.place_masked or None, area_id=new.area_id,
        position=new.position or None, datum=new.datum, accuracy_m=new.accuracy_m, claimed_level1=new.claimed_level1,
        occurred_at=new.occurred_at, received_at=new.received_at, submitted_at=None if new.draft else at,
        imported_at=new.imported_at,
    )  # fmt: skip


def beside(
    session: Session,
    at: datetime,
    new: NewSubmission,
    submission: Submission,
    citizen: Citizen | None,
    points: list[ContactPoint],
) -> None:
    """What stands beside the text: the contact points used, the parties as declared, the files, the extra fields."""
    for point in points:
        session.add(
            SubmissionPoint(submission_id=submission.id, contact_point_id=point.id, received_at=new.received_at)
        )
    reporter = PersonNamed("reporter", new.reporter.name, new.reporter.phone)
    for person in (reporter, *new.parties):
        if person is reporter and citizen is None:
            continue
        session.add(_party(submission.id, person, at, citizen.id if citizen and person is reporter else None))
    attachments.store(session, at, new.files, submission_id=submission.id)
    for code, value in new.extra.items():
        row = ExtraField(submission_id=submission.id, form_version=new.form_version, code=code)
        row.value = value
        session.add(row)
    session.flush()


def _party(submission_id: int, person: PersonNamed, at: datetime, citizen_id: int | None) -> Party:
    phone = citizens.normal_point("phone", person.phone)
    return Party(
        submission_id=submission_id, role=person.role, citizen_id=citizen_id, organisation_id=person.organisation_id,
        name=person.name.strip() or None, phone=person.phone.strip() or None,
        phone_digest=citizens.point_digest("phone", phone) if phone else None, declared_at=at,
    )  # fmt: skip


def enter(
    session: Session,
    actor: Actor,
    at: datetime,
    submission: Submission,
    case: Case,
    danger: str,
    *,
    draft: bool = False,
) -> None:
    """The event, and unless it is a draft or an import the clocks; danger to life goes to the head of the queue."""
    data = {"digest": submission.digest, "channel": submission.channel, "origin": submission.origin}
    by = SYSTEM if actor.is_system else actor
    base.record(session, by, "save_draft" if draft else "submit", case, at, submission_id=submission.id, data=data)
    if draft:
        return
    if not session.info.get("quiet"):
        _start_clocks(session, submission, case)
        if danger:
            alerts.raise_(session, at, case, danger)


def _start_clocks(session: Session, submission: Submission, case: Case) -> None:
    """Review and promise on the hotline; fifteen days to decide on the petition track (信访工作条例)."""
    at = submission.received_at
    if case.track == "petition":
        clocks.start(session, case, subject="case", subject_id=case.id, kind="decide", at=at, cause="submitted")
        return
    clocks.start(session, case, subject="case", subject_id=case.id, kind="review", at=at, cause="submitted")
    clocks.start(
        session, case, subject="submission", subject_id=submission.id, kind="promise", at=at, cause="submitted"
    )
