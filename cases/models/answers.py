"""What was answered to whom, what was published, and how the citizen and the assigner judged it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.crypto import sealed
from core.database import Base


class Answer(Base):
    """A report to the assigner, an answer to the citizen, or a public answer. None shows itself to the citizen."""

    __tablename__ = "answers"
    __table_args__ = (Index("ix_answers_case", "case_id", "kind", "round"),)

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    assignment_id: Mapped[int | None] = mapped_column(ForeignKey("assignments.id"))
    kind: Mapped[str] = mapped_column(String(8))  # report, citizen, public
    round: Mapped[int]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    author_organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    approver_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    text = sealed()
    text_sealed: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10))  # written, approved, served, sent_back
    written_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    served_at: Mapped[datetime | None]
    served_way: Mapped[str | None] = mapped_column(String(20))


class AnswerSubmission(Base):
    """Which submissions an answer addresses, and how it was served on each (送达): the way, and what proves it, such as
    the number of a registered letter."""

    __tablename__ = "answer_submissions"
    __table_args__ = (UniqueConstraint("answer_id", "submission_id"),)

    answer_id: Mapped[int] = mapped_column(ForeignKey("answers.id"))
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), index=True)
    served_at: Mapped[datetime | None]
    served_way: Mapped[str | None] = mapped_column(String(20))
    served_proof: Mapped[str | None] = mapped_column(String(120))


class PublishedReply(Base):
    """A question and its reply for everybody to read, masked, under an id that is no credential.

    proposed by one person -> released by another (or refused) -> withdrawn. `version` orders writes to the index.
    """

    __tablename__ = "published_replies"
    __table_args__ = (Index("ix_published_replies_state", "state", "published_at"),)

    public_id: Mapped[str] = mapped_column(String(20), unique=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), index=True)
    answer_id: Mapped[int | None] = mapped_column(ForeignKey("answers.id"))
    state: Mapped[str] = mapped_column(String(10))  # proposed, released, refused, withdrawn
    title: Mapped[str] = mapped_column(Text)
    question: Mapped[str] = mapped_column(Text)
    reply: Mapped[str] = mapped_column(Text)
    masked_count: Mapped[int] = mapped_column(default=0)
    hidden = sealed()  # JSON: what was masked in the proposer's text, for who decides; forgotten with the decision
    hidden_sealed: Mapped[str | None] = mapped_column(Text)
    level1: Mapped[str | None] = mapped_column(String(40))
    level2: Mapped[str | None] = mapped_column(String(60))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    area_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id"))
    asked_at: Mapped[datetime]
    replied_at: Mapped[datetime]
    proposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    proposed_at: Mapped[datetime]
    released_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    published_at: Mapped[datetime | None]
    withdrawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    withdrawn_at: Mapped[datetime | None]
    refused_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    refused_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(String(200))  # why refused or withdrawn
    version: Mapped[int] = mapped_column(default=1)
    helped_yes: Mapped[int] = mapped_column(default=0)
    helped_no: Mapped[int] = mapped_column(default=0)


class Rating(Base):
    """The citizen's judgement of one round. None means unknown, never "content"."""

    __tablename__ = "ratings"
    __table_args__ = (UniqueConstraint("submission_id", "case_id", "round"),)

    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    round: Mapped[int]
    contacted: Mapped[bool | None]
    resolved: Mapped[bool | None]
    satisfaction: Mapped[int | None]  # 1 (very dissatisfied) … 5 (very satisfied)
    comment = sealed()
    comment_sealed: Mapped[str | None] = mapped_column(Text)
    way: Mapped[str] = mapped_column(String(20))  # web, wechat, sms, callback, lapsed
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime]


class UnitEvaluation(Base):
    """The assigner's judgement of the unit's work: in time, and how good (时效和质量)."""

    __tablename__ = "unit_evaluations"

    assignment_id: Mapped[int] = mapped_column(ForeignKey("assignments.id"), unique=True)
    in_time: Mapped[bool | None]
    quality: Mapped[int | None]  # 1 … 5
    by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime]
