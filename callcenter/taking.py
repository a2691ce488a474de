"""A call is registered: the matter through intake, the contact always kept, where it went told at once.

The form's token makes a second press one registration. What may be an accusation stays with its readers: the agent is
told the number and nothing of the case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from callcenter import advice, checking, names
from callcenter.call import SCORES, YES_NO, Call
from cases import visibility
from cases.errors import AlreadyThere, DangerUnseen, Invalid, NotFound, NotNow
from cases.models import Assignment, CallBack, Case, Contact, Event, Submission
from cases.operations import alerts, base, citizens, classification, closing, contacts, deciding, messages, submissions
from cases.operations.contacts import NewContact
from classifier import words
from core.clock import Clock
from core.database import Database
from core.logging import get_logger
from core.text.normalise import normalise
from intake import diversion, forms, left
from intake.brain import Brain
from organisations.people import Actor

_log = get_logger(__name__)


@dataclass(frozen=True)
class Where:
    """Where a case stands. `state`: assigned, review, closed, kept (its readers' alone), waiting (unclassified)."""

    state: str
    case_id: int = 0
    path: tuple[str, ...] = ()
    lead: str = ""
    sign_due: datetime | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Registered:
    """What the agent reads out. `code` is shown once; `repeated`: it had been registered before."""

    kind: str
    number: str = ""
    code: str | None = None
    repeated: bool = False
    danger: str = ""
    promise_at: datetime | None = None
    where: Where | None = None
    answered: bool = False
    unanswered: str = ""
    call_back_due: datetime | None = None
    call_back_to: str = ""


def register(db: Database, clock: Clock, brain: Brain, actor: Actor, given: Call, do: str) -> Registered:
    """Register a call: `do` send, register (an officer sends it on) or answer (at once).

    Raises Invalid with a sentence by field, NotFound, NotNow, AlreadyThere, Forbidden; nothing is kept then.
    """
    actor.require("call.register")
    call, at = checking.settle(given), clock.now()
    checking.check(call, do, at)
    with db.read() as session:
        advice.require_lead(session, call)
        replies = [one["title"] for one in advice.read_replies(session, call.used)]
    if call.kind != "new":
        with db.write() as session:
            return _take_other(session, actor, at, call, replies)
    wish = diversion.HOLD if do != "send" else call.lead
    done = forms.take_call(db, clock, actor, call.form({diversion.WISH: wish} if wish else {}), call.token)
    with db.write() as session:
        contact = _contact(session, actor, at, call, replies, (done.submission.id,))
        owed = _owed(session, contact)
        _follow_up(session, actor, at, call, done.submission.id)
    _classify(db, clock, brain, done.case.id)
    answered, unanswered = _answer(db, actor, at, done.case.id, call.answer) if do == "answer" else (False, "")
    with db.read() as session:
        submission, case = session.get_one(Submission, done.submission.id), session.get_one(Case, done.case.id)
        return Registered(
            "new", submission.number, done.code, done.repeated, case.danger or "", case.promise_at,
            where_is(session, actor, case), answered, unanswered, *owed,
        )  # fmt: skip


# --- the contact ------------------------------------------------------------------------------------------------------


def _contact(
    session: Session, actor: Actor, at: datetime, call: Call, replies: Sequence[str], ids: tuple[int, ...]
) -> Contact:
    """The call itself, once by its token."""
    name = "" if call.anonymous else call.name
    return contacts.register_contact(session, actor, at, NewContact(
        channel=call.channel, kind=call.kind, started_at=call.started or at, number=call.caller, ended_at=at,
        origin_key=_key(call), flag=call.flag, callback_person=call.callback_person or name,
        callback_phone=call.back_to if call.flag == "needed" else "", callback_due=call.due,
        note=_note(call, replies), submission_ids=ids,
    ))  # fmt: skip


def _key(call: Call) -> str:
    return f"desk:{call.token}"


def _note(call: Call, replies: Sequence[str]) -> str:
    """What the contact keeps of a call beyond its submission: what was said, answered and read out."""
    lines = [call.body] if call.body and call.kind != "new" else []
    lines += [f"答复：{call.answer}"] if call.answer else []
    lines += [f"念过的答复：{title}" for title in replies]
    return "\n".join(lines)


def _owed(session: Session, contact: Contact) -> tuple[datetime | None, str]:
    """When the call-back of a contact is due, and to which number."""
    row = session.scalar(select(CallBack).where(CallBack.contact_id == contact.id))
    return (row.due_at, contact.callback_phone or "") if row is not None and row.state == "open" else (None, "")


def _follow_up(session: Session, actor: Actor, at: datetime, call: Call, submission_id: int | None) -> None:
    """The left dialogue that the agent took up is done with; somebody else may have been quicker."""
    if call.dialogue_id is None:
        return
    try:
        left.close_left(session, actor, at, call.dialogue_id, submission_id=submission_id)
    except (NotNow, NotFound):
        _log.info("dialogue_was_not_left", dialogue_id=call.dialogue_id)


# --- a call about something earlier, or about nothing -----------------------------------------------------------------


def _take_other(session: Session, actor: Actor, at: datetime, call: Call, replies: Sequence[str]) -> Registered:
    """追加 催办 查询 撤回 评价 骚扰 空号: one write session, so that message and contact stand together."""
    earlier = session.scalar(select(Contact).where(Contact.origin_key == _key(call)))
    about = call.earlier_id if call.kind in (*checking.ABOUT, "enquiry") else None
    number, danger, where = "", "", None
    if about is not None:
        submission, case = citizens.visible_submission(session, actor, about)
        if earlier is None:
            danger = _say(session, actor, at, call, submission, case)
        number, where = submission.number, where_is(session, actor, case)
    contact = earlier or _contact(session, actor, at, call, replies, (about,) if about is not None else ())
    if earlier is None:
        _follow_up(session, actor, at, call, about)
    return Registered(call.kind, number, None, earlier is not None, danger, None, where, bool(call.answer), "",
                      *_owed(session, contact))  # fmt: skip


def _say(session: Session, actor: Actor, at: datetime, call: Call, submission: Submission, case: Case) -> str:
    """What the caller wants of an earlier submission; gives the code of the danger that the words tell of."""
    danger = checking.danger_of(call)
    if danger and case.stage == "closed":
        raise Invalid({"kind": _("这一件已办结，内容又涉及人身安全：请登记为新诉求，值班人员才会收到提醒。")})
    asked = messages.open_question(session, submission.id) is not None
    says = {
        "add": messages.answer_question if asked else messages.add,
        "urge": messages.urge,
        "enquiry": messages.enquire,
    }
    if call.kind in says:
        says[call.kind](
            session, actor, at, submission.id, call.body, origin="desk", origin_key=_key(call), channel=call.channel,
            danger=danger,
        )  # fmt: skip
    elif call.kind == "withdraw":
        submissions.withdraw(session, actor, at, submission.id)
    else:
        rate(session, actor, at, submission.id, call_rating(call), way="hotline")
    if danger and call.kind not in says:
        alerts.raise_(session, at, case, danger, again=True)
    return danger


def call_rating(call: Call) -> Mapping[str, str]:
    """What the caller judged, as `rate` takes it."""
    return {"contacted": call.contacted, "resolved": call.resolved, "score": call.score, "comment": call.comment}


def rate(
    session: Session, actor: Actor, at: datetime, submission_id: int, said: Mapping[str, str], *, way: str
) -> None:
    """Keep the rating told on the telephone. Raises Invalid by the fields of the form, NotNow, AlreadyThere."""
    score, comment = int(said["score"]) if said.get("score") in SCORES else None, said.get("comment", "")
    try:
        closing.rate(
            session, actor, at, submission_id, YES_NO.get(said.get("contacted", "")),
            YES_NO.get(said.get("resolved", "")), score, comment, way=way,
            danger=words.danger(normalise(comment).text),
        )  # fmt: skip
    except Invalid as error:
        raise Invalid({"score": next(iter(error.fields.values()))}) from error


# --- a new matter -----------------------------------------------------------------------------------------------------


def _classify(db: Database, clock: Clock, brain: Brain, case_id: int) -> None:
    """Do at once what the job would do a moment later, so that the agent sees where it went. The job stays owed."""
    with db.read() as session:
        query = select(Event.id).where(Event.case_id == case_id, Event.kind == "submitted")
        event_id = session.scalar(query.order_by(Event.seq).limit(1))
    if event_id is None:
        return
    try:
        diversion.classify(db, clock, brain, case_id, event_id)
    except Exception as error:  # the job tries again; the call is registered
        _log.error("call_not_classified", case_id=case_id, exc_info=error)


def _answer(db: Database, actor: Actor, at: datetime, case_id: int, text: str) -> tuple[bool, str]:
    """Answer at once; gives whether that was possible, and if not, why."""
    try:
        with db.write() as session:
            deciding.direct_answer(session, actor, at, case_id, text)
        return True, ""
    except NotFound:
        return False, _("这件事由指定的人员受理，不能当场答复。请告诉来电人：已登记，会有人联系。")
    except DangerUnseen as unseen:
        return False, _(unseen.message)
    except (NotNow, AlreadyThere):
        with db.read() as session:
            case = session.get_one(Case, case_id)
        return (True, "") if case.outcome == "direct" else (False, _("这件事已经转给承办单位，由它答复。"))


def where_is(session: Session, actor: Actor, case: Case) -> Where:
    """Where a case stands now, as far as this person may know."""
    if case.accusation == "unread":
        return Where("waiting")
    if not visibility.may_see(session, actor, case):
        return Where("kept")
    path = tuple(level for level in (case.level1, case.level2, case.level3) if level)
    if case.stage == "review":
        latest = classification.latest(session, case.id)
        codes = latest.reasons if latest is not None else []
        return Where("review", case.id, path, reasons=tuple(
            _(diversion.REASONS[code]) for code in codes or [] if code in diversion.REASONS
        ))  # fmt: skip
    lead = names.offices(session, [case.lead_id]).get(case.lead_id or 0, "")
    return Where("closed" if case.stage == "closed" else "assigned", case.id, path, lead, _sign_due(session, case))


def _sign_due(session: Session, case: Case) -> datetime | None:
    waiting: list[Assignment] = [one for one in base.assignments_of(session, case) if one.state == "to_sign"]
    return next((one.sign_due_at for one in waiting if one.organisation_id == case.lead_id), None)
