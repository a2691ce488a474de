"""The audit chain: a changed, missing or cut-off entry is named."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import delete, update

from core import audit
from core.audit import AuditEntry
from core.clock import FixedClock
from core.database import Database


@pytest.fixture
def chain(db: Database, clock: FixedClock) -> Database:
    for number in range(5):
        with db.write() as session:
            audit.record(session, at=clock.now(), actor_id=None, action="exported", details={"rows": number})
    return db


def faults(db: Database) -> list[str]:
    with db.read() as session:
        return audit.faults(session)


def test_a_whole_chain_has_no_fault(chain: Database) -> None:
    assert faults(chain) == []


def test_a_changed_entry_is_named(chain: Database) -> None:
    with chain.write() as session:
        session.execute(update(AuditEntry).where(AuditEntry.seq == 3).values(action="nothing"))
    assert faults(chain) == ["audit entry 3: was changed"]


def test_a_missing_entry_is_named(chain: Database) -> None:
    with chain.write() as session:
        session.execute(delete(AuditEntry).where(AuditEntry.seq == 3))
    assert faults(chain) == ["audit entry 4: does not follow entry 2"]


def test_a_cut_off_end_is_named(chain: Database) -> None:
    with chain.write() as session:
        session.execute(delete(AuditEntry).where(AuditEntry.seq >= 4))
    assert faults(chain) == ["audit chain: ends at 3, should end at 5"]


def test_many_at_once_make_one_chain(db: Database, clock: FixedClock) -> None:
    def write() -> None:
        for _ in range(5):
            with db.write() as session:
                audit.record(session, at=clock.now(), actor_id=None, action="signed_in")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults(db) == []
    with db.read() as session:
        assert session.query(AuditEntry).count() == 20
