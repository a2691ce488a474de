"""The worker processes: Celery carries "look" from whoever committed jobs, and from the beat, to those who do them.

A message holds no data but a queue's name. Jobs are rows (core/jobs.py), so a lost message costs seconds and no work.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from celery import Celery
from celery.signals import worker_process_init, worker_ready

import wiring
from core import heartbeats, jobs, logging
from core.clock import Clock, to_local
from core.config import Settings, load_settings
from core.database import Database
from core.logging import get_logger
from core.nudges import Nudger
from core.web.parts import Parts

log = get_logger(__name__)

QUEUES = ("jobs", "search")
LOOK_EVERY = 5.0  # seconds between two looks of the beat
_LOOK_EXPIRES = 60
_BATCH = 200


def make_celery(settings: Settings) -> Celery:
    """The Celery application for a broker: the one in the settings, or a folder in the data folder."""
    celery = Celery("lianxin", set_as_current=False)
    options: dict[str, Any] = {}
    if not settings.broker_url:
        folder = settings.data_dir.absolute() / "broker"
        options = {name: str(folder) for name in ("data_folder_in", "data_folder_out")}
        options["control_folder"] = str(folder / "control")
        folder.mkdir(parents=True, exist_ok=True)
    celery.conf.update(
        broker_url=settings.broker_url or "filesystem://",
        broker_transport_options=options,
        broker_connection_retry_on_startup=True,
        task_ignore_result=True,
        task_acks_late=False,
        task_default_queue=QUEUES[0],
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        beat_schedule={
            **{f"look-{queue}": {"task": "look", "schedule": LOOK_EVERY, "args": (queue,),
                                 "options": {"queue": queue, "expires": _LOOK_EXPIRES}} for queue in QUEUES},
            "owe-regular-work": {"task": "owe", "schedule": 30.0,
                                 "options": {"queue": QUEUES[0], "expires": _LOOK_EXPIRES}},
        },
        beat_schedule_filename=str(settings.data_dir.absolute() / "run" / "beat"),
        beat_max_loop_interval=5,
    )  # fmt: skip
    return celery


def publisher(settings: Settings) -> Nudger:
    """What tells queues to look; for `jobs.on_commit_nudge` of every process that writes jobs."""
    celery = make_celery(settings)
    return Nudger(lambda queue: _publish(celery, settings, queue))


def _publish(celery: Celery, settings: Settings, queue: str) -> None:
    """Send "look", unless one is waiting in the folder already."""
    if not settings.broker_url:
        folder = settings.data_dir / "broker"
        folder.mkdir(parents=True, exist_ok=True)
        with os.scandir(folder) as entries:
            if any(f".{queue}.msg" in entry.name for entry in entries):
                return
    celery.send_task("look", args=(queue,), queue=queue, retry=False, expires=_LOOK_EXPIRES)


def look(parts: Parts, registry: jobs.Registry, queue: str) -> int:
    """Do what is due in a queue until nothing is; gives how many jobs were run."""
    db, clock = parts.get(Database), parts.get(Clock)  # type: ignore[type-abstract]
    done = 0
    while True:
        heartbeats.beat(db, queue, clock.now())
        ran = jobs.run_due(db, clock, registry, queue, limit=_BATCH)
        done += ran
        if ran == 0:
            return done


def owe_regular_work(parts: Parts) -> None:
    """Write the jobs that the clock owes: each once for its minute, hour or day, however many beats there are."""
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
    """What the tasks of one process share; the parts are made on first use, so after a fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._parts: Parts | None = None
        self._registry: jobs.Registry | None = None
        self._lock = threading.Lock()

    def ready(self) -> tuple[Parts, jobs.Registry]:
        """The parts and the handlers."""
        with self._lock:
            if self._parts is None or self._registry is None:
                logging.configure(self._settings.log_level)
                self._parts = wiring.build(self._settings)
                self._registry = wiring.registry(self._parts)
                jobs.on_commit_nudge(publisher(self._settings).nudge)
            return self._parts, self._registry


def _tasks(celery: Celery, worker: Worker) -> None:
    looking = {queue: threading.Lock() for queue in QUEUES}

    @celery.task(name="look")
    def look_task(queue: str) -> None:
        parts, registry = worker.ready()
        # One look a queue and process: a second message while it goes on would only find the same rows.
        if looking[queue].acquire(blocking=False):
            try:
                look(parts, registry, queue)
            finally:
                looking[queue].release()

    @celery.task(name="owe")
    def owe_task() -> None:
        parts, _registry = worker.ready()
        owe_regular_work(parts)
        look_task(QUEUES[0])


def application() -> Celery:
    """The Celery application of this process, from the environment: `celery -A worker:celery`."""
    settings = load_settings()
    made = make_celery(settings)
    worker = Worker(settings)
    _tasks(made, worker)

    def warm_up(**_ignored: Any) -> None:
        worker.ready()

    worker_process_init.connect(warm_up, weak=False)
    worker_ready.connect(warm_up, weak=False)
    return made


def __getattr__(name: str) -> Any:
    """`worker.celery` is made when Celery asks for it: importing this module reads no settings."""
    if name == "celery":
        globals()["celery"] = application()
        return globals()["celery"]
    raise AttributeError(name)
