"""What is forgotten of sign-ins, when its time is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from organisations.models import ResetLink, SignInAttempt, WebSession

# 网络安全法第二十一条: logs are kept for six months at least; no six months are longer than these days.
KEPT = timedelta(days=184)


def forget_sign_ins(session: Session, at: datetime) -> int:
    """Remove sessions and reset links that ran out, and attempts that were made, half a year ago; gives how many."""
    before = at - KEPT
    statements = (
        delete(WebSession).where(WebSession.expires_at < before),
        delete(ResetLink).where(ResetLink.expires_at < before),
        delete(SignInAttempt).where(SignInAttempt.at < before),
    )
    results: list[Any] = [session.execute(statement) for statement in statements]
    return sum(int(result.rowcount) for result in results)
