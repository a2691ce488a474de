"""The outbox: notices to citizens with how far they came, notices to staff, and templates changed by administrators."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.crypto import sealed
from core.database import Base


class Notice(Base):
    """One message owed to a citizen, or to staff as a duty of theirs. `key` makes it one row however often its event
    is handled.

    state: waiting, sent (the provider has it), delivered, failed (never will; the reason in `error`), dropped (the
    citizen wrote STOP).
    """

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("key"),
        Index("ix_notices_state", "state", "created_at"),
        Index("ix_notices_provider", "channel", "provider_id"),
        Index("ix_notices_submission", "submission_id", "created_at"),
    )

    key: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(30))  # the template's code
    channel: Mapped[str] = mapped_column(String(20))
    contact_point_id: Mapped[int] = mapped_column(ForeignKey("contact_points.id"))
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"))
    text = sealed()
    text_sealed: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    provider_id: Mapped[str | None] = mapped_column(String(120))
    error: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]


class StaffNotice(Base):
    """One line on a member of staff's page, until it is read."""

    __tablename__ = "staff_notices"
    __table_args__ = (
        UniqueConstraint("account_id", "key"),
        Index("ix_staff_notices_unread", "account_id", "read_at", "at"),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    key: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(30))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class NoticeTemplate(Base):
    """An administrator's wording in place of the one that ships."""

    __tablename__ = "notice_templates"

    code: Mapped[str] = mapped_column(String(30), unique=True)
    text: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime]
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
