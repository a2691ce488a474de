"""The inbox: every delivery is stored raw under a unique (channel, key) before anything is done with it.

The answer is made in the same short write transaction by what app.py bound; a repeat gets the stored answer. What goes
wrong in a bound function undoes that function's work only: the delivery stays, and a job tries it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import Index, String, Text, UniqueConstraint, select, text, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Mapped, Session, mapped_column

from channels import envelope
from channels.contract import CallStep, Item, Kind, Malformed, Message, Outcome, Receipt, Request
from channels.registry import Channels
from core import ids, jobs
from core.crypto import sealed
from core.database import Base
from core.errors import HubError
from core.logging import get_logger
from core.rows import change_row, insert_row

log = get_logger(__name__)

ANSWER_KEPT = timedelta(hours=24)  # it may hold a query code
RETRY = "inbox.retry"
_RETRY_AFTER = timedelta(seconds=30)
_CONSENT = {Kind.STOP, Kind.START}
_FAILED = text("state = 'failed'")
_RESULT = ("state", "error", "answer_number", "answer_sealed", "answer_expires_at")


class Delivery(Base):
    """What a provider handed over: one row an item, with the raw request it stood in.

    state: received, done (`error` names a refusal's code), failed (a job tries it again).
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("channel", "key"),
        Index("ix_deliveries_failed", "received_at", sqlite_where=_FAILED, postgresql_where=_FAILED),
        Index("ix_deliveries_answer_expires_at", "answer_expires_at"),
    )

    channel: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(20))
    received_at: Mapped[datetime]
    raw_sealed: Mapped[str | None] = mapped_column(Text, deferred=True)
    state: Mapped[str] = mapped_column(String(10))
    attempts: Mapped[int]
    error: Mapped[str | None] = mapped_column(String(60))
    answer_sealed: Mapped[str | None] = mapped_column(Text)
    answer_expires_at: Mapped[datetime | None]
    answer_number: Mapped[str | None] = mapped_column(String(40))

    raw = sealed()
    answer = sealed()


@dataclass(frozen=True)
class Bindings:
    """What the rooms above do with an item, each in the inbox's write transaction: short, no network, no files.

    The delivery's id is their idempotency key: a delivery tried or replayed again comes with the same one. A HubError
    becomes the answer. `late_answer` gets what came of a message after its provider had stopped waiting.
    """

    receive: Callable[[Session, Message, Delivery], Outcome]
    consent: Callable[[Session, Message, Delivery], Outcome]
    receipt: Callable[[Session, Receipt, Delivery], None]
    call_step: Callable[[Session, CallStep, Delivery], Outcome]
    late_answer: Callable[[Session, Message, Outcome, Delivery], None] | None = None


def prepare(request: Request, item: Item) -> Delivery:
    """A delivery ready to be stored; the sealing happens here, before the write transaction."""
    delivery = Delivery(channel=item.channel, key=item.key, kind=_kind(item), received_at=request.received_at)
    delivery.state, delivery.attempts = "received", 1
    delivery.raw = envelope.dump_request(request)
    return delivery


def accept(session: Session, delivery: Delivery, item: Item, bindings: Bindings, *, guarded: bool = True) -> Outcome:
    """Store a delivery and answer it, once: a repeat gets the answer of the first, however close they come.

    `delivery` comes from `prepare` and must not be added to the session by the caller. Raises OperationalError when the
    database can't write; the provider then asks again and nothing is lost. Without `guarded` it is quicker, and what
    goes wrong in a bound function is raised: the caller then rolls back and accepts all anew, guarded.
    """
    # A concurrent writer of the same key waits here for the first to commit.
    if insert_row(session, delivery):
        if guarded:
            return _process(session, delivery, item, bindings)
        return _done(session, delivery, _dispatch(session, delivery, item, bindings))
    query = select(Delivery).where(Delivery.channel == delivery.channel, Delivery.key == delivery.key)
    first = session.scalars(query.with_for_update()).one()
    log.info("delivery_repeated", channel=first.channel, delivery_id=first.id, state=first.state)
    if first.state != "done":
        first.attempts += 1
        return _process(session, first, item, bindings)
    return _stored_answer(first, delivery.received_at)


def replay(
    session: Session, delivery_id: int, channels: Channels, bindings: Bindings, *, again: bool = False
) -> Outcome:
    """Process a stored delivery that failed, or with `again` any. Raises Malformed when its channel can't read it."""
    row = session.get_one(Delivery, delivery_id, with_for_update=True)
    if row.state == "done" and not again:
        return _stored_answer(row, row.received_at)
    item = _item(row, channels)
    row.attempts += 1
    outcome = _process(session, row, item, bindings)
    if row.state == "done" and isinstance(item, Message) and bindings.late_answer is not None and not again:
        bindings.late_answer(session, item, outcome, row)
    return outcome


def register(registry: jobs.Registry, channels: Channels, bindings: Bindings) -> None:
    """Add the job that tries failed deliveries again to a worker's registry."""

    def retry(work: jobs.Work) -> None:
        with work.db.write() as session:
            replay(session, int(work.payload["delivery"]), channels, bindings)
            failed = session.get_one(Delivery, int(work.payload["delivery"])).state == "failed"
        if failed:
            raise RuntimeError("delivery_failed_again")

    registry.add(RETRY, retry)


def purge_answers(session: Session, now: datetime) -> int:
    """Forget the answers whose time is over; the number stays. Returns how many."""
    statement = (
        update(Delivery).where(Delivery.answer_expires_at < now).values(answer_sealed=None, answer_expires_at=None)
    )
    return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]


def _process(session: Session, row: Delivery, item: Item, bindings: Bindings) -> Outcome:
    try:
        with session.begin_nested():
            outcome = _dispatch(session, row, item, bindings)
    except (OperationalError, InterfaceError):
        raise  # the database, not this delivery
    except HubError as refusal:
        outcome = Outcome(text=refusal.message, code=refusal.code)
    except Exception as error:
        return _failed(session, row, error)
    return _done(session, row, outcome)


def _done(session: Session, row: Delivery, outcome: Outcome) -> Outcome:
    row.state, row.error = "done", outcome.code or None
    row.answer_number = outcome.number or None
    if outcome != Outcome():
        row.answer, row.answer_expires_at = envelope.dump_outcome(outcome), row.received_at + ANSWER_KEPT
    _keep(session, row)
    log.info("delivery_done", channel=row.channel, delivery_id=row.id, kind=row.kind, attempts=row.attempts)
    return outcome


def _keep(session: Session, row: Delivery) -> None:
    """Write what came of a new delivery; one that was read from the database is the session's to write."""
    if row not in session:
        change_row(session, row, _RESULT)


def _dispatch(session: Session, row: Delivery, item: Item, bindings: Bindings) -> Outcome:
    if isinstance(item, Receipt):
        bindings.receipt(session, item, row)
        return Outcome()
    if isinstance(item, CallStep):
        return bindings.call_step(session, item, row)
    return (bindings.consent if item.kind in _CONSENT else bindings.receive)(session, item, row)


def _failed(session: Session, row: Delivery, error: Exception) -> Outcome:
    """Keep the delivery, owe another try, and tell the sender no more than what is true."""
    row.state, row.error = "failed", type(error).__name__[:60]
    _keep(session, row)
    log.error("delivery_failed", channel=row.channel, delivery_id=row.id, attempts=row.attempts, exc_info=error)
    jobs.enqueue_again(session, RETRY, str(row.id), {"delivery": row.id}, due=row.received_at + _RETRY_AFTER)
    return Outcome(text=_("您的来信已收到，正在登记。请稍后发送“进度”查看。"), code="failed")


def _stored_answer(row: Delivery, now: datetime) -> Outcome:
    """The answer as it was given; after its time the number alone."""
    if row.answer_sealed is not None and row.answer_expires_at is not None and now <= row.answer_expires_at:
        return envelope.load_outcome(row.answer or "")
    if row.answer_number is None:
        return Outcome()
    return Outcome(text=_("您的诉求编号：%(number)s", number=ids.grouped(row.answer_number)), number=row.answer_number)


def _item(row: Delivery, channels: Channels) -> Item:
    adapter = channels.receiver(row.channel)
    if adapter is None or row.raw is None:
        raise Malformed(channel=row.channel)
    for item in adapter.parse(envelope.load_request(row.raw)):
        if item.key == row.key:
            return item
    raise Malformed(channel=row.channel)


def _kind(item: Item) -> str:
    return item.kind.value if isinstance(item, Message) else {CallStep: "call_step", Receipt: "receipt"}[type(item)]
