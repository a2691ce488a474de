"""Who writes on a channel, as far as the channel itself proves it, and which submissions are theirs."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.models import Case, ContactPoint, Submission, SubmissionPoint
from cases.operations import base, citizens, submissions
from cases.operations.submissions import Reporter
from channels.contract import Message
from core.crypto import ring

# By which kind of contact point a channel's sender is known.
KIND_OF_CHANNEL = {"wechat": "openid", "sms": "phone"}


@dataclass(frozen=True)
class Sender:
    """One sender: the channel, the kind of contact point and its value, written one way."""

    channel: str
    kind: str
    value: str

    @property
    def digest(self) -> str:
        """The keyed digest that their dialogues carry."""
        return citizens.point_digest(self.kind, self.value)

    @property
    def asker(self) -> str:
        """What tells them apart when wrong codes are counted."""
        return f"{self.channel}:{self.value}"

    def words_digest(self, text: str) -> str:
        """A keyed digest of words by this sender, to find an exact copy."""
        return ring().digest("dialogue", f"{self.asker}\0{text}")

    def reporter(self, phone: str = "") -> Reporter:
        """The citizen as the channel proves them; `phone` is one that they called their own."""
        if self.kind == "openid":
            return Reporter(openid=self.value, phone=phone, verified=("openid",))
        return Reporter(phone=self.value, verified=("phone",))


def sender_of(message: Message) -> Sender:
    """The sender of a message; a channel that is not listed knows its senders as it names them (openid)."""
    kind = KIND_OF_CHANNEL.get(message.channel, "openid")
    return Sender(message.channel, kind, citizens.normal_point(kind, message.sender))


def open_ones(session: Session, sender: Sender, limit: int = 3) -> list[Submission]:
    """The sender's submissions still open, newest first."""
    return submissions.open_submissions(session, sender.kind, sender.value, limit)


def own_ones(session: Session, sender: Sender, limit: int = 5) -> list[Submission]:
    """The sender's newest submissions that were handed in."""
    found = submissions.own_submissions(session, sender.kind, sender.value, limit)
    return [one for one in found if one.submitted_at is not None]


def own_by_number(session: Session, sender: Sender, number: str) -> Submission | None:
    """The submission with this number when it was made with the sender's contact point."""
    query = (
        select(Submission)
        .join(SubmissionPoint, SubmissionPoint.submission_id == Submission.id)
        .join(ContactPoint, ContactPoint.id == SubmissionPoint.contact_point_id)
        .where(Submission.number == number, Submission.submitted_at.is_not(None))
        .where(ContactPoint.kind == sender.kind, ContactPoint.digest == sender.digest)
    )
    return session.scalar(query.limit(1))


def case_of(session: Session, submission: Submission) -> Case:
    """The case that a submission belongs to now."""
    return base.case_of(session, submission.id)
