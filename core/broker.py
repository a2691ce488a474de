"""The message broker: Celery set up for it, and "look" published to a queue; messages carry no more than its name."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

from core import logging
from core.config import Settings, load_settings
from core.nudges import Nudger

QUEUES = ("jobs", "search")
LOOK, OWE = "look", "owe"
LOOK_EVERY = 5.0  # seconds between two looks of the beat
OWE_EVERY = 30.0
_EXPIRES = 60


@setup_logging.connect
def _own_logs(**_ignored: Any) -> None:
    """Workers and beat log as every process of the hub: Celery's own lines quote the messages of errors."""
    logging.configure(load_settings().log_level)


def make_celery(settings: Settings) -> Celery:
    """The Celery application for the broker in the settings, or for a folder in the data folder."""
    celery = Celery("lianxin", set_as_current=False)
    options: dict[str, Any] = {}
    if not settings.broker_url:
        folder = settings.data_dir.absolute() / "broker"
        folder.mkdir(parents=True, exist_ok=True)
        options = {name: str(folder) for name in ("data_folder_in", "data_folder_out")}
        options["control_folder"] = str(folder / "control")
    beat = {
        f"look-{queue}": {"task": LOOK, "schedule": LOOK_EVERY, "args": (queue,),
                          "options": {"queue": queue, "expires": _EXPIRES}}
        for queue in QUEUES
    }  # fmt: skip
    beat["owe"] = {"task": OWE, "schedule": OWE_EVERY, "options": {"queue": QUEUES[0], "expires": _EXPIRES}}
    celery.conf.update(
        broker_url=settings.broker_url or "filesystem://",
        broker_transport=None if settings.broker_url else "core.folder_broker:Transport",
        broker_transport_options=options,
        broker_connection_retry_on_startup=True,
        task_ignore_result=True,
        task_default_queue=QUEUES[0],
        worker_prefetch_multiplier=1,
        worker_send_task_events=False,
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        beat_schedule=beat,
        # Kept in memory: what is due is known from the clock, and a file can be damaged when the beat is killed.
        beat_scheduler="celery.beat:Scheduler",
        beat_max_loop_interval=5,
    )
    return celery


def publisher(settings: Settings) -> Nudger:
    """What tells queues to look; for `jobs.on_commit_nudge` of every process that writes jobs."""
    celery = make_celery(settings)
    return Nudger(lambda queue: publish_look(celery, settings, queue))


def publish_look(celery: Celery, settings: Settings, queue: str) -> None:
    """Send "look", unless one waits in the folder already. Raises what the broker raises."""
    if not settings.broker_url:
        folder = settings.data_dir / "broker"
        folder.mkdir(parents=True, exist_ok=True)
        with os.scandir(folder) as entries:
            if any(f".{queue}.msg" in entry.name for entry in entries):
                return
    celery.send_task(LOOK, args=(queue,), queue=queue, retry=False, expires=_EXPIRES)


def __getattr__(name: str) -> Any:
    """`core.broker:celery` for the beat, which sends what the tasks of worker.py receive and needs none of them."""
    if name == "celery":
        globals()["celery"] = make_celery(load_settings())
        return globals()["celery"]
    raise AttributeError(name)
