"""The worker processes: Celery carries "look" from whoever committed jobs, and from the beat, to those who do them.

A message holds no data but a queue's name. Jobs are rows (core/jobs.py), so a lost message costs seconds and no work.
"""

from __future__ import annotations

import threading
from typing import Any

from celery import Celery
from celery.signals import worker_ready

import wiring
from core import heartbeats, jobs, logging
from core.broker import LOOK, OWE, QUEUES, make_celery, publisher
from core.clock import Clock, to_local
from core.config import Settings, load_settings
from core.database import Database
from core.logging import get_logger
from core.web.parts import Parts
from search.engine import SearchUnavailable
from search.service import SearchService

log = get_logger(__name__)

_BATCH = 200


def look(parts: Parts, registry: jobs.Registry, queue: str) -> int:
    """Do what is due in a queue until nothing is; gives how many jobs were run."""
    db, clock = parts.get(Database), parts.get(Clock)  # type: ignore[type-abstract]
    done = 0
    jobs.give_back(db, clock, queue)
    begin(parts, queue)
    while True:
        heartbeats.beat(db, queue, clock.now())
        ran = jobs.run_due(db, clock, registry, queue, limit=_BATCH)
        done += ran
        if ran == 0:
            return done


def begin(parts: Parts, queue: str) -> None:
    """What a worker does before it looks: that of searches makes the indexes that are not there (any more).

    Until it is done /readyz names them. One that another process writes, or that the disk has no room for, is left to
    the next look.
    """
    if queue != wiring.SEARCH or not parts.get(SearchService).health():
        return
    try:
        parts.get(SearchService).ensure()
    except (SearchUnavailable, OSError, ValueError) as error:
        log.warning("search_index_not_made", exc_info=error)


def owe_regular_work(parts: Parts) -> None:
    """Write the jobs that are owed by the clock: each once for its minute, hour or day however many beats run."""
    db, clock = parts.get(Database), parts.get(Clock)  # type: ignore[type-abstract]
    now = clock.now()
    local = to_local(now)
    stamps = {
        "minute": local.strftime("%Y%m%d%H%M"),
        "hour": local.strftime("%Y%m%d%H"),
        "day": local.strftime("%Y%m%d"),
    }
    with db.write() as session:
        for name, every, queue in wiring.REGULAR:
            jobs.enqueue(session, name, f"{every}.{stamps[every]}", {}, due=now, queue=queue)


class Worker:
    """What the tasks of one process share; the parts are made on first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._parts: Parts | None = None
        self._registry: jobs.Registry | None = None
        self._lock = threading.Lock()
        self._looking = {queue: threading.Lock() for queue in QUEUES}

    def ready(self) -> tuple[Parts, jobs.Registry]:
        """The parts and the handlers."""
        with self._lock:
            if self._parts is None or self._registry is None:
                logging.configure(self._settings.log_level)
                self._parts = wiring.build(self._settings)
                self._registry = wiring.registry(self._parts)
                jobs.on_commit_nudge(publisher(self._settings).nudge)
            return self._parts, self._registry

    def look(self, queue: str) -> None:
        """One look a queue and process: a second one while it goes on would only find the same rows."""
        parts, registry = self.ready()
        if self._looking[queue].acquire(blocking=False):
            try:
                look(parts, registry, queue)
            finally:
                self._looking[queue].release()


def _tasks(celery: Celery, worker: Worker) -> None:
    @celery.task(name=LOOK)
    def look_task(queue: str) -> None:
        worker.look(queue)

    @celery.task(name=OWE)
    def owe_task() -> None:
        owe_regular_work(worker.ready()[0])
        worker.look(QUEUES[0])


def application() -> Celery:
    """The Celery application of this process, from the environment: `celery -A worker:celery`."""
    settings = load_settings()
    made = make_celery(settings)
    worker = Worker(settings)
    _tasks(made, worker)

    def ready(**_ignored: Any) -> None:
        """Look once at the start, so that nothing waits for the beat and the first sign of life is given."""
        for queue in made.amqp.queues.consume_from:
            worker.look(queue)

    worker_ready.connect(ready, weak=False)
    return made


def __getattr__(name: str) -> Any:
    """`worker.celery` is made when Celery asks for it: importing this module reads no settings."""
    if name == "celery":
        globals()["celery"] = application()
        return globals()["celery"]
    raise AttributeError(name)
