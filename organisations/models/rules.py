"""Rows by which administrators change the calendar, the dictionaries, the grounds and the roles' policies."""

from __future__ import annotations

from datetime import date, time

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class WorkingDay(Base):
    """A day that works or rests against the published calendar; without organisation it holds for all."""

    __tablename__ = "working_days"
    __table_args__ = (Index("ix_working_days_organisation_day", "organisation_id", "day", unique=True),)

    day: Mapped[date]
    is_working: Mapped[bool]
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    note: Mapped[str] = mapped_column(String(120), default="")


class OfficeHours(Base):
    """One span of office hours on a weekday (Monday 0; None: every working day), local time.

    An organisation with rows of its own uses only those; a make-up day on a weekend keeps the hours of None.
    """

    __tablename__ = "office_hours"

    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    weekday: Mapped[int | None]
    starts: Mapped[time]
    ends: Mapped[time]


class Term(Base):
    """One word of a dictionary that staff choose from (kind: return_reason, extension_reason, contact_kind …)."""

    __tablename__ = "terms"
    __table_args__ = (UniqueConstraint("kind", "code"),)

    kind: Mapped[str] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)


class Ground(Base):
    """A ground for refusing (不予受理) or guiding elsewhere (告知), by track, with the article it stands on."""

    __tablename__ = "grounds"
    __table_args__ = (UniqueConstraint("track", "code"),)

    track: Mapped[str] = mapped_column(String(12))
    operation: Mapped[str] = mapped_column(String(20))  # refuse, guide
    code: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(Text)
    basis: Mapped[str] = mapped_column(Text, default="")
    article: Mapped[str] = mapped_column(String(200), default="")
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)


class RolePolicy(Base):
    """What a role demands of its holders."""

    __tablename__ = "role_policies"
    __table_args__ = (UniqueConstraint("role"),)

    role: Mapped[str] = mapped_column(String(30))
    totp_required: Mapped[bool] = mapped_column(default=False)
