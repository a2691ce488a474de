"""One organisation asked by another to act on a case, and what it asked for on the way."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.crypto import sealed
from core.database import Base


class Assignment(Base):
    """交办 / 派单 / 上报: lead or co-handler, up or down, with a state of its own.

    Assignments form a chain by `parent_id`: city, county, township, village.
    """

    __tablename__ = "assignments"
    __table_args__ = (
        Index("ix_assignments_case", "case_id", "round"),
        Index("ix_assignments_inbox", "organisation_id", "state", "due_at", "case_id"),
        Index("ix_assignments_assigner", "assigner_organisation_id", "state", "due_at", "case_id"),
    )

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("assignments.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    assigner_organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    assigner_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    role: Mapped[str] = mapped_column(String(4))  # lead, co
    kind: Mapped[str] = mapped_column(String(10))  # assign 交办, forward 转送, report_up 上报
    automatic: Mapped[bool] = mapped_column(default=False)
    round: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(12))  # see workflow.ASSIGNMENT_STATES
    instruction = sealed()
    instruction_sealed: Mapped[str | None] = mapped_column(Text)
    post: Mapped[str | None] = mapped_column(String(60))
    claimed_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    opinion = sealed()  # a co-handler's, or why it is absent, as the lead states it
    opinion_sealed: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    signed_at: Mapped[datetime | None]
    fed_back_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]  # a cache of its handling clock
    sign_due_at: Mapped[datetime | None]  # a cache of its signing clock
    return_until: Mapped[datetime | None]  # after it a return needs the assigner's consent
    first_contact_at: Mapped[datetime | None]
    returned_reason = sealed()  # why it was returned or taken back, as written
    returned_reason_sealed: Mapped[str | None] = mapped_column(Text)
    suggested_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))  # who should have it instead


class HandlingNote(Base):
    """What was noted on the way: note 办理记录, contact 首次联系, sent_back 退回重办的理由."""

    __tablename__ = "handling_notes"
    __table_args__ = (Index("ix_handling_notes_case", "case_id", "at"),)

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    kind: Mapped[str] = mapped_column(String(10))
    text = sealed()
    text_sealed: Mapped[str | None] = mapped_column(Text)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime]


class AssignmentRequest(Base):
    """What a handler asks of the assigner: an extension, a suspension, or a return after its window."""

    __tablename__ = "assignment_requests"
    __table_args__ = (
        Index("ix_assignment_requests_open", "assignment_id", "state"),
        Index("ix_assignment_requests_asked", "state", "asked_at"),
    )

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))  # extension, suspension, return
    days: Mapped[int | None]  # in the unit of the clock concerned
    reason = sealed()
    reason_sealed: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default="asked")  # asked, granted, refused, void
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    asked_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    decided_at: Mapped[datetime | None]
    ground: Mapped[str | None] = mapped_column(String(40))


class Decision(Base):
    """A formal step with its ground: accepted 受理, refused 不予受理, guided 告知, forwarded 转送, objection ruled."""

    __tablename__ = "decisions"
    __table_args__ = (Index("ix_decisions_case", "case_id", "at"),)

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"))
    kind: Mapped[str] = mapped_column(String(12))
    ground: Mapped[str | None] = mapped_column(String(40))
    article: Mapped[str | None] = mapped_column(String(200))
    text = sealed()
    text_sealed: Mapped[str | None] = mapped_column(Text)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    at: Mapped[datetime]
