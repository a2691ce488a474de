"""A citizen's request enters the hub: kept as written, numbered, joined to a case, its clocks started."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cases import clocks, history, workflow
from cases.errors import Forbidden, Invalid, NotFound, NotNow
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
from cases.operations import alerts, attachments, base, citizens, codes, ending
from cases.operations.inputs import FileGiven, NewSubmission, PersonNamed, Reporter, Submitted
from core import ids
from core.crypto import ring, salted_digest
from organisations.people import SYSTEM, Actor

__all__ = [
    "FileGiven",
    "NewSubmission",
    "PersonNamed",
    "Reporter",
    "Submitted",
    "open_submissions",
    "own_submissions",
    "revise_draft",
    "submit",
    "submit_draft",
    "withdraw",
]

COPY_WINDOW = timedelta(minutes=10)
_TRIES = 5  # numbers are drawn by chance: on a busy day two may meet


def submit(session: Session, actor: Actor, at: datetime, new: NewSubmission) -> Submitted:
    """Take in one request: submission, case, parties, files, query code, event, clocks.

    The same (origin, origin_key) again, also at the same moment, gives the earlier submission and no code; so does an
    exact copy by the same citizen within ten minutes. A quiet session (imports) looks for no copies, starts no clock
    and owes no job. Raises Invalid without text, Forbidden for staff who may not register.
    """
    _may_submit(actor)
    _check(new)
    exact = exact_digest(new.title, new.body)
    _one_at_a_time(session, exact)
    for _ in range(_TRIES):
        earlier = _earlier(session, new)
        if earlier is not None:
            return earlier
        try:
            with session.begin_nested():
                return _take_in(session, actor, at, new, exact)
        except IntegrityError as error:
            # The earlier one came at the same moment, or the number was drawn twice: look again.
            clash = error
    raise clash


def submit_draft(session: Session, actor: Actor, at: datetime, submission_id: int) -> Submitted:
    """Hand in what was kept as a draft; from now on its text never changes. Doing it twice is doing it once."""
    submission, case = _own_draft(session, actor, submission_id)
    if submission.submitted_at is not None:
        return Submitted(submission, case, None, True)
    if not workflow.permitted("submit", case.stage):
        raise NotNow(operation="submit", state=case.stage)
    submission.received_at = submission.submitted_at = at
    case.received_at = at
    for point in session.scalars(select(SubmissionPoint).where(SubmissionPoint.submission_id == submission.id)):
        point.received_at = at
    _enter(session, actor, at, submission, case, case.danger or "")
    return Submitted(submission, case, None, False)


def revise_draft(session: Session, actor: Actor, at: datetime, submission_id: int, new: NewSubmission) -> Submission:
    """Write a draft anew: its text, place, category, disclosure and consent; files are added to those it has.

    Who writes stays as first declared. Raises NotFound, Forbidden, Invalid, NotNow once it was submitted.
    """
    submission, case = _own_draft(session, actor, submission_id)
    _check(new)
    if submission.submitted_at is not None or case.stage != "draft":
        raise NotNow(operation="revise_draft", state=case.stage)
    for name in _REVISABLE:
        setattr(submission, name, getattr(new, name))
    submission.place, submission.place_masked = new.place or None, new.place_masked or None
    submission.salt = secrets.token_hex(32)
    submission.digest = salted_digest(bytes.fromhex(submission.salt), f"{new.title}\0{new.body}")
    submission.exact_digest = exact_digest(new.title, new.body)
    case.title, case.area_id, case.danger, case.track = new.title_masked, new.area_id, new.danger or None, new.track
    attachments.store(session, at, new.files, submission_id=submission.id)
    history.append(
        session, case, "draft_revised", at, actor_id=actor.account_id, submission_id=submission.id,
        data={"digest": submission.digest},
    )  # fmt: skip
    return submission


_REVISABLE = (
    "title", "title_masked", "body", "body_masked", "offsets", "area_id", "latitude", "longitude", "datum", "accuracy_m",
    "claimed_level1", "occurred_at", "disclosure", "consent_publish", "track",
)  # fmt: skip


def _own_draft(session: Session, actor: Actor, submission_id: int) -> tuple[Submission, Case]:
    """A submission and its case under lock, for whoever may hand it in."""
    _may_submit(actor)
    submission = session.get(Submission, submission_id)
    if submission is None:
        raise NotFound()
    case = base.lock_case(session, base.case_of(session, submission_id).id)
    session.refresh(submission)
    return submission, case


def withdraw(session: Session, actor: Actor, at: datetime, submission_id: int, reason: str = "") -> Case:
    """The citizen takes a request back. The case closes when it was its only one, and is not (possibly) an accusation:
    a complainant may be under pressure, so a named reader decides.

    `reason` is a code (dictionary withdraw_reason). Raises NotFound, Forbidden, NotNow.
    """
    submission = session.get(Submission, submission_id)
    if submission is None:
        raise NotFound()
    case = base.lock_case(session, base.case_of(session, submission_id).id)
    base.check(session, actor, "withdraw", case)
    if submission.withdrawn_at is not None:
        raise NotNow(operation="withdraw", state="withdrawn")
    submission.withdrawn_at = at
    clocks.end(session, "submission", submission.id, "promise", at, "withdrawn")
    case.promise_at = clocks.earliest_promise(session, case)
    others = [one for one in base.submissions_of(session, case) if one.id != submission.id and not one.withdrawn_at]
    if others or case.accusation in {"possible", "yes"}:
        session.flush()
        history.append(
            session, case, "withdrawn", at, actor_id=actor.account_id, submission_id=submission.id,
            data={"reason": reason, "case_goes_on": True},
        )  # fmt: skip
        return case
    ending.close_case(session, case, at, "withdrawn")
    base.record(session, actor, "withdraw", case, at, submission_id=submission.id, data={"reason": reason})
    return case


def own_submissions(session: Session, contact_kind: str, value: str, limit: int = 5) -> list[Submission]:
    """The newest submissions made with a contact point, for its owner: the caller has verified the channel."""
    query = (
        select(Submission)
        .join(SubmissionPoint, SubmissionPoint.submission_id == Submission.id)
        .join(ContactPoint, ContactPoint.id == SubmissionPoint.contact_point_id)
        .where(ContactPoint.kind == contact_kind, ContactPoint.digest == citizens.point_digest(contact_kind, value))
        .order_by(SubmissionPoint.received_at.desc(), SubmissionPoint.submission_id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def open_submissions(session: Session, kind: str, value: str, limit: int = 5) -> list[Submission]:
    """The same, of those whose case is still open and which were not withdrawn: what an 催办 or 补充 may belong to."""
    query = (
        select(Submission)
        .join(SubmissionPoint, SubmissionPoint.submission_id == Submission.id)
        .join(ContactPoint, ContactPoint.id == SubmissionPoint.contact_point_id)
        .join(SubmissionCase, SubmissionCase.submission_id == Submission.id)
        .join(Case, Case.id == SubmissionCase.case_id)
        .where(ContactPoint.kind == kind, ContactPoint.digest == citizens.point_digest(kind, value))
        .where(SubmissionCase.until.is_(None), Case.stage.not_in(["draft", "closed"]))
        .where(Submission.withdrawn_at.is_(None))
        .order_by(SubmissionPoint.received_at.desc(), SubmissionPoint.submission_id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def exact_digest(title: str, body: str) -> str:
    """The keyed digest by which an exact copy is found."""
    return ring().digest("text", f"{title}\0{body}")


# --- taking in --------------------------------------------------------------------------------------------------------


def _may_submit(actor: Actor) -> None:
    if not (actor.is_citizen or actor.is_system or actor.can("call.register") or actor.can("case.review")):
        raise Forbidden(operation="submit")


def _check(new: NewSubmission) -> None:
    if not new.title.strip() and not new.body.strip():
        raise Invalid({"body": "请写下您要反映的事情。"})
    if new.disclosure not in {"named", "confidential", "anonymous"}:
        raise Invalid({"disclosure": "请选择实名、实名保密或匿名。"})


def _one_at_a_time(session: Session, exact: str) -> None:
    """Let submissions of the same text follow one another; SQLite's writers do anyway."""
    if session.get_bind().dialect.name == "postgresql":
        key = int(exact.rpartition(".")[2][:15], 16)
        session.execute(select(func.pg_advisory_xact_lock(key)))


def _earlier(session: Session, new: NewSubmission) -> Submitted | None:
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


def _take_in(session: Session, actor: Actor, at: datetime, new: NewSubmission, exact: str) -> Submitted:
    citizen, points = citizens.ensure_citizen(session, new.reporter, at)
    copied = _copy(session, new, citizen, exact)
    if copied is not None:
        return copied
    submission = _submission(session, at, new, citizen, exact)
    case = Case(
        number=submission.number, track=new.track, stage="", status="draft", title=new.title_masked,
        area_id=new.area_id, received_at=new.received_at, danger=new.danger or None,
    )  # fmt: skip
    session.add_all([submission, case])
    session.flush()
    session.add(SubmissionCase(submission_id=submission.id, case_id=case.id, since=new.received_at))
    _beside(session, at, new, submission, citizen, points)
    code = codes.issue(session, at, submission, by_id=actor.account_id)
    _enter(session, actor, at, submission, case, new.danger, draft=new.draft)
    return Submitted(submission, case, code, False)


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
        place=new.place or None, place_masked=new.place_masked or None, area_id=new.area_id, latitude=new.latitude,
        longitude=new.longitude, datum=new.datum, accuracy_m=new.accuracy_m, claimed_level1=new.claimed_level1,
        occurred_at=new.occurred_at, received_at=new.received_at, submitted_at=None if new.draft else at,
        imported_at=new.imported_at,
    )  # fmt: skip


def _beside(
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


def _enter(
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
