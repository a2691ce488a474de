"""Query codes: issued once, kept as keyed digests, and guarded against guessing by rows that slow the asker and the
number. Reading by the owner's verified channel goes another way (submissions.own_submissions) and is never slowed.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from cases.errors import Invalid, TooManyTries, WrongCode
from cases.models import CodeAttempt, QueryCode, Submission
from cases.operations import citizens
from core import audit, ids
from core.clock import Clock
from core.crypto import ring
from core.database import Database
from organisations.people import Actor

FREE_TRIES = 5
LONGEST_WAIT = timedelta(hours=8)
FORGOTTEN_AFTER = timedelta(hours=24)
# How the desk made sure of who asks for a new code.
CHECKS = {
    "registered_phone": "从登记号码来电",
    "call_back": "回拨登记号码核实",
    "id_card": "当面核对身份证件",
    "id_number": "核对完整身份证号",
    "matter": "核对姓名和诉求内容",
}


def wait_after(failures: int) -> timedelta:
    """How long to wait after so many wrong codes: not at all for five, then 1, 2, 4 … minutes, at most 8 hours."""
    if failures <= FREE_TRIES:
        return timedelta()
    return min(timedelta(minutes=2 ** min(failures - FREE_TRIES - 1, 20)), LONGEST_WAIT)


def issue(session: Session, at: datetime, submission: Submission, *, by_id: int | None = None) -> str:
    """A new query code for a submission, given back once; an earlier one ends."""
    session.execute(
        update(QueryCode)
        .where(QueryCode.submission_id == submission.id, QueryCode.ended_at.is_(None))
        .values(ended_at=at)
    )
    code = ids.new_query_code()
    session.add(
        QueryCode(submission_id=submission.id, digest=_digest(submission.id, code), issued_at=at, issued_by_id=by_id)
    )
    session.flush()
    return code


def reissue(session: Session, actor: Actor, at: datetime, submission_id: int, checked: str) -> str:
    """A new code after the desk checked who asks (`checked`: a code of CHECKS), on the audit record.

    Opens the number again when wrong tries had slowed it. Raises NotFound, Forbidden without person.reveal, Invalid.
    """
    submission, _case = citizens.visible_submission(session, actor, submission_id)
    actor.require("person.reveal")
    if checked not in CHECKS:
        raise Invalid({"checked": "请选择核实身份的方式。"})
    code = issue(session, at, submission, by_id=actor.account_id)
    session.execute(delete(CodeAttempt).where(CodeAttempt.digest == _attempt_digest("number", submission.number)))
    audit.record(
        session, at=at, actor_id=actor.account_id, action="code_reissued", subject="submission",
        subject_id=submission.id, details={"checked": checked},
    )  # fmt: skip
    return code


def check(db: Database, clock: Clock, number: str, code: str, asker: str) -> int:
    """The id of the submission that number and code open. `asker` tells askers apart (an address, an openid).

    Raises TooManyTries while the asker or the number has to wait (`details["minutes"]`), WrongCode for anything that
    does not fit; an unknown number counts like a wrong code, so the two can't be told apart.
    """
    with db.write() as session:
        found, minutes = judge(session, clock.now(), number, code, asker)
    if minutes:
        raise TooManyTries(minutes=minutes)
    if found is None:
        raise WrongCode()
    return found


def judge(session: Session, at: datetime, number: str, code: str, asker: str) -> tuple[int | None, int]:
    """The same within the caller's write session: the submission's id or None, and the minutes still to wait.

    Raises nothing, so that a wrong try is counted whatever the caller answers.
    """
    clean = ids.clean_number(number)
    typed = "".join(mark for mark in code.translate(_WIDE_DIGITS) if not mark.isspace())
    attempts = _attempts(session, at, {"asker": asker, **({"number": clean} if clean else {})})
    minutes = _minutes_to_wait(attempts, at)
    if minutes:
        return None, minutes
    found = _opens(session, clean, typed)
    _note(attempts, at, right=found is not None)
    return found, 0


_WIDE_DIGITS = str.maketrans("０１２３４５６７８９", "0123456789", "-－")


def _opens(session: Session, number: str | None, code: str) -> int | None:
    if number is None:
        return None
    query = (
        select(QueryCode.submission_id, QueryCode.digest)
        .join(Submission, Submission.id == QueryCode.submission_id)
        .where(Submission.number == number, QueryCode.ended_at.is_(None))
    )
    for submission_id, digest in session.execute(query):
        if hmac.compare_digest(digest, _digest(submission_id, code)):
            return int(submission_id)
    return None


def _attempts(session: Session, at: datetime, keys: dict[str, str]) -> dict[str, CodeAttempt]:
    """The rows of an asker and a number under lock, made where absent; what is a day old is forgotten."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    rows = {}
    for kind, key in sorted(keys.items()):
        digest = _attempt_digest(kind, key)
        values = {"id": ids.new_id(), "kind": kind, "digest": digest, "failures": 0, "last_at": at}
        session.execute(dialect.insert(CodeAttempt).values(**values).on_conflict_do_nothing())
        query = select(CodeAttempt).where(CodeAttempt.kind == kind, CodeAttempt.digest == digest).with_for_update()
        row = session.scalars(query.execution_options(populate_existing=True)).one()
        if row.last_at <= at - FORGOTTEN_AFTER:
            row.failures, row.blocked_until = 0, None
        rows[kind] = row
    return rows


def _minutes_to_wait(attempts: dict[str, CodeAttempt], at: datetime) -> int:
    waits = [row.blocked_until - at for row in attempts.values() if row.blocked_until and row.blocked_until > at]
    return ceil(max(waits).total_seconds() / 60) if waits else 0


def _note(attempts: dict[str, CodeAttempt], at: datetime, *, right: bool) -> None:
    """Count a wrong try against both. A right one clears the number alone: else one known pair would free a guesser."""
    for kind, row in attempts.items():
        if right and kind == "asker":
            continue
        row.failures = 0 if right else row.failures + 1
        row.last_at = at
        wait = wait_after(row.failures)
        row.blocked_until = at + wait if wait else None


def forget_attempts(session: Session, at: datetime) -> int:
    """Remove the rows that no longer slow anybody; gives how many. For the nightly upkeep."""
    done = session.execute(delete(CodeAttempt).where(CodeAttempt.last_at <= at - FORGOTTEN_AFTER))
    return int(done.rowcount)  # type: ignore[attr-defined]


def _digest(submission_id: int, code: str) -> str:
    return ring().digest("query_code", f"{submission_id}:{code}")


def _attempt_digest(kind: str, key: str) -> str:
    return ring().digest(f"code_{kind}", key)
