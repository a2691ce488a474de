"""The history of a case: append-only, numbered, each with the hash of the one before."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class Event(Base):
    """One past-tense fact. `data` holds ids, salted digests and codes, no personal data."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("case_id", "seq"), Index("ix_events_kind", "kind", "at"))

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    seq: Mapped[int]
    kind: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"), index=True)
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignments.id"))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class HistoryAnchor(Base):
    """What a case's last event was at the end of a day, so that a cut-off end or a rewritten past is noticed."""

    __tablename__ = "history_anchors"
    __table_args__ = (UniqueConstraint("day", "case_id"), Index("ix_history_anchors_case_id", "case_id", "seq"))

    day: Mapped[date] = mapped_column(Date)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    seq: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))
