"""Nightly upkeep: each thing is forgotten in its time and no earlier, once a day however many beats there are."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

import wiring
import worker
from cases import upkeep
from cases.models import CodeAttempt, HistoryAnchor
from cases.operations import submissions
from cases.operations.inputs import FileGiven, NewSubmission, Reporter
from channels.inbox import Delivery
from core import ids, jobs
from core.broker import QUEUES
from core.clock import FixedClock
from core.database import Database
from core.files import FileStore, StoredFile
from organisations.models import Account, ResetLink, SignInAttempt, WebSession
from organisations.people import CITIZEN

DAILY = {"hub.upkeep", "cases.anchor", "cases.purge_files", "search.reconcile"}
HALF_A_YEAR = timedelta(days=184)


@pytest.fixture
def parts(app: Any) -> Any:
    return app.extensions["hub"]


@pytest.fixture
def night(parts: Any) -> Callable[[], None]:
    """What the beat owes now is done."""
    registry = wiring.registry(parts)

    def work() -> None:
        worker.owe_regular_work(parts)
        for queue in QUEUES:
            worker.look(parts, registry, queue)
        with parts.get(Database).read() as session:
            broken = session.scalars(select(jobs.Job.name).where(jobs.Job.state != "done")).all()
        assert broken == []

    return work


def counted(parts: Any, model: Any) -> int:
    with parts.get(Database).read() as session:
        return int(session.scalar(select(func.count()).select_from(model)) or 0)


def test_upkeep_is_owed_once_a_day_however_many_beats(parts: Any, clock: FixedClock) -> None:
    for _hour in range(30):  # from 10 in the morning to 4 in the next
        worker.owe_regular_work(parts)
        worker.owe_regular_work(parts)
        clock.advance(timedelta(hours=1))
    with parts.get(Database).read() as session:
        names = list(session.scalars(select(jobs.Job.name)))
    assert {name: names.count(name) for name in DAILY} == dict.fromkeys(DAILY, 2)


def _submission(parts: Any, at: datetime, *files: FileGiven) -> None:
    new = NewSubmission(
        origin="web", origin_key=f"up-{ids.new_id()}", channel="web", title="路灯不亮", body="柳林路的路灯三天不亮。",
        title_masked="路灯不亮", body_masked="柳林路的路灯三天不亮。", received_at=at, reporter=Reporter(name="徐晓梅"),
        files=files,
    )  # fmt: skip
    with parts.get(Database).write() as session:
        submissions.submit(session, CITIZEN, at, new)


def _given(stored: StoredFile) -> FileGiven:
    return FileGiven("a.txt", "text", "text/plain", stored.size, stored.sha256, stored.key)


def _age(parts: Any, stored: StoredFile, at: datetime) -> None:
    for path in (parts.get(wiring.Settings).data_dir / "files").rglob(f"{stored.key}*"):
        os.utime(path, (at.timestamp(), at.timestamp()))


def test_files_that_nothing_names_go_after_two_days(parts: Any, clock: FixedClock, night: Callable[[], None]) -> None:
    store, now = parts.get(FileStore), clock.now()
    kept, left, fresh = (
        store.put(b"evidence", original=b"with GPS"),
        store.put(b"abandoned", original=b"x"),
        store.put(b"new"),
    )
    _submission(parts, now, _given(kept))
    for stored, hours in ((kept, 72), (left, 49), (fresh, 47)):
        _age(parts, stored, now - timedelta(hours=hours))
    night()
    assert {key for key, _at in store.stored()} == {kept.key, fresh.key}
    assert store.read_original(kept.key) == b"with GPS"


def test_purging_files_renews_its_lease_after_each_chunk(
    parts: Any, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_CHUNK", 2)
    store, renewed = parts.get(FileStore), []
    for number in range(5):
        _age(parts, store.put(b"abandoned %d" % number), clock.now() - timedelta(hours=49))
    before = clock.now() - upkeep.LEFT_AFTER
    assert upkeep.purge_files(parts.get(Database), store, before, lambda: renewed.append(1)) == 5
    assert len(renewed) == 3


def test_code_attempts_answers_and_done_jobs_are_forgotten(
    parts: Any, clock: FixedClock, night: Callable[[], None]
) -> None:
    now = clock.now()
    with parts.get(Database).write() as session:
        session.add(CodeAttempt(kind="asker", digest="old", failures=3, last_at=now - HALF_A_YEAR))
        answered = Delivery(channel="sms", key="k", kind="text", received_at=now, state="done", attempts=1,
                            answer_expires_at=now - timedelta(hours=1))  # fmt: skip
        answered.answer = "编号与查询码"
        session.add(answered)
    night()
    assert counted(parts, CodeAttempt) == 0
    with parts.get(Database).read() as session:
        assert session.scalars(select(Delivery.answer_sealed)).one() is None
    clock.advance(jobs.KEEP_DONE + timedelta(days=1))
    night()
    with parts.get(Database).read() as session:
        assert session.scalar(select(func.min(jobs.Job.finished_at))) > now + timedelta(days=1)


def test_the_last_event_of_each_case_is_anchored_daily(
    parts: Any, clock: FixedClock, night: Callable[[], None]
) -> None:
    _submission(parts, clock.now())
    night()
    night()
    assert counted(parts, HistoryAnchor) == 1
    clock.advance(timedelta(days=1))
    night()
    assert counted(parts, HistoryAnchor) == 2


def test_sign_ins_are_kept_for_half_a_year(parts: Any, clock: FixedClock, night: Callable[[], None]) -> None:
    now = clock.now()
    with parts.get(Database).write() as session:
        someone = session.scalars(select(Account.id).limit(1)).one()
        for name, at in (
            ("old", now - HALF_A_YEAR - timedelta(days=1)),
            ("new", now - HALF_A_YEAR + timedelta(days=1)),
        ):
            session.add(WebSession(digest=name, account_id=someone, created_at=at, last_seen_at=at, expires_at=at))
            session.add(ResetLink(digest=name, account_id=someone, issued_at=at, expires_at=at))
            session.add(SignInAttempt(at=at, account_id=someone, name_digest=name, outcome="wrong"))
    night()
    with parts.get(Database).read() as session:
        for column in (WebSession.digest, ResetLink.digest, SignInAttempt.name_digest):
            assert session.scalars(select(column)).all() == ["new"]
