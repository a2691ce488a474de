"""What the city handles: the case, its submissions, who may read it and who must not."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base


class Case(Base):
    """A matter in hand. `status` is derived from the assignments by one rule (cases/status.py) and kept as a cache.

    `stage` says where in the loop it stands (cases/workflow.py); `seq` numbers its events under its version.
    """

    __tablename__ = "cases"
    __table_args__ = (
        Index("ix_cases_queue", "stage", "priority", "received_at"),
        Index("ix_cases_lead", "lead_id", "status", "due_at"),
        Index("ix_cases_due", "status", "due_at"),
        Index("ix_cases_area", "area_id", "received_at"),
        Index("ix_cases_received", "received_at"),
        Index("ix_cases_status_received", "status", "received_at"),
        Index("ix_cases_accusation", "accusation"),
        Index("ix_cases_level1", "level1", "status", "received_at"),
    )

    number: Mapped[str] = mapped_column(String(20), unique=True)  # that of the submission it began with
    version: Mapped[int] = mapped_column(default=1)
    seq: Mapped[int] = mapped_column(default=0)
    track: Mapped[str] = mapped_column(String(10))
    stage: Mapped[str] = mapped_column(String(12))
    status: Mapped[str] = mapped_column(String(12))
    outcome: Mapped[str | None] = mapped_column(String(12))  # done, direct, refused, guided, withdrawn, lapsed, merged
    round: Mapped[int] = mapped_column(default=1)
    title: Mapped[str] = mapped_column(Text)  # masked
    level1: Mapped[str | None] = mapped_column(String(40))
    level2: Mapped[str | None] = mapped_column(String(60))
    level3: Mapped[str | None] = mapped_column(String(60))
    nature: Mapped[str | None] = mapped_column(String(10))
    petition_kind: Mapped[str | None] = mapped_column(String(10))  # 建议意见, 检举控告, 申诉求决
    urgent: Mapped[bool] = mapped_column(default=False)
    danger: Mapped[str | None] = mapped_column(String(20))
    sensitive: Mapped[bool] = mapped_column(default=False)
    accusation: Mapped[str] = mapped_column(String(10), default="unread")  # unread, no, possible, yes
    accusation_decided_at: Mapped[datetime | None]
    accusation_decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    priority: Mapped[int] = mapped_column(default=5)  # 0 danger to life, 1 urgent, 3 sensitive, 5 ordinary
    area_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id"))
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    received_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    promise_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)
    copy_of_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)  # proposed for merging

    # A second writer who read an older version changes no row and is told so (StaleDataError -> Conflict).
    __mapper_args__ = {"version_id_col": version}


class SubmissionCase(Base):
    """That a submission belongs to a case: founding, joined by merging, or one of several after a split."""

    __tablename__ = "submission_cases"
    __table_args__ = (
        UniqueConstraint("submission_id", "case_id"),
        Index("ix_submission_cases_case", "case_id"),
    )

    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    kind: Mapped[str] = mapped_column(String(10), default="founding")
    since: Mapped[datetime]
    until: Mapped[datetime | None]


class CaseReader(Base):
    """Who, by name, may read a possible accusation."""

    __tablename__ = "case_readers"
    __table_args__ = (UniqueConstraint("case_id", "account_id"), Index("ix_case_readers_account", "account_id"))

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    named_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    since: Mapped[datetime]


class CaseExclusion(Base):
    """Who must not see or handle a case: the accused, those related to it by office, or one with an interest (回避)."""

    __tablename__ = "case_exclusions"
    __table_args__ = (Index("ix_case_exclusions_case", "case_id"),)

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    kind: Mapped[str] = mapped_column(String(10))  # accused, related (its superior or subordinate), recused
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    since: Mapped[datetime]
    until: Mapped[datetime | None]


class ExternalNumber(Base):
    """A number that another system gave the case (上级交办号, the national system's)."""

    __tablename__ = "external_numbers"
    __table_args__ = (UniqueConstraint("system", "number", "direction"),)

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    system: Mapped[str] = mapped_column(String(40))
    number: Mapped[str] = mapped_column(String(60))
    direction: Mapped[str] = mapped_column(String(4))  # in, out
    at: Mapped[datetime]
