"""The room of notices in a city where things happen: what is owed is told at once, and what was sent can be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select, update

from cases import history
from cases.history import Subscription
from channels.contract import Outgoing, ReceiptStatus, Sent
from channels.registry import Channels
from core import jobs
from core.clock import FixedClock
from notifications import citizens, delivery, staff
from notifications.models import Notice, StaffNotice
from organisations.models import Account
from tests.conftest import City
from tests.workbench.conftest import Desk


@dataclass
class Speaks:
    """A channel that can speak first; `fails` are the errors that it raises, one a message."""

    name: str = "sms"
    sent: list[Outgoing] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)
    required_settings: tuple[str, ...] = ()

    def send(self, message: Outgoing) -> Sent:
        if self.fails:
            raise self.fails.pop(0)
        self.sent.append(message)
        return Sent(f"{self.name}-{len(self.sent)}", ReceiptStatus.ACCEPTED)


class Mute:
    """A channel that takes in and can't speak first."""

    name = "wechat"
    required_settings = ()


@dataclass
class Room:
    """The city's desk with a worker for notices. `tell` runs what is due."""

    desk: Desk
    sms: Speaks
    wechat: Any
    channels: Channels

    def __post_init__(self) -> None:
        self.registry = jobs.Registry()
        delivery.register(self.registry, self.channels)

    def tell(self) -> list[str]:
        """Run every job that is due until none is; gives the texts that were sent by SMS since the last time."""
        before = len(self.sms.sent)
        while jobs.run_due(self.desk.db, self.desk.clock, self.registry, "jobs"):
            pass
        return [message.text for message in self.sms.sent[before:]]

    def again(self) -> list[str]:
        """The same after every job was lost from memory: all are run once more."""
        with self.desk.db.write() as session:
            session.execute(update(jobs.Job).values(state="waiting", due=self.desk.clock.now(), attempts=0))
        return self.tell()

    def notices(self) -> list[Notice]:
        """What citizens were owed, in order."""
        with self.desk.db.read() as session:
            return list(session.scalars(select(Notice).order_by(Notice.created_at, Notice.id)))

    def lines(self, kind: str = "") -> dict[str, list[str]]:
        """The lines of staff: user name -> kinds."""
        query = select(Account.username, StaffNotice.kind).join(StaffNotice, StaffNotice.account_id == Account.id)
        found: dict[str, list[str]] = {}
        with self.desk.db.read() as session:
            for username, line in session.execute(query.order_by(StaffNotice.at, StaffNotice.id)):
                if not kind or line == kind:
                    found.setdefault(username, []).append(line)
        return found


@pytest.fixture
def desk(city: City, clock: FixedClock) -> Desk:
    history.subscribe(
        [
            Subscription(citizens.JOB, "jobs", citizens.KINDS),
            Subscription(staff.JOB, "jobs", staff.KINDS),
        ]
    )
    return Desk(city, clock)


@pytest.fixture
def room(desk: Desk) -> Room:
    """A hub whose SMS speaks and whose WeChat does not."""
    sms = Speaks()
    return Room(desk, sms, Mute(), Channels({"sms": sms, "wechat": Mute()}, Speaks("console")))  # type: ignore[dict-item]
