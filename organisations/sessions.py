"""Signed-in browsers as rows: started at sign-in with a new token, ended one by one or all at once."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import ids
from organisations.models import Account, WebSession

IDLE = timedelta(minutes=60)
ABSOLUTE = timedelta(hours=12)
_TOUCH_EVERY = timedelta(minutes=1)


def digest_of(token: str) -> str:
    """What is stored of a token of 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def start(session: Session, account_id: int, at: datetime) -> str:
    """A new session; gives the token for the cookie, which is stored nowhere."""
    token = ids.token()
    session.add(
        WebSession(
            digest=digest_of(token), account_id=account_id, created_at=at, last_seen_at=at, expires_at=at + ABSOLUTE
        )
    )
    return token


def resolve(session: Session, token: str, at: datetime) -> WebSession | None:
    """The session of a token, when it is neither ended, idle, too old, nor its account disabled."""
    found = session.execute(
        select(WebSession, Account.disabled_at)
        .join(Account, Account.id == WebSession.account_id)
        .where(WebSession.digest == digest_of(token), WebSession.ended_at.is_(None))
    ).one_or_none()
    if found is None or found.disabled_at is not None:
        return None
    row: WebSession = found.WebSession
    return row if at < row.expires_at and at - row.last_seen_at < IDLE else None


def needs_touch(row: WebSession, at: datetime) -> bool:
    """Whether the last use is a minute ago or more, so that a write is worth it."""
    return at - row.last_seen_at >= _TOUCH_EVERY


def touch(session: Session, session_id: int, at: datetime) -> None:
    """Note that a session was used."""
    session.execute(
        update(WebSession).where(WebSession.id == session_id, WebSession.ended_at.is_(None)).values(last_seen_at=at)
    )


def end(session: Session, token: str, at: datetime, reason: str = "signed_out") -> int | None:
    """End the session of a token; gives its account, or None when it had ended."""
    row = session.scalar(select(WebSession).where(WebSession.digest == digest_of(token), WebSession.ended_at.is_(None)))
    if row is None:
        return None
    row.ended_at, row.reason = at, reason
    return row.account_id


def end_all(session: Session, account_id: int, at: datetime, reason: str) -> None:
    """End every session of an account: disabled, role_changed, password_reset, everywhere."""
    session.execute(
        update(WebSession)
        .where(WebSession.account_id == account_id, WebSession.ended_at.is_(None))
        .values(ended_at=at, reason=reason)
    )
