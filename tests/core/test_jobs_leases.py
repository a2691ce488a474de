"""A worker that is killed, or a disk that is full, delays a job and never buries it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from core import holders, jobs
from core.clock import FixedClock
from core.database import Database

NAME = "test.work"


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """Another process of this machine."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def job_of(db: Database) -> jobs.Job:
    with db.read() as session:
        return session.scalars(select(jobs.Job)).one()


def owe(db: Database, clock: FixedClock, **values: object) -> None:
    with db.write() as session:
        jobs.enqueue(session, NAME, "1", due=clock.now())
        if values:
            session.execute(update(jobs.Job).values(**values))


def registry_of(handler: jobs.Handler) -> jobs.Registry:
    registry = jobs.Registry()
    registry.add(NAME, handler)
    return registry


def leased_by(db: Database, clock: FixedClock, pid: int, attempts: int = 1) -> None:
    owe(db, clock, lease=f"{holders.of(pid)}abcd", lease_until=clock.now() + jobs.LEASE, attempts=attempts)


def test_what_a_killed_worker_had_is_done_by_the_next(
    db: Database, clock: FixedClock, other: subprocess.Popen[bytes]
) -> None:
    leased_by(db, clock, other.pid)
    assert jobs.give_back(db, clock, "jobs") == 0  # it lives
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert jobs.give_back(db, clock, "jobs") == 1
    done: list[int] = []
    assert jobs.run_due(db, clock, registry_of(lambda work: done.append(work.attempt)), "jobs") == 1
    assert (done, job_of(db).state) == ([2], "done")


def test_the_dead_and_not_yet_buried_hold_nothing(other: subprocess.Popen[bytes]) -> None:
    lease = holders.of(other.pid)
    other.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert holders.is_lost(lease)


def test_a_lease_of_another_machine_is_left_to_its_time(db: Database, clock: FixedClock) -> None:
    owe(db, clock, lease="zzzz.1.0000.abcd", lease_until=clock.now() + jobs.LEASE, attempts=1)
    assert jobs.give_back(db, clock, "jobs") == 0
    clock.advance(jobs.LEASE + timedelta(seconds=1))
    assert jobs.run_due(db, clock, registry_of(lambda work: None), "jobs") == 1


def test_a_lease_fits_its_column() -> None:
    assert len(f"{holders.of(4_194_303)}abcd") <= 20
    assert len(f"{holders.own()}abcd") <= 20


def test_a_job_that_kills_its_workers_waits_longer_and_is_given_up(db: Database, clock: FixedClock) -> None:
    leased_by(db, clock, os.getpid(), attempts=11)
    jobs.give_back(db, clock, "jobs")
    assert job_of(db).due == clock.now() + timedelta(seconds=10)
    with db.write() as session:
        session.execute(
            update(jobs.Job).values(
                due=clock.now(), lease=f"{holders.own()}abcd", lease_until=clock.now() + jobs.LEASE,
                attempts=jobs.MAX_DEATHS,
            )
        )  # fmt: skip
    jobs.give_back(db, clock, "jobs")
    assert (job_of(db).state, job_of(db).error) == ("dead", "worker_died")


@pytest.mark.parametrize(
    "fault",
    [OperationalError("INSERT", {}, Exception("full")), OSError(errno.ENOSPC, "full")],
    ids=["database", "disk"],
)
def test_a_full_disk_is_not_the_jobs_fault(db: Database, clock: FixedClock, fault: Exception) -> None:
    owe(db, clock, attempts=jobs.MAX_ATTEMPTS + 3)

    def stumble(work: jobs.Work) -> None:
        raise fault

    jobs.run_due(db, clock, registry_of(stumble), "jobs")
    assert job_of(db).state == "waiting"
    assert clock.now() < job_of(db).due <= clock.now() + timedelta(minutes=1)


def test_a_job_at_fault_dies_in_the_end(db: Database, clock: FixedClock) -> None:
    owe(db, clock, attempts=jobs.MAX_ATTEMPTS - 1)

    def stumble(work: jobs.Work) -> None:
        raise KeyError("missing")

    jobs.run_due(db, clock, registry_of(stumble), "jobs")
    assert (job_of(db).state, job_of(db).error) == ("dead", "KeyError")


# --- long jobs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("renews", "taken"), [(True, 0), (False, 1)])
def test_a_renewed_lease_is_not_claimed_by_a_second_worker(
    db: Database, clock: FixedClock, renews: bool, taken: int
) -> None:
    owe(db, clock)
    second: list[int] = []

    def long(work: jobs.Work) -> None:
        for _ in range(2):
            clock.advance(timedelta(minutes=4))
            if renews:
                work.renew()
        second.append(jobs.run_due(db, clock, registry_of(lambda other: None), "jobs"))

    assert jobs.run_due(db, clock, registry_of(long), "jobs") == 1
    assert second == [taken]
    job = job_of(db)
    assert (job.state, job.lease, job.attempts) == ("done", None, 1 + taken)


def test_a_lease_that_another_has_stops_the_job_and_stays_theirs(db: Database, clock: FixedClock) -> None:
    owe(db, clock)

    def long(work: jobs.Work) -> None:
        with db.write() as session:
            session.execute(update(jobs.Job).values(lease="another"))
        work.renew()

    jobs.run_due(db, clock, registry_of(long), "jobs")
    job = job_of(db)
    assert (job.state, job.lease, job.error, job.due) == ("waiting", "another", None, clock.now())


def test_a_lease_lost_stops_the_whole_batch(db: Database, clock: FixedClock) -> None:
    with db.write() as session:
        for key in "123":
            jobs.enqueue(session, NAME, key, due=clock.now())
    calls: list[int] = []

    def together(works: list[jobs.Work]) -> None:
        calls.append(len(works))
        clock.advance(timedelta(minutes=4))
        jobs.renew(works)
        with db.write() as session:
            session.execute(update(jobs.Job).where(jobs.Job.key == "2").values(lease="another"))
        clock.advance(timedelta(minutes=4))
        jobs.renew(works)
        calls.append(0)  # never

    registry = jobs.Registry()
    registry.add_batch(NAME, together, "jobs")
    jobs.run_due(db, clock, registry, "jobs")
    assert calls == [3]
    with db.read() as session:
        rows = {job.key: (job.state, job.lease, job.due) for job in session.scalars(select(jobs.Job))}
    free = ("waiting", None, clock.now())
    assert rows["1"] == rows["3"] == free
    assert rows["2"][:2] == ("waiting", "another")
