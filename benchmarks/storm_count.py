"""What is counted after the storm: the database alone says what was kept."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from benchmarks.storm_senders import Said
from cases import history
from cases.models import Case, Submission
from channels.inbox import Delivery
from core import audit, jobs
from core.clock import Clock
from core.database import Database
from core.web.parts import Parts
from intake.models import Turn
from search import jobs as search_jobs
from search import loading
from search.service import KINDS, SearchService

DRAINS_WITHIN = 240.0


@dataclass
class Count:
    """What the database holds against what was answered. `faults` are sentences; none is wanted."""

    accepted: int = 0
    stored: int = 0
    unanswered: int = 0
    doubled: int = 0
    lost: int = 0
    steps: int = 0
    steps_lost: int = 0
    deliveries: int = 0
    unfinished_deliveries: int = 0
    jobs: Counter[str] = field(default_factory=Counter)
    waiting_for_their_time: int = 0
    cases: int = 0
    unclassified: int = 0
    index_differences: int = 0
    mended: int = 0
    drain_seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


def drain(parts: Parts) -> float:
    """Wait until nothing is due and nothing is tried again; gives the seconds. Raises TimeoutError."""
    db, clock = parts.get(Database), parts.get(Clock)  # type: ignore[type-abstract]
    begun = time.monotonic()
    quiet = 0
    while quiet < 3:
        time.sleep(0.3)
        with db.read() as session:
            quiet = 0 if _owed(session, clock.now()) else quiet + 1
        if time.monotonic() - begun > DRAINS_WITHIN:
            raise TimeoutError
    return time.monotonic() - begun


def _owed(session: Session, now: datetime) -> int:
    """Jobs that are due, and those that were begun and wait for another try."""
    begun = (jobs.Job.due <= now) | (jobs.Job.attempts > 0) | jobs.Job.lease.is_not(None)
    query = select(func.count()).select_from(jobs.Job).where(jobs.Job.state == "waiting", begun)
    return session.scalar(query) or 0


def repair_search(parts: Parts) -> None:
    """Owe the job that compares index and database, and wait for it."""
    db, clock = parts.get(Database), parts.get(Clock)  # type: ignore[type-abstract]
    with db.write() as session:
        jobs.enqueue(session, search_jobs.RECONCILE, "after.storm", due=clock.now(), queue=search_jobs.QUEUE)
    drain(parts)


def count(parts: Parts, said: Sequence[Said]) -> Count:
    """Read it all."""
    made = Count()
    db = parts.get(Database)
    with db.read() as session:
        _submissions(session, said, made)
        _steps(session, said, made)
        _jobs(session, made, parts.get(Clock).now())  # type: ignore[type-abstract]
        made.faults += [*history.verify(session), *audit.faults(session)]
    _index(parts, made)
    for name in ("doubled", "lost", "steps_lost", "unfinished_deliveries", "unclassified", "index_differences"):
        if getattr(made, name):
            made.faults.append(f"{name.replace('_', ' ')}: {getattr(made, name)}")
    if made.jobs["dead"]:
        made.faults.append(f"dead jobs: {made.jobs['dead']}")
    return made


def _submissions(session: Session, said: Sequence[Said], made: Count) -> None:
    found: dict[str, list[str]] = {}
    for row in session.scalars(select(Submission)):
        marker = _marker_of(row.body or "")
        found.setdefault(marker, []).append(row.number)
    made.accepted = sum(bool(one.number) for one in said)
    made.stored = sum(map(len, found.values()))
    made.doubled = sum(len(numbers) - 1 for numbers in found.values())
    for one in said:
        if one.number:
            made.lost += one.number not in found.get(one.marker, [])
        else:
            made.unanswered += 1
    made.cases = session.scalar(select(func.count()).select_from(Case)) or 0
    unclassified = select(func.count()).select_from(Case).where(Case.level1.is_(None), Case.stage == "review")
    made.unclassified = session.scalar(unclassified) or 0


def _marker_of(text: str) -> str:
    at = text.find("storm")
    return text[at : at + 14]


def _steps(session: Session, said: Sequence[Said], made: Count) -> None:
    """Each acknowledged message: its delivery is done, and its turn holds the very words."""
    rows = {
        (delivery.channel, delivery.key): (delivery, turn)
        for delivery, turn in session.execute(
            select(Delivery, Turn).outerjoin(Turn, Turn.delivery_id == Delivery.id)
        ).tuples()
    }
    made.deliveries = len(rows)
    made.unfinished_deliveries = sum(delivery.state != "done" for delivery, _ in rows.values())
    for one in said:
        for key, words in one.steps:
            made.steps += 1
            delivery, turn = rows.get((one.channel, key), (None, None))
            if delivery is None or turn is None or turn.text != words:
                made.steps_lost += 1


def _jobs(session: Session, made: Count, now: datetime) -> None:
    states = session.execute(select(jobs.Job.state, func.count()).group_by(jobs.Job.state)).tuples().all()
    made.jobs = Counter(dict(states))
    made.waiting_for_their_time = made.jobs.pop("waiting", 0)
    late = select(jobs.Job.name).where(jobs.Job.state == "waiting", jobs.Job.due < now - timedelta(seconds=60))
    made.faults += [f"job {name} was not done" for name in session.scalars(late)]


def _index(parts: Parts, made: Count) -> None:
    service, db = parts.get(SearchService), parts.get(Database)
    for kind in KINDS:
        versions = loading.reply_versions(db) if kind == "reply" else loading.case_versions(db)
        made.index_differences += len(service.indexer.reconcile(kind, versions).ids)
