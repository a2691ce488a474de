"""What notices lead to: receipts noted, late answers sent after all, a call owed when no message arrives."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.models import Submission
from cases.operations.base import case_of
from cases.operations.call_backs import open_call_back
from cases.operations.citizens import ensure_point
from channels.contract import Message, Outcome, Receipt
from channels.inbox import Delivery
from channels.registry import Channels
from core import jobs
from intake.left import TELL
from intake.models import Dialogue
from notifications import citizens, outbox, staff
from notifications.models import Notice
from notifications.templates import SERVICE, filled, wording

# What a citizen must learn: when no message arrives, an agent calls.
MUST_ARRIVE = frozenset({"citizen_asked", "answer_served", "answered_directly", "refused", "guided", "lapsed"})
_POINT_OF_CHANNEL = {"wechat": "openid", "sms": "phone"}


def register(registry: jobs.Registry, channels: Channels) -> None:
    """Add the jobs of this room to a worker's registry."""
    outbox.register(registry, channels, call_instead)
    citizens.register(registry, channels)
    staff.register(registry)
    registry.add(TELL, _tell_left)


def call_instead(session: Session, notice: Notice, at: datetime) -> None:
    """Owe a call to whoever must learn what the message would have told; not to who wrote without a name."""
    if notice.kind not in MUST_ARRIVE or notice.submission_id is None:
        return
    submission = session.get_one(Submission, notice.submission_id)
    if submission.disclosure == "anonymous":
        return
    round_ = case_of(session, submission.id).round
    open_call_back(session, at, reason="undelivered", submission_id=submission.id, round=round_)


def _tell_left(work: jobs.Work) -> None:
    """Remind somebody, by the channel they wrote on, of what they began to tell and did not send."""
    with work.db.write() as session:
        row = session.get_one(Dialogue, int(work.payload["dialogue"]))
        if row.state != "open":
            return
        point = ensure_point(session, _POINT_OF_CHANNEL[row.channel], str(row.sender), work.clock.now())
        text = filled(wording(session, "dialogue_left"), {"service": SERVICE})
        outbox.owe(session, work.clock.now(), f"dialogue.{row.id}", "dialogue_left", point, row.channel, text)


def receipt(session: Session, item: Receipt, delivery: Delivery) -> None:
    """Note what a provider says of a message of ours (bound to the inbox)."""
    outbox.note_receipt(session, item, call_instead)


def late_answer(session: Session, message: Message, outcome: Outcome, delivery: Delivery) -> None:
    """Send what came of a message after its provider had stopped waiting (bound to the inbox)."""
    if not outcome.text or message.channel not in _POINT_OF_CHANNEL:
        return
    point = ensure_point(session, _POINT_OF_CHANNEL[message.channel], message.sender, delivery.received_at)
    submission_id = None
    if outcome.number:
        submission_id = session.scalar(select(Submission.id).where(Submission.number == outcome.number))
    key = f"delivery.{delivery.id}"
    outbox.owe(session, delivery.received_at, key, "late_answer", point, message.channel, outcome.text, submission_id)
