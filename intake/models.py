"""The records of intake: dialogues on WeChat and SMS with what was said in them, and the model in use."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Float, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.crypto import sealed
from core.database import Base

STATES = {
    "open": "进行中",
    "left": "中断待跟进",
    "submitted": "已提交",
    "cancelled": "本人取消",
    "joined": "已并入原诉求",
    "closed": "话务员已跟进",
}
# The question that waits for an answer.
STEPS = {"about": "什么事", "place": "在哪里", "more": "有无补充", "confirm": "核对", "unsure": "补充还是新事",
         "withdraw": "是否撤回"}  # fmt: skip
LIVE = ("open", "left")
_LIVE = text("state IN ('open', 'left')")
_HANDED_IN = text("submission_id IS NOT NULL")


class Dialogue(Base):
    """What one sender is telling us on a channel, until it is submitted; a sender has one live dialogue at most.

    state: open; left (reminded once, now listed for an agent); submitted, cancelled, joined to an earlier submission,
    closed by an agent. `parts` counts messages of substance; `step` is a code of STEPS.
    """

    __tablename__ = "dialogues"
    __table_args__ = (
        Index("uq_dialogues_live", "channel", "sender_digest", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("ix_dialogues_sender", "channel", "sender_digest", "last_at"),
        Index("ix_dialogues_state", "state", "last_at"),
        Index("ix_dialogues_submission_id", "submission_id", sqlite_where=_HANDED_IN, postgresql_where=_HANDED_IN),
    )

    channel: Mapped[str] = mapped_column(String(20))
    sender_digest: Mapped[str] = mapped_column(String(90))
    sender = sealed()
    sender_sealed: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default="open")
    step: Mapped[str] = mapped_column(String(10), default="about")
    body = sealed()
    body_sealed: Mapped[str | None] = mapped_column(Text)
    place = sealed()
    place_sealed: Mapped[str | None] = mapped_column(Text)
    position = sealed()  # degrees, "latitude,longitude"
    position_sealed: Mapped[str | None] = mapped_column(Text)
    datum: Mapped[str | None] = mapped_column(String(8))
    accuracy_m: Mapped[float | None] = mapped_column(Float)
    disclosure: Mapped[str] = mapped_column(String(14), default="named")  # named, confidential, anonymous
    parts: Mapped[int] = mapped_column(default=0)
    first_digest: Mapped[str | None] = mapped_column(String(90))  # keyed, of the first words: finds an exact copy
    options: Mapped[list[int]] = mapped_column(JSON, default=list)  # submissions offered at the step unsure, in order
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"))
    started_at: Mapped[datetime]
    last_at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
    listed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    version: Mapped[int] = mapped_column(default=1)


class Turn(Base):
    """One delivery that the dialogue took in, once. `reference` leads to a file at the provider; raw is the delivery.

    `role`: body, place, more, material, answer (to our question), command.
    """

    __tablename__ = "dialogue_turns"
    __table_args__ = (
        UniqueConstraint("delivery_id"),
        Index("ix_dialogue_turns_dialogue", "dialogue_id", "at"),
        Index("ix_dialogue_turns_submission_id", "submission_id", sqlite_where=_HANDED_IN, postgresql_where=_HANDED_IN),
    )

    delivery_id: Mapped[int]
    dialogue_id: Mapped[int | None] = mapped_column(ForeignKey("dialogues.id"))
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"))
    kind: Mapped[str] = mapped_column(String(20))
    role: Mapped[str] = mapped_column(String(10))
    text = sealed()
    text_sealed: Mapped[str | None] = mapped_column(Text)
    reference = sealed()
    reference_sealed: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]


class ActiveModel(Base):
    """The classifier's model in use, newest row last: processes look here every few seconds and load what changed."""

    __tablename__ = "active_models"

    version: Mapped[str] = mapped_column(String(40), unique=True)
    sha256: Mapped[str] = mapped_column(String(64))
    file: Mapped[str] = mapped_column(String(400))
    threshold: Mapped[float | None] = mapped_column(Float)  # of confidence; None: the model's own
    since: Mapped[datetime] = mapped_column(index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
