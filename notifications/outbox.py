"""Owing a notice, sending it, and what becomes of it. No transaction is open while a provider thinks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.models import ContactPoint
from channels.contract import Outgoing, Receipt, ReceiptStatus, Rejected, Retryable
from channels.registry import Channels
from core import jobs
from core.logging import get_logger
from notifications.models import Notice
from notifications.templates import TO_STAFF

log = get_logger(__name__)

SEND = "notifications.send"
KEEP_TRYING = timedelta(hours=24)  # a provider that is down for longer: an agent calls instead
_MAX_UNSURE = 2  # tries when the provider may have taken it: a message twice is worse than a call-back
_ORDER = {ReceiptStatus.ACCEPTED: 0, ReceiptStatus.SENT: 1, ReceiptStatus.DELIVERED: 2, ReceiptStatus.READ: 3}

Undelivered = Callable[[Session, Notice, datetime], None]


def owe(
    session: Session,
    at: datetime,
    key: str,
    kind: str,
    point: ContactPoint,
    channel: str,
    text: str,
    submission_id: int | None = None,
    due: datetime | None = None,
) -> Notice | None:
    """Owe one notice, to be sent at once or at `due`; None when this key was owed before or its owner wrote STOP.

    STOP holds back what goes to citizens, not what goes to staff as a duty of theirs.
    """
    if _is_held_back(point, kind) or session.scalar(select(Notice.id).where(Notice.key == key)):
        return None
    notice = Notice(
        key=key, kind=kind, channel=channel, contact_point_id=point.id, submission_id=submission_id, created_at=at
    )
    notice.text = text
    session.add(notice)
    session.flush()
    jobs.enqueue(session, SEND, str(notice.id), {"notice": notice.id}, due=due or at)
    return notice


def register(registry: jobs.Registry, channels: Channels, undelivered: Undelivered) -> None:
    """Add the job that sends a notice. `undelivered` is told, in the same transaction, when one never will be."""

    def send(work: jobs.Work) -> None:
        outgoing = _ready(work)
        if outgoing is None:
            return
        try:
            sender = channels.sender(outgoing.channel)
            if sender is None:
                raise Rejected("cannot_speak")
            sent = sender.send(outgoing)
        except Rejected as error:
            _give_up(work, error.code, undelivered)
        except Retryable as error:
            _try_again(work, error, undelivered)
        else:
            with work.db.write() as session:
                notice = session.get_one(Notice, work.payload["notice"], with_for_update=True)
                notice.state, notice.sent_at, notice.provider_id = "sent", work.clock.now(), sent.provider_id

    registry.add(SEND, send)


def _ready(work: jobs.Work) -> Outgoing | None:
    """The message to hand over, with its attempt counted; None when there is nothing to do any more."""
    with work.db.write() as session:
        notice = session.get(Notice, work.payload["notice"], with_for_update=True)
        if notice is None or notice.state != "waiting":
            return None
        point = session.get_one(ContactPoint, notice.contact_point_id)
        if _is_held_back(point, notice.kind):
            notice.state = "dropped"
            return None
        notice.attempts += 1
        return Outgoing(notice.channel, notice.key, str(point.value), str(notice.text))


def _is_held_back(point: ContactPoint, kind: str) -> bool:
    return point.stopped_at is not None and kind not in TO_STAFF


def _give_up(work: jobs.Work, code: str, undelivered: Undelivered) -> None:
    with work.db.write() as session:
        notice = session.get_one(Notice, work.payload["notice"], with_for_update=True)
        _failed(session, notice, code, work.clock.now(), undelivered)


def _try_again(work: jobs.Work, error: Retryable, undelivered: Undelivered) -> None:
    with work.db.write() as session:
        notice = session.get_one(Notice, work.payload["notice"], with_for_update=True)
        notice.error = error.code
        attempts, at = notice.attempts, work.clock.now()
        if at - notice.created_at >= KEEP_TRYING or (error.maybe_sent and attempts >= _MAX_UNSURE):
            _failed(session, notice, error.code, at, undelivered)
            return
    raise jobs.RetryLater(error.code, error.after or timedelta(minutes=min(2**attempts, 60)))


def _failed(session: Session, notice: Notice, code: str, at: datetime, undelivered: Undelivered) -> None:
    notice.state, notice.error = "failed", code[:40]
    if code == "opted_out":
        session.get_one(ContactPoint, notice.contact_point_id).stopped_at = at
    log.warning("notice_failed", notice_id=notice.id, channel=notice.channel, code=code)
    undelivered(session, notice, at)


def note_receipt(session: Session, receipt: Receipt, undelivered: Undelivered) -> None:
    """What a provider says of a message of ours; news that is older than what is known changes nothing."""
    query = select(Notice).where(Notice.channel == receipt.channel, Notice.provider_id == receipt.provider_id)
    notice = session.scalar(query.with_for_update())
    if notice is None:
        log.info("receipt_of_unknown_notice", channel=receipt.channel)
        return
    if receipt.status is ReceiptStatus.FAILED:
        if notice.state == "sent":
            _failed(session, notice, "undelivered", receipt.sent_at, undelivered)
    elif _ORDER[receipt.status] >= 2 and notice.state == "sent":
        notice.state, notice.delivered_at = "delivered", receipt.sent_at
