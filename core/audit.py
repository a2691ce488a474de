"""The audit chain: who read, revealed, searched, exported, signed in or granted what. Kept apart from case events.

Entries hold ids and codes, no personal data, and each carries the hash of the one before. Kept for at least six months
(Cybersecurity Law of the PRC, article 21 (3)); only the auditor role reads them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import JSON, Index, String, UniqueConstraint, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import damaged
from core.database import Base

_CHAIN = "audit"
START = "0" * 64


class ChainHead(Base):
    """The last number and hash of a chain; its row is the lock under which the next entry is written."""

    __tablename__ = "chain_heads"
    __table_args__ = (UniqueConstraint("name"),)

    name: Mapped[str] = mapped_column(String(40))
    seq: Mapped[int] = mapped_column(default=0)
    hash: Mapped[str] = mapped_column(String(64), default=START)


class AuditEntry(Base):
    """One thing somebody did that must be answerable later. Append-only."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        UniqueConstraint("seq"),
        Index("ix_audit_entries_subject", "subject", "subject_id"),
        Index("ix_audit_entries_actor", "actor_id", "at"),
        Index("ix_audit_entries_action", "action", "seq"),
    )

    seq: Mapped[int]
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(40), default="")
    subject_id: Mapped[int | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


def record(
    session: Session,
    *,
    at: datetime,
    actor_id: int | None,
    action: str,
    subject: str = "",
    subject_id: int | None = None,
    details: Mapping[str, str | int | None] | None = None,
) -> None:
    """Append one entry in this write session; `details` hold codes and ids only."""
    head = _locked_head(session)
    entry = AuditEntry(
        seq=head.seq + 1, at=at, actor_id=actor_id, action=action, subject=subject, subject_id=subject_id,
        details=dict(details or {}), previous=head.hash,
    )  # fmt: skip
    entry.hash = entry_hash(entry)
    head.seq, head.hash = entry.seq, entry.hash
    session.add(entry)
    session.flush()


def entry_hash(entry: AuditEntry) -> str:
    """The hash that an entry should carry."""
    return hashlib.sha256(json.dumps(_said(entry), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _said(entry: Any) -> list[Any]:
    return [
        entry.previous, entry.seq, entry.at.isoformat(), entry.actor_id, entry.action, entry.subject,
        entry.subject_id, entry.details,
    ]  # fmt: skip


def faults(session: Session, *, owed: bool = False) -> list[str]:
    """What is wrong with the chain, a sentence each; empty when it is whole.

    An entry that can't be read was changed. `owed`: people have signed in, so that there must be entries.
    """
    found: list[str] = []
    last_seq, last_hash = 0, START
    query = select(*damaged.columns(AuditEntry.metadata.tables["audit_entries"])).order_by(AuditEntry.seq)
    for entry in session.execute(query.execution_options(yield_per=1000)):
        if not isinstance(entry.seq, int):
            found.append(f"audit entry {entry.seq}: was changed")
            continue
        if entry.seq != last_seq + 1 or entry.previous != last_hash:
            found.append(f"audit entry {entry.seq}: does not follow entry {last_seq}")
        if entry.hash != damaged.digest(partial(_said, entry)):
            found.append(f"audit entry {entry.seq}: was changed")
        last_seq, last_hash = entry.seq, entry.hash
    head = session.scalar(select(ChainHead).where(ChainHead.name == _CHAIN))
    if head is None and last_seq:
        found.append(f"audit chain: ends at {last_seq}, where it should end is gone")
    elif head is None and owed:
        found.append("audit chain: is empty, although people have signed in")
    if head and (head.seq, head.hash) != (last_seq, last_hash):
        found.append(f"audit chain: ends at {last_seq}, should end at {head.seq}")
    return found


def _locked_head(session: Session) -> ChainHead:
    """The chain's head under lock; made when it is the first."""
    query = (
        select(ChainHead).where(ChainHead.name == _CHAIN).with_for_update().execution_options(populate_existing=True)
    )
    head = session.scalar(query)
    if head is None:
        dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
        fresh = ChainHead(name=_CHAIN, seq=0, hash=START)
        session.execute(
            dialect.insert(ChainHead).values(id=fresh.id, name=_CHAIN, seq=0, hash=START).on_conflict_do_nothing()
        )
        head = session.scalars(query).one()
    return head
