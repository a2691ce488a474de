"""A room above the inbox for tests: counts what it is given. Its table stands apart from the hub's metadata."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, MetaData, String, Table
from sqlalchemy.orm import Session

from channels.contract import CallStep, Message, Outcome, Receipt
from channels.inbox import Bindings, Delivery

GOT = Table("test_channels_got", MetaData(), Column("delivery_id", BigInteger), Column("kind", String(20)))


class Room:
    """Stands in for intake: writes a row for each item and answers with its number."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.fails: set[str] | None = None  # the channels whose messages meet `error`; None for all
        self.late: list[str] = []
        self.text = "您的编号 2611240000017，查询码 12345678"
        self.bindings = Bindings(self.receive, self.consent, self.receipt, self.call_step, self.late_answer)

    def receive(self, session: Session, message: Message, delivery: Delivery) -> Outcome:
        session.execute(GOT.insert().values(delivery_id=delivery.id, kind=message.kind.value))
        if self.error is not None and (self.fails is None or message.channel in self.fails):
            raise self.error
        return Outcome(self.text, number="2611240000017")

    def consent(self, session: Session, message: Message, delivery: Delivery) -> Outcome:
        session.execute(GOT.insert().values(delivery_id=delivery.id, kind="consent." + message.kind.value))
        return Outcome()

    def receipt(self, session: Session, receipt: Receipt, delivery: Delivery) -> None:
        session.execute(GOT.insert().values(delivery_id=delivery.id, kind="receipt." + receipt.status.value))

    def call_step(self, session: Session, step: CallStep, delivery: Delivery) -> Outcome:
        session.execute(GOT.insert().values(delivery_id=delivery.id, kind="step." + step.step))
        return Outcome()

    def late_answer(self, session: Session, message: Message, outcome: Outcome, delivery: Delivery) -> None:
        self.late.append(outcome.text)
