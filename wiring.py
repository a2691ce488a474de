"""The composition that web process, workers and commands share: the hub's parts, who hears of which event, every job.

Like app.py, worker.py and cli.py it knows everybody; nobody but those three imports it.
"""

from __future__ import annotations

from cases import history, sweep
from cases.history import Subscription
from channels import inbox, registry
from channels.inbox import Bindings
from channels.registry import Channels
from core import crypto, jobs
from core.clock import Clock, SystemClock
from core.config import Settings
from core.crypto import KeyRing
from core.database import Database
from core.files import FileStore
from core.web.parts import Parts
from intake import brain, diversion, left, receive
from intake.brain import Brain
from notifications import citizens, delivery, staff
from search import jobs as search_jobs
from search.service import SearchService, engine_of

# Who hears of an event: one job each, written in the event's transaction.
SUBSCRIPTIONS = (
    Subscription(diversion.JOB, "jobs", frozenset({"submitted"})),
    Subscription(citizens.JOB, "jobs", citizens.KINDS),
    Subscription(staff.JOB, "jobs", staff.KINDS),
    Subscription(search_jobs.INDEX, search_jobs.QUEUE, None),
)
BINDINGS = Bindings(
    receive=receive.receive,
    consent=receive.consent,
    call_step=receive.call_step,
    receipt=delivery.receipt,
    late_answer=delivery.late_answer,
)


def build(settings: Settings, clock: Clock | None = None) -> Parts:
    """Make the parts of one process. Sets the process's key ring and the event subscriptions.

    Raises SettingsError for a setting, key or channel that is wrong.
    """
    ring, secret = crypto.load_keys(settings)
    crypto.use(ring)
    history.subscribe(SUBSCRIPTIONS)
    db = Database(settings.database)
    parts = Parts()
    parts.add(Settings, settings)
    parts.add(Clock, clock or SystemClock())
    parts.add(KeyRing, ring)
    parts.add(WebSecret, WebSecret(secret))
    parts.add(Database, db)
    parts.add(FileStore, FileStore(settings.data_dir / "files", ring))
    parts.add(Channels, registry.load(settings))
    parts.add(SearchService, SearchService(engine_of(settings), db))
    parts.add(Brain, brain.load(db))
    return parts


class WebSecret(str):
    """What signs forms and cookies."""


def handlers(parts: Parts) -> jobs.Registry:
    """Every job of the hub with its handler and queue."""
    found = jobs.Registry()
    inbox.register(found, parts.get(Channels), BINDINGS)
    diversion.register(found, parts.get(Brain))
    left.register(found)
    sweep.register(found)
    delivery.register(found, parts.get(Channels))
    search_jobs.register(found, parts.get(SearchService))
    return found
