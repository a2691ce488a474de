"""Clocks are rows: what runs, since when and why, until when, when it stood still; and the cards they earned."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class PolicySet(Base):
    """A city's set of deadline policies; one is active."""

    __tablename__ = "policy_sets"

    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(40))
    active: Mapped[bool] = mapped_column(default=False)


class DeadlinePolicy(Base):
    """How long something may take, and what lateness earns. Versions are rows: a clock keeps the one it began under."""

    __tablename__ = "deadline_policies"
    __table_args__ = (
        UniqueConstraint("policy_set", "track", "kind", "nature", "urgent", "version"),
        Index("ix_deadline_policies_lookup", "policy_set", "track", "kind"),
    )

    policy_set: Mapped[str] = mapped_column(String(20))
    track: Mapped[str] = mapped_column(String(10))
    kind: Mapped[str] = mapped_column(String(20))  # sign, handle, register, accept, danger, promise, …
    nature: Mapped[str] = mapped_column(String(10), default="")  # empty: any
    urgent: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    unit: Mapped[str] = mapped_column(String(16))  # working_minutes, working_days, calendar_days, elapsed_minutes
    amount: Mapped[int]
    outside_amount: Mapped[int | None]  # elapsed minutes instead, when it arrives outside office hours
    remind_before: Mapped[int | None]  # working days
    yellow_after: Mapped[int | None]  # working days after due; 0: at once; None: no yellow card
    red_after: Mapped[int | None]  # working days; counted from `red_from`
    red_from: Mapped[str] = mapped_column(String(6), default="due")  # due, yellow
    extension_excuses: Mapped[bool] = mapped_column(default=False)  # an extension asked for spares the yellow card
    consent_by: Mapped[str] = mapped_column(String(20), default="assigner")  # assigner, responsible_head
    extension_max: Mapped[int | None]
    statutory: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(String(200), default="")
    ended_at: Mapped[datetime | None]


class CaseClock(Base):
    """One running, paused or ended clock of a submission, case or assignment. `next_at` is when the sweep must look."""

    __tablename__ = "case_clocks"
    __table_args__ = (
        Index("ix_case_clocks_sweep", "next_at"),
        Index("ix_case_clocks_open", "ended_at", "id"),
        Index("ix_case_clocks_subject", "subject", "subject_id", "kind"),
        Index("ix_case_clocks_case", "case_id"),
        Index(  # what is late: open ones only, so that it does not grow with what is closed
            "ix_case_clocks_late",
            "subject",
            "due_at",
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    subject: Mapped[str] = mapped_column(String(12))  # submission, case, assignment
    subject_id: Mapped[int]
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    kind: Mapped[str] = mapped_column(String(20))
    unit: Mapped[str] = mapped_column(String(16))
    amount: Mapped[int]
    outside_amount: Mapped[int | None]  # elapsed minutes instead, as it started outside office hours
    extended: Mapped[int] = mapped_column(default=0)  # how much of `amount` extensions added
    cause: Mapped[str] = mapped_column(String(20))  # the event kind that started it
    started_at: Mapped[datetime]
    due_at: Mapped[datetime]
    statutory: Mapped[bool] = mapped_column(default=False)  # a suspension never stops it
    paused_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    end_cause: Mapped[str | None] = mapped_column(String(20))
    policy_id: Mapped[int | None] = mapped_column(ForeignKey("deadline_policies.id"))
    next_at: Mapped[datetime | None]
    extension_asked: Mapped[bool] = mapped_column(default=False)  # an open request for more time


class ClockPause(Base):
    """From when to when a clock stood still, and why."""

    __tablename__ = "clock_pauses"

    clock_id: Mapped[int] = mapped_column(ForeignKey("case_clocks.id"), index=True)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    cause: Mapped[str] = mapped_column(String(20))


class Card(Base):
    """黄牌 or 红牌 (or a reminder), once by clock and level."""

    __tablename__ = "cards"
    __table_args__ = (
        UniqueConstraint("clock_id", "level"),
        Index("ix_cards_organisation", "organisation_id", "at"),
        Index("ix_cards_at", "at"),
        Index("ix_cards_case", "case_id"),
    )

    clock_id: Mapped[int] = mapped_column(ForeignKey("case_clocks.id"))
    level: Mapped[str] = mapped_column(String(10))  # reminder, yellow, red
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignments.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class Alert(Base):
    """Danger to life: stays up, and is sent again, until the duty officer says it was seen."""

    __tablename__ = "alerts"
    __table_args__ = (Index("ix_alerts_open", "acknowledged_at", "next_at"),)

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    raised_at: Mapped[datetime]
    sent_count: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]  # when it is sent again; empty: at the next sweep
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
