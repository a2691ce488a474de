"""Jobs are rows: written in the transaction of the change that needs them, claimed by conditional update.

A message after commit only says "look"; the sweeper is the same claim on a beat. So a dead broker or worker delays work
and loses none. Retries are due times in the row; a job that keeps failing is dead and stands on a page of its own.
Every handler must be idempotent: a worker that dies after its work and before its note does it again.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Index, String, UniqueConstraint, delete, select, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import holders, ids
from core.clock import Clock
from core.database import Base, Database, after_commit
from core.logging import get_logger
from core.rows import insert_new

log = get_logger(__name__)

LEASE = timedelta(minutes=5)
MAX_ATTEMPTS = 8
MAX_DEATHS = 20  # attempts after which a job whose worker died once more is given up
KEEP_DONE = timedelta(days=7)


class Job(Base):
    """One piece of work owed. `payload` holds ids and codes only."""

    __tablename__ = "jobs"
    __table_args__ = (UniqueConstraint("name", "key"), Index("ix_jobs_due", "queue", "state", "due"))

    queue: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(60))
    key: Mapped[str] = mapped_column(String(120))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(10), default="waiting")  # waiting, done, dead
    due: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    lease: Mapped[str | None] = mapped_column(String(20))
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(String(120))
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class RetryLater(Exception):
    """Raised by a handler whose work can't be done yet; `after` says when to try again."""

    def __init__(self, code: str, after: timedelta = timedelta(minutes=1)) -> None:
        super().__init__(code)
        self.code, self.after = code, after


class LeaseLost(Exception):
    """Another worker has the job now; this one's outcome would not be noted."""


@dataclass(frozen=True)
class Work:
    """What a handler is given. One that may take longer than LEASE calls `renew` on its way."""

    db: Database
    clock: Clock
    payload: Mapping[str, Any]
    job_id: int
    attempt: int
    lease: str = ""

    def renew(self) -> None:
        """Hold the job for another LEASE from now, in a write session of its own. Raises LeaseLost."""
        renew([self])


def renew(works: Sequence[Work]) -> None:
    """Hold all jobs of a batch for another LEASE from now, in one write session. Raises LeaseLost when any is lost."""
    db, clock = works[0].db, works[0].clock
    statement = (
        update(Job)
        .where(Job.id.in_([work.job_id for work in works]), Job.lease.in_([work.lease for work in works]))
        .where(Job.state == "waiting")
        .values(lease_until=clock.now() + LEASE)
    )
    with db.write() as session:
        if session.execute(statement).rowcount != len(works):  # type: ignore[attr-defined]
            raise LeaseLost()


Handler = Callable[[Work], None]
BatchHandler = Callable[[list[Work]], None]


@dataclass
class Registry:
    """Handlers by job name, each with its queue."""

    handlers: dict[str, Handler] = field(default_factory=dict)
    batches: dict[str, BatchHandler] = field(default_factory=dict)
    queues: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, handler: Handler, queue: str = "jobs") -> None:
        """Register a handler that takes one job at a time."""
        self.handlers[name], self.queues[name] = handler, queue

    def add_batch(self, name: str, handler: BatchHandler, queue: str) -> None:
        """Register a handler that takes many jobs of its name at once."""
        self.batches[name], self.queues[name] = handler, queue


_nudge: Callable[[str], None] = lambda queue: None  # noqa: E731


def on_commit_nudge(nudge: Callable[[str], None]) -> None:
    """Set what tells a queue to look, after a commit that wrote jobs; set once by the composition roots."""
    global _nudge
    _nudge = nudge


def enqueue(
    session: Session,
    name: str,
    key: str,
    payload: Mapping[str, Any] | None = None,
    *,
    due: datetime,
    queue: str = "jobs",
) -> bool:
    """Owe one job, unless one with this name and key exists already. Returns whether it is new."""
    values = {
        "id": ids.new_id(), "queue": queue, "name": name, "key": key, "payload": dict(payload or {}), "due": due,
        "state": "waiting", "attempts": 0, "created_at": due,
    }  # fmt: skip
    new = insert_new(session, Job, values)
    after_commit(session, f"nudge:{queue}", lambda: _nudge(queue))
    return new


def enqueue_again(
    session: Session, name: str, key: str, payload: Mapping[str, Any], *, due: datetime, queue: str = "jobs"
) -> None:
    """Owe one job also when it was done, or given up, before: it waits again then, with all its attempts."""
    if enqueue(session, name, key, payload, due=due, queue=queue):
        return
    session.execute(
        update(Job)
        .where(Job.name == name, Job.key == key, Job.state.in_(("done", "dead")))
        .values(state="waiting", attempts=0, due=due, error=None, finished_at=None)
    )


def run_due(db: Database, clock: Clock, registry: Registry, queue: str, limit: int = 200) -> int:
    """Claim and run what is due in a queue, at most `limit` jobs. Returns how many were run."""
    ran = 0
    for job_ids in _due_groups(db, clock, registry, queue, limit):
        claimed = [job for job in (_claim(db, clock, job_id) for job_id in job_ids) if job is not None]
        if claimed:
            _run(db, clock, registry, claimed)
            ran += len(claimed)
    return ran


def give_back(db: Database, clock: Clock, queue: str) -> int:
    """Let go of the leases of processes of this machine that are gone, and of this one's own; gives how many.

    For a worker before it looks: it holds none in this queue then, but what it could not settle. A job that was under
    way when its process died waits a little, so that one which kills its worker does not hold the others up.
    """
    now = clock.now()
    query = select(Job.id, Job.lease, Job.attempts).where(Job.queue == queue, Job.state == "waiting", Job.due <= now)
    with db.read() as session:
        held = session.execute(query.where(Job.lease_until >= now)).all()
    lost = [row for row in held if holders.is_lost(row.lease or "")]
    if not lost:
        return 0
    with db.write() as session:
        for row in lost:
            values: dict[str, Any] = {"due": now + timedelta(seconds=min(row.attempts - 1, 60))}
            if row.attempts >= MAX_DEATHS:
                values = {"state": "dead", "finished_at": now, "error": "worker_died"}
            session.execute(
                update(Job)
                .where(Job.id == row.id, Job.lease == row.lease)
                .values(lease=None, lease_until=None, **values)
            )
    log.warning("leases_given_back", queue=queue, jobs=len(lost))
    return len(lost)


def _due_groups(db: Database, clock: Clock, registry: Registry, queue: str, limit: int) -> list[list[int]]:
    now = clock.now()
    query = (
        select(Job.id, Job.name)
        .where(Job.queue == queue, Job.state == "waiting", Job.due <= now)
        .where((Job.lease_until.is_(None)) | (Job.lease_until < now))
        .order_by(Job.due, Job.id)
        .limit(limit)
    )
    with db.read() as session:
        rows = session.execute(query).all()
    batches: dict[str, list[int]] = {}
    singles: list[list[int]] = []
    for job_id, name in rows:
        if name in registry.batches:
            batches.setdefault(name, []).append(job_id)
        else:
            singles.append([job_id])
    return singles + list(batches.values())


def _claim(db: Database, clock: Clock, job_id: int) -> Job | None:
    now, lease = clock.now(), f"{holders.own()}{ids.public_id(4)}"
    statement = (
        update(Job)
        .where(Job.id == job_id, Job.state == "waiting", Job.due <= now)
        .where((Job.lease_until.is_(None)) | (Job.lease_until < now))
        .values(lease=lease, lease_until=now + LEASE, attempts=Job.attempts + 1)
    )
    with db.write() as session:
        if session.execute(statement).rowcount != 1:  # type: ignore[attr-defined]
            return None
        try:
            return session.get(Job, job_id)
        except ValueError as error:
            # What stands in the row is no payload: it would stop everything behind it.
            log.error("job_unreadable", job_id=job_id, exc_info=error)
            session.execute(
                update(Job)
                .where(Job.id == job_id)
                .values(state="dead", finished_at=now, error="unreadable", lease=None, lease_until=None)
            )
            return None


def _run(db: Database, clock: Clock, registry: Registry, claimed: list[Job]) -> None:
    name = claimed[0].name
    works = [Work(db, clock, job.payload, job.id, job.attempts, job.lease or "") for job in claimed]
    try:
        if name in registry.batches:
            registry.batches[name](works)
        elif name in registry.handlers:
            registry.handlers[name](works[0])
        else:
            raise RetryLater("no_handler", timedelta(minutes=10))
    except LeaseLost:
        _let_go(db, clock, claimed)
    except Exception as error:
        if len(claimed) > 1 and not isinstance(error, RetryLater) and not _not_its_fault(error):
            # One of them is bad: each is tried alone, so that it holds no other up.
            for job in claimed:
                _run(db, clock, registry, [job])
            return
        for job in claimed:
            _fail(db, clock, job, error)
    else:
        for job in claimed:
            _settle(db, job, state="done", finished_at=clock.now(), error=None)


def _let_go(db: Database, clock: Clock, claimed: list[Job]) -> None:
    """Stop where another worker has some of these jobs: it does them, and the others are due again at once."""
    log.warning("lease_lost", name=claimed[0].name, jobs=len(claimed))
    for job in claimed:
        _settle(db, job, due=clock.now(), error=LeaseLost.__name__)


def _fail(db: Database, clock: Clock, job: Job, error: Exception) -> None:
    code = error.code if isinstance(error, RetryLater) else type(error).__name__
    log.warning("job_failed", job_id=job.id, name=job.name, attempt=job.attempts, exc_info=error)
    if isinstance(error, RetryLater):
        wait = error.after
    elif _not_its_fault(error):
        wait = timedelta(seconds=min(5 * job.attempts, 60))
    elif job.attempts >= MAX_ATTEMPTS:
        _settle(db, job, state="dead", finished_at=clock.now(), error=code)
        return
    else:
        wait = timedelta(seconds=min(5 * 3**job.attempts, 3600))
    _settle(db, job, due=clock.now() + wait, error=code)


def _not_its_fault(error: Exception) -> bool:
    """Whether the database or the disk was to blame: such a job is tried until they are well again."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return full or isinstance(error, (OperationalError, InterfaceError))


def _settle(db: Database, job: Job, **values: Any) -> None:
    """Note the outcome, unless the lease passed to another worker meanwhile."""
    with db.write() as session:
        session.execute(
            update(Job).where(Job.id == job.id, Job.lease == job.lease).values(lease=None, lease_until=None, **values)
        )


def revive(session: Session, job_id: int, now: datetime) -> None:
    """Give a dead job its attempts again."""
    session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == "dead")
        .values(state="waiting", attempts=0, due=now, error=None)
    )


def purge_done(session: Session, now: datetime) -> None:
    """Remove jobs done longer ago than KEEP_DONE; dead ones stay until somebody decides."""
    session.execute(delete(Job).where(Job.state == "done", Job.finished_at < now - KEEP_DONE))
