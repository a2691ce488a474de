"""A call, message exchange or visit, and the call-backs that are owed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.crypto import sealed
from core.database import Base


class Contact(Base):
    """来电 / 接触.

    Kinds: new 新诉求, add 追加, urge 催办, enquiry 查询, withdraw 撤回, rate 评价, nuisance 骚扰, silent 空号.

    `callback_flag`: needed 需回访, not_needed 不需回访, nuisance 骚扰电话.
    """

    __tablename__ = "contacts"
    __table_args__ = (
        Index("ix_contacts_number", "number_digest", "started_at"),
        Index("ix_contacts_agent", "agent_id", "started_at"),
    )

    channel: Mapped[str] = mapped_column(String(20))
    kind: Mapped[str] = mapped_column(String(10))
    origin_key: Mapped[str | None] = mapped_column(String(120), unique=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    number = sealed()
    number_sealed: Mapped[str | None] = mapped_column(Text)
    number_digest: Mapped[str | None] = mapped_column(String(90))
    citizen_id: Mapped[int | None] = mapped_column(ForeignKey("citizens.id"))
    callback_flag: Mapped[str] = mapped_column(String(12), default="not_needed")
    callback_person = sealed()
    callback_person_sealed: Mapped[str | None] = mapped_column(Text)
    callback_phone = sealed()
    callback_phone_sealed: Mapped[str | None] = mapped_column(Text)
    note = sealed()
    note_sealed: Mapped[str | None] = mapped_column(Text)


class ContactSubmission(Base):
    """Which submissions a contact was about."""

    __tablename__ = "contact_submissions"
    __table_args__ = (UniqueConstraint("contact_id", "submission_id"),)

    contact_id: Mapped[int] = mapped_column(ForeignKey("contacts.id"))
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), index=True)


class CallBack(Base):
    """回访: a call owed to a citizen, with its due time, attempts and result."""

    __tablename__ = "call_backs"
    __table_args__ = (Index("ix_call_backs_due", "state", "due_at"),)

    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id"), unique=True)
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"), index=True)
    reason: Mapped[str] = mapped_column(String(12))  # flagged, silence
    round: Mapped[int] = mapped_column(default=1)
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    last_attempt_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(10), default="open")  # open, done, given_up, dropped
    result: Mapped[str | None] = mapped_column(String(20))  # reached, no_answer, refused, wrong_number
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    closed_at: Mapped[datetime | None]


class CallBackAttempt(Base):
    """One try to reach the citizen."""

    __tablename__ = "call_back_attempts"
    __table_args__ = (Index("ix_call_back_attempts_call_back", "call_back_id", "at"),)

    call_back_id: Mapped[int] = mapped_column(ForeignKey("call_backs.id"))
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    result: Mapped[str] = mapped_column(String(20))
    note = sealed()
    note_sealed: Mapped[str | None] = mapped_column(Text)
