"""Second factor by time-based codes (RFC 6238): enrol, confirm, verify; a step can be used once only."""

from __future__ import annotations

import hmac
from datetime import datetime

import pyotp
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core import audit
from organisations.errors import CodeWrong
from organisations.models import Account, Authenticator, RoleGrant, RolePolicy

_STEP_SECONDS = 30
_ISSUER = "连心"


def enrol(session: Session, account: Account, at: datetime) -> str:
    """A new secret as an otpauth:// address to show once; in force only after `confirm`."""
    session.execute(
        delete(Authenticator).where(Authenticator.account_id == account.id, Authenticator.confirmed_at.is_(None))
    )
    row = Authenticator(account_id=account.id, created_at=at, secret=pyotp.random_base32())
    session.add(row)
    session.flush()
    return pyotp.TOTP(str(row.secret)).provisioning_uri(name=account.username, issuer_name=_ISSUER)


def pending(session: Session, account: Account) -> str | None:
    """The otpauth:// address of a secret that is enrolled and not confirmed yet."""
    row = session.scalar(
        select(Authenticator).where(Authenticator.account_id == account.id, Authenticator.confirmed_at.is_(None))
    )
    return pyotp.TOTP(str(row.secret)).provisioning_uri(name=account.username, issuer_name=_ISSUER) if row else None


def confirm(session: Session, account: Account, code: str, at: datetime) -> None:
    """Put the enrolled secret in force by a first code; it replaces an earlier one. Raises CodeWrong."""
    row = session.scalar(
        select(Authenticator).where(Authenticator.account_id == account.id, Authenticator.confirmed_at.is_(None))
    )
    step = _step(row, code, at) if row else None
    if row is None or step is None:
        raise CodeWrong()
    session.execute(delete(Authenticator).where(Authenticator.account_id == account.id, Authenticator.id != row.id))
    row.confirmed_at, row.last_used_step = at, step
    audit.record(session, at=at, actor_id=account.id, action="totp_confirmed", subject="account", subject_id=account.id)


def remove(session: Session, account_id: int, at: datetime, actor_id: int | None) -> None:
    """Take the second factor away (a lost phone)."""
    session.execute(delete(Authenticator).where(Authenticator.account_id == account_id))
    audit.record(session, at=at, actor_id=actor_id, action="totp_removed", subject="account", subject_id=account_id)


def enrolled(session: Session, account_id: int) -> bool:
    """Whether a second factor is in force."""
    return _confirmed(session, account_id) is not None


def required(session: Session, account_id: int) -> bool:
    """Whether a policy of one of the account's roles demands a second factor."""
    query = (
        select(RolePolicy.id)
        .join(RoleGrant, RoleGrant.role == RolePolicy.role)
        .where(RoleGrant.account_id == account_id, RoleGrant.revoked_at.is_(None), RolePolicy.totp_required)
    )
    return session.scalar(query.limit(1)) is not None


def verify(session: Session, account_id: int, code: str, at: datetime) -> bool:
    """Whether a code fits and its step is new; uses the step up by a conditional update, so never twice."""
    row = _confirmed(session, account_id)
    step = _step(row, code, at) if row else None
    if row is None or step is None:
        return False
    used = session.execute(
        update(Authenticator)
        .where(Authenticator.id == row.id, Authenticator.last_used_step < step)
        .values(last_used_step=step)
        .returning(Authenticator.id)
    )
    return used.first() is not None


def _confirmed(session: Session, account_id: int) -> Authenticator | None:
    return session.scalar(
        select(Authenticator).where(Authenticator.account_id == account_id, Authenticator.confirmed_at.is_not(None))
    )


def _step(row: Authenticator, code: str, at: datetime) -> int | None:
    """The step that a code belongs to: now, or one before or after for clocks that differ."""
    now = int(at.timestamp()) // _STEP_SECONDS
    totp = pyotp.TOTP(str(row.secret))
    typed = code.replace(" ", "").encode()
    steps = [step for step in (now, now - 1, now + 1) if hmac.compare_digest(totp.generate_otp(step).encode(), typed)]
    return steps[0] if steps else None
