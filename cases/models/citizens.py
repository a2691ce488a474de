"""Who wrote, how they can be reached, and what part each person has in a matter."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.crypto import sealed
from core.database import Base


class Citizen(Base):
    """A person or organisation that turned to the city; found again by digest of a contact point or ID number."""

    __tablename__ = "citizens"

    kind: Mapped[str] = mapped_column(String(12), default="person")  # person, organisation
    name = sealed()
    name_sealed: Mapped[str | None] = mapped_column(Text)
    id_number = sealed()
    id_number_sealed: Mapped[str | None] = mapped_column(Text)
    id_digest: Mapped[str | None] = mapped_column(String(90), index=True)
    created_at: Mapped[datetime]


class ContactPoint(Base):
    """A phone, openid, e-mail or address. It may have many owners; a phone is never a person."""

    __tablename__ = "contact_points"
    __table_args__ = (UniqueConstraint("kind", "digest"),)

    kind: Mapped[str] = mapped_column(String(10))  # phone, openid, email, address
    value = sealed()
    value_sealed: Mapped[str | None] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(90))
    verified_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]  # the owner wrote STOP: nothing is sent until START
    created_at: Mapped[datetime]


class ContactPointOwner(Base):
    """That a citizen uses a contact point."""

    __tablename__ = "contact_point_owners"
    __table_args__ = (
        UniqueConstraint("contact_point_id", "citizen_id"),
        Index("ix_contact_point_owners_citizen", "citizen_id"),
    )

    contact_point_id: Mapped[int] = mapped_column(ForeignKey("contact_points.id"))
    citizen_id: Mapped[int] = mapped_column(ForeignKey("citizens.id"))
    since: Mapped[datetime]


class Party(Base):
    """A person or organisation in a matter by role, with name and number as declared then.

    Roles: reporter 反映人, contact 联系人, agent 代办人, joint 联名人, representative 代表, callback 回访人,
    unit_concerned 涉及单位, accused 被检举对象, responsible_unit 责任单位, responsible_person 责任人.
    """

    __tablename__ = "parties"
    __table_args__ = (Index("ix_parties_submission", "submission_id"),)

    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    role: Mapped[str] = mapped_column(String(20))
    citizen_id: Mapped[int | None] = mapped_column(ForeignKey("citizens.id"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    name = sealed()
    name_sealed: Mapped[str | None] = mapped_column(Text)
    phone = sealed()
    phone_sealed: Mapped[str | None] = mapped_column(Text)
    phone_digest: Mapped[str | None] = mapped_column(String(90), index=True)
    declared_at: Mapped[datetime]


class BlockedNumber(Base):
    """What harassment counts against a number, and whether a supervisor blocked it."""

    __tablename__ = "blocked_numbers"
    __table_args__ = (Index("ix_blocked_numbers_count", "count", "last_at"),)

    digest: Mapped[str] = mapped_column(String(90), unique=True)
    number = sealed()
    number_sealed: Mapped[str | None] = mapped_column(Text)
    count: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime]
    blocked_at: Mapped[datetime | None]
    blocked_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    reason: Mapped[str | None] = mapped_column(String(200))


class CodeAttempt(Base):
    """Wrong query codes by asker and by number; what slows guessing rests on these rows."""

    __tablename__ = "code_attempts"
    __table_args__ = (UniqueConstraint("kind", "digest"), Index("ix_code_attempts_last", "last_at"))

    kind: Mapped[str] = mapped_column(String(10))  # asker, number
    digest: Mapped[str] = mapped_column(String(90))
    failures: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime]
    blocked_until: Mapped[datetime | None]
