"""Read and write sessions, aware times, and what happens after a commit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from core.clock import FixedClock, from_local, to_local
from core.database import Database, after_commit
from core.heartbeats import Heartbeat


def test_a_read_session_refuses_to_write(db: Database, clock: FixedClock) -> None:
    with pytest.raises(RuntimeError, match="read session"), db.read() as session:
        session.add(Heartbeat(name="x", at=clock.now()))
        session.flush()


def test_a_moment_comes_back_aware_and_the_same(db: Database) -> None:
    at = datetime(2026, 11, 24, 10, 0, tzinfo=timezone(timedelta(hours=8)))
    with db.write() as session:
        session.add(Heartbeat(name="x", at=at))
    with db.read() as session:
        stored = session.scalars(select(Heartbeat.at)).one()
    assert stored == at and stored.tzinfo == UTC


def test_a_naive_moment_is_refused(db: Database) -> None:
    with pytest.raises(StatementError), db.write() as session:
        session.add(Heartbeat(name="x", at=datetime(2026, 1, 1)))


def test_what_waits_for_the_commit_runs_once_and_only_after_it(db: Database) -> None:
    ran: list[str] = []
    with db.write() as session:
        after_commit(session, "a", lambda: ran.append("a"))
        after_commit(session, "a", lambda: ran.append("a again"))
        assert ran == []
    assert ran == ["a again"]
    with pytest.raises(KeyError), db.write() as session:
        after_commit(session, "b", lambda: ran.append("b"))
        raise KeyError
    assert ran == ["a again"]


def test_a_model_refuses_a_column_that_it_has_not() -> None:
    with pytest.raises(TypeError, match="has no colour"):
        Heartbeat(colour="red")


def test_local_time_is_shanghais() -> None:
    assert to_local(datetime(2026, 1, 1, 16, 0, tzinfo=UTC)).hour == 0
    assert from_local(datetime(2026, 1, 2, 0, 0)) == datetime(2026, 1, 1, 16, 0, tzinfo=UTC)
    with pytest.raises(ValueError, match="naive"):
        to_local(datetime(2026, 1, 1))
