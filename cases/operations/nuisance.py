"""骚扰电话: counted against the number and listed for a supervisor, who alone may block it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from cases.errors import Invalid, NotFound
from cases.models import BlockedNumber
from cases.operations import citizens
from cases.operations.masks import masked
from core import audit
from organisations.people import Actor


def count_nuisance(session: Session, at: datetime, number: str) -> BlockedNumber:
    """Count one harassing call against a number; it is then listed for a supervisor. Blocks nothing by itself."""
    return count(session, at, number, 1)


def nuisance_numbers(
    session: Session, actor: Actor, page: int = 1, *, size: int = 20
) -> tuple[list[BlockedNumber], int]:
    """The numbers that were counted or blocked, most counted first, and how many. Raises Forbidden."""
    actor.require("call.block")
    query = select(BlockedNumber).where((BlockedNumber.count > 0) | BlockedNumber.blocked_at.is_not(None))
    total = session.scalar(select(func.count()).select_from(query.with_only_columns(BlockedNumber.id).subquery())) or 0
    ordered = query.order_by(BlockedNumber.count.desc(), BlockedNumber.last_at.desc(), BlockedNumber.id)
    return list(session.scalars(ordered.limit(size).offset((page - 1) * size))), total


def block_number(session: Session, actor: Actor, at: datetime, number: str, reason: str) -> BlockedNumber:
    """Block a number, on the audit record; only a supervisor may. Raises Forbidden without call.block, Invalid."""
    actor.require("call.block")
    if not citizens.normal_point("phone", number):
        raise Invalid({"number": "请输入完整的号码。"})
    if not reason.strip():
        raise Invalid({"reason": "请写明限制的理由。"})
    row = count(session, at, number, 0)
    if row.blocked_at is None:
        row.blocked_at, row.blocked_by_id, row.reason = at, actor.account_id, masked(reason.strip()[:200])[0]
        session.flush()
        _audit(session, actor, at, "number_blocked", row)
    return row


def unblock_number(session: Session, actor: Actor, at: datetime, number: str) -> None:
    """Let a number through again and forget its count, on the audit record. Raises Forbidden, NotFound."""
    actor.require("call.block")
    row = _blocked(session, number)
    if row is None:
        raise NotFound()
    row.blocked_at = row.blocked_by_id = row.reason = None
    row.count = 0
    session.flush()
    _audit(session, actor, at, "number_unblocked", row)


def is_blocked(session: Session, number: str) -> bool:
    """Whether a supervisor blocked this number."""
    row = _blocked(session, number)
    return row is not None and row.blocked_at is not None


def count(session: Session, at: datetime, number: str, by: int) -> BlockedNumber:
    """The row of a number under lock, made when it is new, its count moved (never below nothing)."""
    fresh = BlockedNumber(digest=citizens.point_digest("phone", number), count=0, last_at=at)
    fresh.number = citizens.normal_point("phone", number)
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    values = {"id": fresh.id, "digest": fresh.digest, "number_sealed": fresh.number_sealed, "count": 0, "last_at": at}
    session.execute(dialect.insert(BlockedNumber).values(**values).on_conflict_do_nothing())
    query = select(BlockedNumber).where(BlockedNumber.digest == fresh.digest).with_for_update()
    row = session.scalars(query.execution_options(populate_existing=True)).one()
    row.count = max(0, row.count + by)
    if by > 0:
        row.last_at = at
    session.flush()
    return row


def _blocked(session: Session, number: str) -> BlockedNumber | None:
    digest = citizens.point_digest("phone", number)
    return session.scalar(select(BlockedNumber).where(BlockedNumber.digest == digest))


def _audit(session: Session, actor: Actor, at: datetime, action: str, row: BlockedNumber) -> None:
    audit.record(session, at=at, actor_id=actor.account_id, action=action, subject="number", subject_id=row.id)
