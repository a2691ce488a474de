"""Jobs as rows: owed once, claimed by one, tried again, dead in the end; a bad one holds no other up."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from core import jobs
from core.clock import FixedClock
from core.database import Database
from core.jobs import Job, RetryLater, Work


def owe(db: Database, clock: FixedClock, key: str, name: str = "test.work", **payload: object) -> bool:
    with db.write() as session:
        return jobs.enqueue(session, name, key, payload, due=clock.now())


def rows(db: Database) -> dict[str, Job]:
    with db.read() as session:
        return {job.key: job for job in session.scalars(select(Job))}


def registry_of(handler: jobs.Handler | None = None, batch: jobs.BatchHandler | None = None) -> jobs.Registry:
    found = jobs.Registry()
    if handler is not None:
        found.add("test.work", handler)
    if batch is not None:
        found.add_batch("test.batch", batch, "jobs")
    return found


def test_a_name_and_key_is_owed_once(db: Database, clock: FixedClock) -> None:
    assert owe(db, clock, "a") is True
    assert owe(db, clock, "a") is False
    assert owe(db, clock, "a", name="test.other") is True
    with db.read() as session:
        assert len(session.scalars(select(Job)).all()) == 2


def test_a_job_of_a_change_that_was_undone_is_not_owed(db: Database, clock: FixedClock) -> None:
    class Undone(Exception):
        pass

    try:
        with db.write() as session:
            jobs.enqueue(session, "test.work", "a", {}, due=clock.now())
            raise Undone
    except Undone:
        pass
    assert rows(db) == {}


def test_what_is_due_is_run_once_and_done(db: Database, clock: FixedClock) -> None:
    seen: list[str] = []
    found = registry_of(lambda work: seen.append(str(work.payload["n"])))
    owe(db, clock, "a", n=1)
    with db.write() as session:
        jobs.enqueue(session, "test.work", "later", {"n": 2}, due=clock.now() + timedelta(hours=1))
    assert jobs.run_due(db, clock, found, "jobs") == 1
    assert jobs.run_due(db, clock, found, "jobs") == 0
    assert seen == ["1"]
    assert (rows(db)["a"].state, rows(db)["later"].state) == ("done", "waiting")
    clock.advance(timedelta(hours=1))
    assert jobs.run_due(db, clock, found, "jobs") == 1
    assert seen == ["1", "2"]


def test_two_workers_share_the_jobs_and_do_none_twice(db: Database, clock: FixedClock) -> None:
    for number in range(20):
        owe(db, clock, str(number), n=number)
    seen: list[int] = []
    found = registry_of(lambda work: seen.append(int(work.payload["n"])))
    threads = [threading.Thread(target=jobs.run_due, args=(db, clock, found, "jobs")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(20))


def test_a_failing_job_waits_longer_each_time_and_is_dead_in_the_end(db: Database, clock: FixedClock) -> None:
    def fail(work: Work) -> None:
        raise KeyError("broken")

    found = registry_of(fail)
    owe(db, clock, "a")
    waits = []
    for _ in range(jobs.MAX_ATTEMPTS):
        assert jobs.run_due(db, clock, found, "jobs") == 1
        job = rows(db)["a"]
        waits.append(job.due - clock.now())
        clock.set(job.due)
    assert (rows(db)["a"].state, rows(db)["a"].error) == ("dead", "KeyError")
    assert waits[:3] == sorted(waits[:3]) and waits[0] > timedelta()
    assert jobs.run_due(db, clock, found, "jobs") == 0
    with db.write() as session:
        jobs.revive(session, rows(db)["a"].id, clock.now())
    assert jobs.run_due(db, clock, registry_of(lambda work: None), "jobs") == 1
    assert rows(db)["a"].state == "done"


def test_a_job_that_asks_to_be_done_later_never_dies(db: Database, clock: FixedClock) -> None:
    def later(work: Work) -> None:
        raise RetryLater("not_yet", timedelta(minutes=3))

    owe(db, clock, "a")
    for _ in range(jobs.MAX_ATTEMPTS + 3):
        assert jobs.run_due(db, clock, registry_of(later), "jobs") == 1
        assert rows(db)["a"].due - clock.now() == timedelta(minutes=3)
        clock.advance(timedelta(minutes=3))
    assert (rows(db)["a"].state, rows(db)["a"].error) == ("waiting", "not_yet")


def test_a_lease_that_ran_out_is_taken_up_by_another(db: Database, clock: FixedClock) -> None:
    owe(db, clock, "a")
    with db.write() as session:
        session.execute(update(Job).values(lease="gone", lease_until=clock.now() + jobs.LEASE))
    assert jobs.run_due(db, clock, registry_of(lambda work: None), "jobs") == 0
    clock.advance(jobs.LEASE + timedelta(seconds=1))
    assert jobs.run_due(db, clock, registry_of(lambda work: None), "jobs") == 1


def test_one_bad_job_of_a_batch_fails_alone(db: Database, clock: FixedClock) -> None:
    done: list[int] = []

    def batch(works: list[Work]) -> None:
        if any(work.payload["n"] == 2 for work in works):
            raise KeyError("bad")
        done.extend(int(work.payload["n"]) for work in works)

    for number in range(4):
        owe(db, clock, str(number), "test.batch", n=number)
    jobs.run_due(db, clock, registry_of(batch=batch), "jobs")
    assert sorted(done) == [0, 1, 3]
    assert {key: job.state for key, job in rows(db).items()} == {"0": "done", "1": "done", "2": "waiting", "3": "done"}


def test_a_row_that_cannot_be_read_is_dead_and_holds_no_other_up(db: Database, clock: FixedClock) -> None:
    if not db.is_sqlite:
        pytest.skip("PostgreSQL's json column takes no such text")
    owe(db, clock, "broken")
    owe(db, clock, "whole")
    with db.write() as session:
        session.execute(text("UPDATE jobs SET payload = '{not json' WHERE key = 'broken'"))
    assert jobs.run_due(db, clock, registry_of(lambda work: None), "jobs") == 1
    with db.read() as session:
        states = dict(session.execute(select(Job.key, Job.state)).tuples().all())
    assert states == {"broken": "dead", "whole": "done"}
