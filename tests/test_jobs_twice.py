"""Every job run a second time changes nothing: a worker that died after its work and before its note does it again.

Each registered job has a story here that makes the hub owe it by what it does itself; a new one without a story, or a
reason in EXEMPT, turns the first test red.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

import wiring
import worker
from cases import readerless, sweep, upkeep
from cases.models import CodeAttempt
from cases.operations import alerts
from channels import inbox
from channels import registry as channel_registry
from channels.adapters.sms import Sms
from channels.contract import Message, Outcome, Outgoing, ReceiptStatus, Sent
from channels.inbox import Delivery
from channels.registry import Channels
from core import heartbeats, jobs
from core.clock import FixedClock
from core.config import Settings
from core.database import Base, Database
from core.files import FileStore
from core.jobs import Job
from core.web.parts import Parts
from intake import diversion, left
from notifications import citizens, outbox, staff
from organisations import accounts
from organisations.administration import days
from organisations.models import RoleGrant
from search import jobs as search_jobs
from search.engine import SearchUnavailable
from search.service import SearchService
from tests.conftest import City
from tests.intake.talk import BINDINGS, SETTINGS, Talk
from tests.workbench.conftest import Desk

# Jobs for which a second run may change what is stored: name -> why. None so far.
EXEMPT: dict[str, str] = {}
# Jobs that look at what time has brought: later there is rightly something new to do.
BY_TIME = {sweep.SWEEP, left.LOOK, wiring.HOUSEKEEPING, wiring.UPKEEP, upkeep.ANCHOR, upkeep.PURGE_FILES}
_NOT_COMPARED = {Job.__tablename__, heartbeats.Heartbeat.__tablename__}


class Phone(Sms):
    """The text message number; what it sends goes nowhere."""

    def __init__(self) -> None:
        super().__init__(SETTINGS)
        self.sent: list[Outgoing] = []

    def send(self, message: Outgoing) -> Sent:
        self.sent.append(message)
        return Sent(f"SM{len(self.sent)}", ReceiptStatus.ACCEPTED)


@dataclass
class Hub:
    """The city's hub with all its jobs, none of which runs by itself."""

    parts: Parts
    desk: Desk
    phone: Phone
    registry: jobs.Registry = field(init=False)

    def __post_init__(self) -> None:
        self.registry = wiring.registry(self.parts)

    @property
    def db(self) -> Database:
        return self.desk.db

    def owed(self, name: str) -> list[int]:
        """The jobs of a name, in order."""
        with self.db.read() as session:
            return list(session.scalars(select(Job.id).where(Job.name == name).order_by(Job.due, Job.id)))

    def run(self, name: str, job_ids: list[int] | None = None) -> None:
        """Run these jobs, or all of a name, and no other; the clock goes to where they are due."""
        chosen = self.owed(name) if job_ids is None else job_ids
        clock = self.desk.clock
        with self.db.write() as session:
            session.execute(update(Job).where(Job.id.not_in(chosen)).values(state="held"))
            due = [job.due for job in session.scalars(select(Job).where(Job.id.in_(chosen)))]
            clock.set(max(clock.now(), *due))
            session.execute(update(Job).where(Job.id.in_(chosen)).values(state="waiting", due=clock.now()))
        jobs.run_due(self.db, clock, self.registry, self.registry.queues[name])
        with self.db.read() as session:
            ran = session.execute(select(Job.state, Job.error).where(Job.id.in_(chosen))).all()
        assert [tuple(row) for row in ran] == [("done", None)] * len(chosen)

    def everything(self) -> dict[str, Any]:
        """All that is stored: each row of each table but those of the queue itself, the files, both indexes; and what
        was sent.
        """
        with self.db.read() as session:
            found: dict[str, Any] = {
                table.name: sorted(map(repr, session.execute(select(table))))
                for table in Base.metadata.sorted_tables
                if table.name not in _NOT_COMPARED
            }
            found["jobs owed"] = sorted(session.execute(select(Job.name, Job.key)).tuples())
        found["files"] = sorted(key for key, _at in self.parts.get(FileStore).stored())
        engine = self.parts.get(SearchService).engine
        found["replies found"], found["cases found"] = _ids(engine.replies), _ids(engine.cases)
        found["sent"] = len(self.phone.sent)
        return found


def _ids(index: Any) -> dict[str, int]:
    try:
        reader = index.open_reader()
        reader.refresh()
        return dict(reader.ids())
    except SearchUnavailable:
        return {}


@pytest.fixture
def hub(settings: Settings, city: City, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    phone = Phone()
    console = channel_registry.load(settings).fallback
    monkeypatch.setattr(channel_registry, "load", lambda _settings: Channels({"sms": phone}, console))
    yield Hub(wiring.build(settings, clock, db=city.db), Desk(city, clock), phone)


# --- how each job comes to be owed ------------------------------------------------------------------------------------


def _petitions(hub: Hub) -> None:
    """One petition of each kind of way: danger to life, an accusation, one that goes all the way, one just sent in."""
    with hub.db.write() as session:
        chief = hub.desk.city.actor("niu.guoqiang").account_id
        assert chief is not None
        accounts.set_phone(session, hub.desk.city.actor("admin.security"), hub.desk.clock.now(), chief, "13811112222")
    hub.desk.submit(danger="gas")
    hub.desk.submit("城管局队员收红包", "城管局队员向摊主收红包，不给就掀摊子。")
    hub.desk.submit("路灯不亮", "柳林路的路灯三天不亮，晚上看不见路。")
    hub.desk.answered(body="梧桐里西侧的工地也在夜里打桩，老人睡不好。")


def _notices(hub: Hub) -> None:
    _petitions(hub)
    hub.run(citizens.JOB)
    hub.run(staff.JOB)


def _unread_delivery(hub: Hub) -> None:
    """A message that a fault kept from being taken in."""

    def broken(session: Any, message: Message, delivery: Delivery) -> Outcome:
        raise ZeroDivisionError

    request = Talk(hub.db, hub.desk.clock, "sms").request({}, {"Body": "小区停水两天了，码头路"}, "")
    (item,) = hub.phone.parse(request)
    with hub.db.write() as session:
        inbox.accept(session, inbox.prepare(request, item), item, replace(BINDINGS, receive=broken))


def _dialogue(hub: Hub) -> None:
    Talk(hub.db, hub.desk.clock, "sms").say("小区停水两天了")


def _quiet_dialogue(hub: Hub) -> None:
    _dialogue(hub)
    hub.desk.clock.advance(left.REMIND_AFTER)
    worker.owe_regular_work(hub.parts)


def _reminded(hub: Hub) -> None:
    _quiet_dialogue(hub)
    hub.run(left.LOOK)


def _late(hub: Hub) -> None:
    hub.desk.in_hand()
    case_id = hub.desk.waiting(body="三号楼楼道有燃气味。")
    with hub.db.write() as session:
        case = hub.desk.case(case_id)
        alerts.raise_(session, hub.desk.clock.now(), session.merge(case), "gas")
    hub.desk.later(days=20)
    worker.owe_regular_work(hub.parts)


def _another_calendar(hub: Hub) -> None:
    hub.desk.in_hand()
    with hub.db.write() as session:
        system = hub.desk.city.actor("admin.system")
        days.set_day(session, system, hub.desk.clock.now(), date(2026, 11, 26), False)


def _unread_accusation(hub: Hub) -> None:
    """A possible accusation that came when nobody could read it; now somebody can."""
    with hub.db.write() as session:
        session.execute(delete(RoleGrant).where(RoleGrant.role == "accusation_reader"))
    hub.desk.submit("城管局队员收红包", "城管局队员向摊主收红包，不给就掀摊子。")
    hub.run(diversion.CLASSIFY)
    hub.desk.grant("cen.lu", "accusation_reader")
    worker.owe_regular_work(hub.parts)


def _old_things(hub: Hub) -> None:
    now = hub.desk.clock.now()
    with hub.db.write() as session:
        session.add(CodeAttempt(kind="asker", digest="old", failures=3, last_at=now - timedelta(days=184)))
        answered = Delivery(channel="sms", key="k", kind="text", received_at=now, state="done", attempts=1,
                            answer_expires_at=now - timedelta(hours=1))  # fmt: skip
        answered.answer = "编号与查询码"
        session.add(answered)
    worker.owe_regular_work(hub.parts)


def _abandoned_file(hub: Hub) -> None:
    hub.parts.get(FileStore).put(b"abandoned")
    long_ago = (hub.desk.clock.now() - 2 * upkeep.LEFT_AFTER).timestamp()
    for path in (hub.parts.get(Settings).data_dir / "files").rglob("*"):
        os.utime(path, (long_ago, long_ago))
    worker.owe_regular_work(hub.parts)


def _events(hub: Hub) -> None:
    _petitions(hub)
    worker.owe_regular_work(hub.parts)


def _index_behind(hub: Hub) -> None:
    hub.parts.get(SearchService).ensure()
    _events(hub)


STORIES: dict[str, Callable[[Hub], None]] = {
    diversion.CLASSIFY: _petitions,
    citizens.JOB: _petitions,
    staff.JOB: _petitions,
    search_jobs.INDEX: _petitions,
    search_jobs.RECONCILE: _index_behind,
    outbox.SEND: _notices,
    inbox.RETRY: _unread_delivery,
    left.LOOK: _quiet_dialogue,
    left.TELL: _reminded,
    sweep.SWEEP: _late,
    sweep.RECOMPUTE: _another_calendar,
    readerless.NAME_READERS: _unread_accusation,
    upkeep.ANCHOR: _events,
    upkeep.PURGE_FILES: _abandoned_file,
    wiring.HOUSEKEEPING: _old_things,
    wiring.UPKEEP: _old_things,
}


def test_every_job_has_its_story_or_a_reason(hub: Hub) -> None:
    known = hub.registry.handlers.keys() | hub.registry.batches.keys()
    assert STORIES.keys() | EXEMPT.keys() == known
    assert not STORIES.keys() & EXEMPT.keys()
    assert all(EXEMPT.values())


@pytest.mark.parametrize("name", sorted(STORIES))
def test_a_second_run_changes_nothing(hub: Hub, name: str) -> None:
    STORIES[name](hub)
    owed = hub.owed(name)
    assert owed
    before = hub.everything()
    hub.run(name, owed)
    first = hub.everything()
    assert first != before  # it has something to do
    hub.run(name, owed)
    assert hub.everything() == first
    if name not in BY_TIME:
        hub.desk.clock.advance(jobs.LEASE + timedelta(minutes=1))
        hub.run(name, owed)
        assert hub.everything() == first
