"""One citizen's normalised request, immutable once submitted; corrections and messages stand beside it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, Float, ForeignKey, Index, String, Text, UniqueConstraint, event, inspect
from sqlalchemy.orm import Mapped, Mapper, mapped_column, object_session

from core.crypto import sealed
from core.database import Base


class Submission(Base):
    """A request as it was received. Number, promise date, messages, call-backs and rating belong to it.

    `body_masked` has the length of the normalised text; `offsets` leads from it to the original (None: identical).
    """

    __tablename__ = "submissions"
    __table_args__ = (
        UniqueConstraint("origin", "origin_key"),
        Index("ix_submissions_citizen", "citizen_id", "received_at"),
        Index("ix_submissions_received", "received_at"),
        Index("ix_submissions_exact", "exact_digest", "received_at"),
    )

    number: Mapped[str] = mapped_column(String(20), unique=True)
    origin: Mapped[str] = mapped_column(String(40))  # web, wechat, sms, desk, import:<source>
    origin_key: Mapped[str] = mapped_column(String(120))  # form token, message id, row id: makes a repeat one row
    channel: Mapped[str] = mapped_column(String(20))  # web, wechat, sms, hotline, letter, visit, import
    source: Mapped[str] = mapped_column(String(20), default="own")  # own 本单位接待, superior 上级交办, media 媒体 …
    track: Mapped[str] = mapped_column(String(10), default="hotline")  # hotline, petition
    citizen_id: Mapped[int | None] = mapped_column(ForeignKey("citizens.id"))
    disclosure: Mapped[str] = mapped_column(String(14), default="named")  # named, confidential, anonymous
    consent_publish: Mapped[bool | None]
    title = sealed()
    title_sealed: Mapped[str | None] = mapped_column(Text)
    title_masked: Mapped[str] = mapped_column(Text)
    body = sealed()
    body_sealed: Mapped[str | None] = mapped_column(Text)
    body_masked: Mapped[str] = mapped_column(Text)
    offsets: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    salt: Mapped[str | None] = mapped_column(String(64))  # erased with the text: its digest then tells nothing
    digest: Mapped[str] = mapped_column(String(64))
    exact_digest: Mapped[str] = mapped_column(String(90))  # keyed, of title + body: finds exact copies
    place = sealed()
    place_sealed: Mapped[str | None] = mapped_column(Text)
    place_masked: Mapped[str | None] = mapped_column(Text)
    area_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id"))
    position = sealed()  # degrees, "latitude,longitude"
    position_sealed: Mapped[str | None] = mapped_column(Text)
    datum: Mapped[str | None] = mapped_column(String(8))  # WGS84, GCJ-02
    accuracy_m: Mapped[float | None] = mapped_column(Float)
    claimed_level1: Mapped[str | None] = mapped_column(String(40))  # the category the citizen chose
    occurred_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]  # None while it is a draft; from then on the original never changes
    registered_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    accepted_by_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    served_at: Mapped[datetime | None]
    served_way: Mapped[str | None] = mapped_column(String(20))
    promise_date: Mapped[date | None] = mapped_column(Date)
    withdrawn_at: Mapped[datetime | None]
    imported_at: Mapped[datetime | None]


# What a citizen wrote and how it is found again: fixed once submitted. Only re-sealing under a new key and erasing at
# the end of retention may touch it, in a session that says so (`session.info["keeper"]`).
ORIGINAL = (
    "number", "origin", "origin_key", "channel", "title_sealed", "title_masked", "body_sealed", "body_masked",
    "offsets", "salt", "digest", "exact_digest", "place_sealed", "place_masked",
    "position_sealed", "received_at", "submitted_at",
)  # fmt: skip


class OriginalChanged(RuntimeError):
    """A programme tried to change a submitted original."""


@event.listens_for(Submission, "before_update")
def _keep_original(mapper: Mapper[Submission], connection: Any, row: Submission) -> None:
    state = inspect(row)
    before = state.attrs["submitted_at"].history
    was_draft = (before.deleted[0] if before.deleted else row.submitted_at) is None
    session = object_session(row)
    if was_draft or (session is not None and session.info.get("keeper")):
        return
    changed = [name for name in ORIGINAL if state.attrs[name].history.has_changes()]
    if changed:
        raise OriginalChanged(f"submission {row.id}: {', '.join(changed)}")


class SubmissionPoint(Base):
    """That a submission was made with a contact point: what its owner may ask about over that channel.

    Not by way of the citizen: an identity number typed by somebody else must not open a person's submissions.
    """

    __tablename__ = "submission_points"
    __table_args__ = (
        UniqueConstraint("submission_id", "contact_point_id"),
        Index("ix_submission_points_point", "contact_point_id", "received_at"),
    )

    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    contact_point_id: Mapped[int] = mapped_column(ForeignKey("contact_points.id"))
    received_at: Mapped[datetime]


class QueryCode(Base):
    """The code that, with the number, shows a submission. Only its keyed digest is kept; an older one ends."""

    __tablename__ = "query_codes"
    __table_args__ = (Index("ix_query_codes_submission", "submission_id"),)

    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    digest: Mapped[str] = mapped_column(String(90))
    issued_at: Mapped[datetime]
    issued_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    ended_at: Mapped[datetime | None]


class Message(Base):
    """What passed between a citizen and the city about a submission after it was made.

    Kinds: addition 补充, correction 更正 (both beside the original, which stays), urge 催办, enquiry 查询,
    question (ours), answer (to our question), objection, notice.
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("origin", "origin_key"),
        Index("ix_messages_submission", "submission_id", "at"),
    )

    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    direction: Mapped[str] = mapped_column(String(4))  # in, out
    kind: Mapped[str] = mapped_column(String(12))
    channel: Mapped[str] = mapped_column(String(20))
    origin: Mapped[str] = mapped_column(String(40))
    origin_key: Mapped[str] = mapped_column(String(120))
    text = sealed()
    text_sealed: Mapped[str | None] = mapped_column(Text)
    text_masked: Mapped[str] = mapped_column(Text)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime]


class Attachment(Base):
    """A file that came with a submission, a message or an answer; its bytes are in the file store under `key`."""

    __tablename__ = "attachments"
    __table_args__ = (
        Index("ix_attachments_submission", "submission_id"),
        Index("ix_attachments_answer", "answer_id"),
        Index("ix_attachments_key", "key"),
    )

    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)  # evidence of a handler
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"))
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"))
    answer_id: Mapped[int | None] = mapped_column(ForeignKey("answers.id"))
    name = sealed()
    name_sealed: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(String(12))  # image, pdf, document, audio, video, text
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(120))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    at: Mapped[datetime]


class ExtraField(Base):
    """A field that only some forms ask for."""

    __tablename__ = "extra_fields"
    __table_args__ = (UniqueConstraint("submission_id", "form_version", "code"),)

    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    form_version: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(40))
    value = sealed()
    value_sealed: Mapped[str | None] = mapped_column(Text)
