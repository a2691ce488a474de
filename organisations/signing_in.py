"""Signing in: name, password and code, and the lock that follows wrong ones.

`sign_in` takes the Database: it hashes outside the write session, and a failure is committed before its error is
raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import audit
from core.clock import Clock
from core.crypto import ring
from core.database import Database
from organisations import passwords, sessions, totp
from organisations.errors import CodeNeeded, CodeWrong, SignInLocked, SignInRefused
from organisations.models import Account, SignInAttempt

MAX_FAILURES = 5
LOCK = timedelta(minutes=15)
_LONGEST_LOCK = timedelta(hours=8)
_ADDRESS_FAILURES = 50


@dataclass(frozen=True)
class SignedIn:
    """The token for the cookie, and what the person has to do first."""

    account_id: int
    token: str
    must_change_password: bool
    must_enrol_totp: bool


def sign_in(
    db: Database, clock: Clock, username: str, password: str, code: str | None = None, address: str = ""
) -> SignedIn:
    """Sign in by name, password and, where enrolled, a code; starts a new session.

    Raises SignInRefused (unknown, wrong or disabled alike), SignInLocked, CodeNeeded, CodeWrong. After 5 failures the
    name is locked for 15 minutes, then 30, 60 … up to 8 hours; a name that does not exist is answered in the same way.
    """
    username = username.strip().lower()[:60]
    with db.read() as session:
        account = session.scalar(select(Account).where(Account.username == username))
        stored = account.password_hash if account else None
    right = passwords.matches(stored, password[:1000])
    with db.write() as session:
        result = _decide(session, clock.now(), username, stored, right, code, address)
    if isinstance(result, SignInRefused):
        raise result
    return result


def _decide(
    session: Session, at: datetime, username: str, stored: str | None, right: bool, code: str | None, address: str
) -> SignedIn | SignInRefused:
    """Judge one try under lock and note it; the error is given back, so that what was noted is committed."""
    account = session.scalar(select(Account).where(Account.username == username).with_for_update())
    attempt = SignInAttempt(at=at, account_id=account.id if account else None, outcome="wrong",
                            name_digest=ring().digest("username", username),
                            address_digest=ring().digest("address", address) if address else "")  # fmt: skip
    refusal = _refusal(session, account, attempt, stored, right, code)
    session.add(attempt)
    if refusal is None and account is not None:
        account.failed_count = account.lock_count = 0
        account.locked_until = None
        attempt.outcome = "signed_in"
        audit.record(session, at=at, actor_id=account.id, action="signed_in", subject="account", subject_id=account.id)
        return started(session, account, at)
    if attempt.outcome == "wrong" and account is not None:
        _count_failure(account, at)
    if attempt.outcome != "code_needed":
        audit.record(session, at=at, actor_id=None, action="sign_in_failed", subject="account",
                     subject_id=attempt.account_id, details={"outcome": attempt.outcome})  # fmt: skip
    return refusal or SignInRefused()


def _refusal(
    session: Session, account: Account | None, attempt: SignInAttempt, stored: str | None, right: bool, code: str | None
) -> SignInRefused | None:
    if _locked(session, account, attempt):
        attempt.outcome = "locked"
        return SignInLocked()
    if account is None or not right or account.disabled_at is not None or account.password_hash != stored:
        return SignInRefused()
    if totp.enrolled(session, account.id):
        if not code:
            attempt.outcome = "code_needed"
            return CodeNeeded()
        if not totp.verify(session, account.id, code, attempt.at):
            return CodeWrong()
    return None


def _locked(session: Session, account: Account | None, attempt: SignInAttempt) -> bool:
    since = attempt.at - LOCK
    wrong = select(func.count()).where(SignInAttempt.at > since, SignInAttempt.outcome == "wrong")
    by_address = SignInAttempt.address_digest == attempt.address_digest
    if attempt.address_digest and (session.scalar(wrong.where(by_address)) or 0) >= _ADDRESS_FAILURES:
        return True
    if account is not None:
        return account.locked_until is not None and attempt.at < account.locked_until
    by_name = SignInAttempt.name_digest == attempt.name_digest
    return (session.scalar(wrong.where(by_name)) or 0) >= MAX_FAILURES


def _count_failure(account: Account, at: datetime) -> None:
    account.failed_count += 1
    if account.failed_count >= MAX_FAILURES:
        account.locked_until = at + min(LOCK * 2**account.lock_count, _LONGEST_LOCK)
        account.lock_count = min(account.lock_count + 1, 10)
        account.failed_count = 0


def started(session: Session, account: Account, at: datetime) -> SignedIn:
    """A new session for an account that has proved itself, and what it owes first."""
    must_enrol = totp.required(session, account.id) and not totp.enrolled(session, account.id)
    return SignedIn(account.id, sessions.start(session, account.id, at), account.must_change_password, must_enrol)
