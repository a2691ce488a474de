"""A row is stored once, and stands in the session as stored; writers of one process wait in turn."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import event, select

from core import jobs
from core.clock import FixedClock
from core.database import Database
from core.rows import change_row, insert_row, store_new


def row(clock: FixedClock, key: str, **more: object) -> jobs.Job:
    return jobs.Job(queue="jobs", name="n", key=key, payload={"id": 1}, state="waiting", attempts=0, due=clock.now(),
                    created_at=clock.now(), **more)  # fmt: skip


def test_a_row_is_stored_once_and_changed_afterwards(db: Database, clock: FixedClock) -> None:
    first, second = row(clock, "a"), row(clock, "a")
    with db.write() as session:
        assert store_new(session, first)
        assert not store_new(session, second)
        first.due += timedelta(minutes=1)
    with db.read() as session:
        kept = session.scalars(select(jobs.Job)).one()
    assert (kept.id, kept.due, kept.payload) == (first.id, clock.now() + timedelta(minutes=1), {"id": 1})


def test_a_stored_row_is_not_read_back(db: Database, clock: FixedClock) -> None:
    sent: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda _c, _u, statement, *_: sent.append(statement))
    with db.write() as session:
        fresh = row(clock, "a")
        store_new(session, fresh)
        assert (fresh.error, fresh.lease) == (None, None)
    assert not [statement for statement in sent if statement.startswith("SELECT")]


def test_a_row_is_written_and_changed_beside_the_session(db: Database, clock: FixedClock) -> None:
    first, later = row(clock, "a"), clock.now() + timedelta(minutes=1)
    with db.write() as session:
        assert insert_row(session, first)
        assert not insert_row(session, row(clock, "a"))
        first.due, first.state, first.error = later, "dead", "not written"
        change_row(session, first, ("due", "state"))
        assert first not in session
    with db.read() as session:
        kept = session.scalars(select(jobs.Job)).one()
    assert (kept.id, kept.due, kept.state, kept.error) == (first.id, later, "dead", None)


def test_what_is_written_beside_the_session_goes_with_its_savepoint(db: Database, clock: FixedClock) -> None:
    with db.write() as session:
        insert_row(session, row(clock, "kept"))
        with suppress(ZeroDivisionError), session.begin_nested():
            insert_row(session, row(clock, "undone"))
            raise ZeroDivisionError
    with db.read() as session:
        assert session.scalars(select(jobs.Job.key)).all() == ["kept"]


def test_writers_of_one_process_take_turns(db: Database, clock: FixedClock) -> None:
    def write(place: int) -> None:
        for number in range(10):
            with db.write() as session:
                store_new(session, row(clock, f"{place}.{number}"))

    threads = [threading.Thread(target=write, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with db.read() as session:
        assert len(session.scalars(select(jobs.Job.id)).all()) == 80
