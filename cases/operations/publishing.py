"""Publishing a question and its reply: one person proposes, another releases, personal data masked, withdrawn at once.

Nothing is published without the citizen's consent, nor while the case is, or may be, an accusation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from cases import history, visibility
from cases.errors import AlreadyThere, Invalid, NotFound, NotNow, NotPublishable, SamePerson
from cases.models import Answer, Case, ContactPoint, Party, PublishedReply, Submission, SubmissionPoint
from cases.operations import base
from cases.operations.masks import masked, personal
from core import audit, ids
from organisations.people import Actor

_LIVE = ("proposed", "released")


@dataclass(frozen=True)
class MaskedWord:
    """A word that was masked: in which field (title, question, reply), where, and what kind of personal data it is."""

    field: str
    start: int
    end: int
    kind: str
    word: str


def propose(
    session: Session,
    actor: Actor,
    at: datetime,
    case_id: int,
    *,
    title: str,
    question: str,
    reply: str,
    submission_id: int | None = None,
) -> PublishedReply:
    """Propose a question and its reply for everybody to read; personal data is masked before it is stored.

    Raises Invalid with an empty field, NotFound, Forbidden, NotNow for a case that was merged into another,
    AlreadyThere while another proposal of the submission is open, NotPublishable when there is no answer yet, the
    citizen declined, or it may be an accusation.
    """
    case = _locked(session, actor, case_id)
    actor.require("reply.propose")
    texts = {"title": title.strip(), "question": question.strip(), "reply": reply.strip()}
    if case.merged_into_id is not None:
        raise NotNow("这件事项已并入其他事项，请在那件事项上提出公开答复。", case_id=case.id)
    empty = [name for name, text in texts.items() if not text]
    if empty:
        raise Invalid(dict.fromkeys(empty, "这一项不能为空。"))
    submission = _submission(session, case, submission_id)
    _publishable(case, submission, asked=False)
    if session.scalar(_live(submission.id)) is not None:
        raise AlreadyThere()
    hidden = _declared(session, case)
    clean = {name: masked(text, hidden) for name, text in texts.items()}
    words = _words(texts, hidden)
    row = PublishedReply(
        public_id=ids.public_id(), case_id=case.id, submission_id=submission.id, state="proposed",
        answer_id=_answer_id(session, case), title=clean["title"][0], question=clean["question"][0],
        reply=clean["reply"][0], masked_count=sum(count for _text, count in clean.values()), level1=case.level1,
        level2=case.level2, organisation_id=case.lead_id, area_id=case.area_id, asked_at=submission.received_at,
        replied_at=submission.served_at or case.closed_at or at, proposed_by_id=actor.account_id, proposed_at=at,
    )  # fmt: skip
    row.hidden = json.dumps([astuple(word) for word in words], ensure_ascii=False) if words else None
    session.add(row)
    session.flush()
    _append(session, actor, at, case, row, "reply_proposed")
    return row


def release(
    session: Session, actor: Actor, at: datetime, published_id: int, *, version: int | None = None
) -> PublishedReply:
    """Publish what somebody else proposed. What was masked stays masked, and the texts are masked once more.

    Raises NotFound, Forbidden, SamePerson, NotNow, NotPublishable without the citizen's consent or when it may be an
    accusation.
    """
    row, case = _locked_reply(session, actor, published_id)
    if row.state != "proposed" or (version is not None and row.version != version):
        raise NotNow(operation="release", state=row.state)
    if row.proposed_by_id is not None and row.proposed_by_id == actor.account_id:
        raise SamePerson()
    submission = session.get_one(Submission, row.submission_id)
    _publishable(case, submission, asked=True)
    hidden = _declared(session, case)
    for name in ("title", "question", "reply"):
        text, count = masked(getattr(row, name), hidden)
        setattr(row, name, text)
        row.masked_count += count
    row.state, row.released_by_id, row.published_at, row.hidden = "released", actor.account_id, at, None
    row.version += 1
    session.flush()
    _append(session, actor, at, case, row, "reply_released")
    return row


def refuse(session: Session, actor: Actor, at: datetime, published_id: int, reason: str = "") -> PublishedReply:
    """Do not publish a proposal; it can be proposed again in other words. Raises NotFound, Forbidden, NotNow."""
    row, case = _locked_reply(session, actor, published_id)
    if row.state != "proposed":
        raise NotNow(operation="refuse", state=row.state)
    row.state, row.refused_by_id, row.refused_at, row.reason = "refused", actor.account_id, at, _reason(reason)
    row.hidden = None
    row.version += 1
    session.flush()
    _append(session, actor, at, case, row, "reply_refused")
    return row


def withdraw(session: Session, actor: Actor, at: datetime, published_id: int, reason: str = "") -> PublishedReply:
    """Take a published reply back; search drops it. Raises NotFound, Forbidden, NotNow when it is not published."""
    row, case = _locked_reply(session, actor, published_id)
    if row.state != "released":
        raise NotNow(operation="withdraw", state=row.state)
    _withdraw(session, actor.account_id, at, case, row, reason)
    return row


def withdraw_all(session: Session, at: datetime, case: Case, reason: str) -> None:
    """The hub itself takes back, or refuses, whatever of a case (under lock) is published or proposed."""
    query = select(PublishedReply).where(PublishedReply.case_id == case.id, PublishedReply.state.in_(_LIVE))
    for row in session.scalars(query):
        if row.state == "released":
            _withdraw(session, None, at, case, row, reason)
        else:
            row.state, row.refused_at, row.reason, row.hidden = "refused", at, reason, None
            row.version += 1
            session.flush()
            history.append(session, case, "reply_refused", at, data={"published": row.id})


def change_consent(session: Session, actor: Actor, at: datetime, submission_id: int, consent: bool) -> Submission:
    """The citizen says whether it may be published; saying no takes back what was. Raises NotFound."""
    submission = session.get(Submission, submission_id)
    if submission is None:
        raise NotFound()
    case = base.lock_case(session, base.case_of(session, submission_id).id)
    if not actor.is_citizen and not actor.is_system:
        if not visibility.may_see(session, actor, case):
            raise NotFound()
        actor.require("call.register")
    submission.consent_publish = consent
    session.flush()
    history.append(
        session, case, "consent_changed", at, actor_id=actor.account_id, submission_id=submission.id,
        data={"consent": consent},
    )  # fmt: skip
    if not consent:
        withdraw_all(session, at, case, "consent")
    return submission


def queue(session: Session, page: int = 1, *, size: int = 20) -> tuple[list[PublishedReply], int]:
    """What waits for release, oldest first, and how many in all; never anything that may be an accusation."""
    waiting = (
        select(PublishedReply)
        .join(Case, Case.id == PublishedReply.case_id)
        .where(PublishedReply.state == "proposed", Case.accusation == "no")
    )
    count = session.scalar(select(func.count()).select_from(waiting.with_only_columns(PublishedReply.id).subquery()))
    ordered = waiting.order_by(PublishedReply.proposed_at, PublishedReply.id)
    return list(session.scalars(ordered.limit(size).offset((page - 1) * size))), count or 0


def masked_words(session: Session, actor: Actor, at: datetime, published_id: int) -> list[MaskedWord]:
    """What was masked in the proposed text, and the other personal data of the citizen's original and of the answer.

    For the person who is to release it; on the audit record. The first are kept sealed until the decision and stand
    at their places in the proposal, the others are found again each time. Raises NotFound, Forbidden.
    """
    row, case = _locked_reply(session, actor, published_id)
    submission = session.get_one(Submission, row.submission_id)
    answer = session.get(Answer, row.answer_id) if row.answer_id is not None else None
    texts = {"title": submission.title, "question": submission.body, "reply": answer.text if answer else None}
    words = [MaskedWord(*word) for word in json.loads(row.hidden or "[]")]
    shown = {(word.field, word.word) for word in words}
    words += [word for word in _words(texts, _declared(session, case)) if (word.field, word.word) not in shown]
    audit.record(
        session, at=at, actor_id=actor.account_id, action="masked_words_read", subject="published_reply",
        subject_id=row.id, details={"case": case.id, "words": len(words)},
    )  # fmt: skip
    return words


# --- rules ------------------------------------------------------------------------------------------------------------


def _publishable(case: Case, submission: Submission, *, asked: bool) -> None:
    """Raise NotPublishable unless it may be; `asked`: the citizen must have agreed, else only not have declined."""
    if case.accusation != "no":
        raise NotPublishable(reason="accusation")
    if submission.consent_publish is not True and (asked or submission.consent_publish is False):
        raise NotPublishable("群众没有同意公开，不能公开。", reason="consent")
    if case.stage not in {"asking", "closed"} or submission.withdrawn_at is not None:
        raise NotPublishable("事项还没有答复，或群众已撤回，不能公开。", reason="not_answered")


def _reason(text: str) -> str | None:
    """Why something was refused or taken back, as staff wrote it, with nothing personal in it."""
    return masked(text.strip()[:200])[0] or None


def _words(texts: Mapping[str, str | None], hidden: Sequence[str]) -> list[MaskedWord]:
    """The personal data of these texts by field."""
    return [
        MaskedWord(name, found.start, found.end, found.kind, found.word)
        for name, text in texts.items()
        for found in personal(text or "", hidden)
    ]


def _declared(session: Session, case: Case) -> list[str]:
    """What was declared with any submission of a case, longest first: names, numbers, e-mail, addresses.

    They stand in no published text. Names of organisations concerned are not personal.
    """
    ids = [one.id for one in base.submissions_of(session, case)]
    parties = select(Party).where(Party.submission_id.in_(ids), Party.organisation_id.is_(None))
    points = (
        select(ContactPoint)
        .join(SubmissionPoint, SubmissionPoint.contact_point_id == ContactPoint.id)
        .where(SubmissionPoint.submission_id.in_(ids), ContactPoint.kind != "openid")
    )
    values = [value for row in session.scalars(parties) for value in (row.name, row.phone)]
    values += [row.value for row in session.scalars(points)]
    found = {value.strip() for value in values if value}
    return sorted((word for word in found if len(word) > 1), key=lambda word: (-len(word), word))


def _submission(session: Session, case: Case, submission_id: int | None) -> Submission:
    for submission in base.submissions_of(session, case):
        if submission_id is None or submission.id == submission_id:
            return submission
    raise NotFound()


def _live(submission_id: int) -> Select[tuple[int]]:
    return select(PublishedReply.id).where(
        PublishedReply.submission_id == submission_id, PublishedReply.state.in_(_LIVE)
    )


def _answer_id(session: Session, case: Case) -> int | None:
    query = (
        select(Answer.id)
        .where(Answer.case_id == case.id, Answer.kind == "citizen")
        .order_by(Answer.written_at.desc(), Answer.id.desc())
        .limit(1)
    )
    return session.scalar(query)


def _locked(session: Session, actor: Actor, case_id: int) -> Case:
    case = base.lock_case(session, case_id)
    # A publisher sees cases of every office here, but never a possible accusation or one they are kept away from.
    may = select(Case.id).where(Case.id == case.id, visibility.not_excluded(actor), Case.accusation == "no")
    seen = actor.can("reply.release") and session.scalar(may) is not None
    if not actor.is_system and not seen and not visibility.may_see(session, actor, case):
        raise NotFound()
    return case


def _locked_reply(session: Session, actor: Actor, published_id: int) -> tuple[PublishedReply, Case]:
    row = session.get(PublishedReply, published_id)
    if row is None:
        raise NotFound()
    actor.require("reply.release")
    case = _locked(session, actor, row.case_id)
    session.refresh(row)
    return row, case


def _withdraw(
    session: Session, actor_id: int | None, at: datetime, case: Case, row: PublishedReply, reason: str
) -> None:
    row.state, row.withdrawn_by_id, row.withdrawn_at, row.reason = "withdrawn", actor_id, at, _reason(reason)
    row.version += 1
    session.flush()
    history.append(session, case, "reply_withdrawn", at, actor_id=actor_id, data={"published": row.id})


def _append(session: Session, actor: Actor, at: datetime, case: Case, row: PublishedReply, kind: str) -> None:
    history.append(
        session, case, kind, at, actor_id=actor.account_id, submission_id=row.submission_id,
        organisation_id=actor.organisation_ids[0] if actor.organisation_ids else None,
        data={"published": row.id, "masked": row.masked_count},
    )  # fmt: skip
