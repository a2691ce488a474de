"""What the composition roots share: the hub's parts, who hears of which event, every job's handler, the regular work.

Like app.py, worker.py and cli.py it may import everybody, and nobody but those imports it.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

import notifications.models  # noqa: F401 - the tables of every room have to be known
from cases import history, readerless, sweep, upkeep
from cases.history import Subscription
from cases.models import Case, Submission
from cases.operations import codes
from cases.seed import seed_policies
from channels import inbox
from channels import registry as channel_registry
from channels.inbox import Bindings
from channels.registry import Channels
from core import audit, crypto, heartbeats, held_keys, ids, jobs, launch, marks  # noqa: F401 - audit and heartbeats have tables
from core.clock import Clock, SystemClock
from core.config import Settings, SettingsError
from core.crypto import KeyRing
from core.database import Database
from core.files import FileStore
from core.web.parts import Parts
from intake import diversion, left, receive
from intake.brain import Brain, Suggests
from intake.demo.seeding import seed_petitions
from notifications import citizens, delivery, staff
from organisations.accounts import disable_account
from organisations.models import Account
from organisations.people import SYSTEM
from organisations.seed import give_passwords, rows_of, seed_base, seed_city
from organisations.upkeep import forget_sign_ins
from search import jobs as search_jobs
from search.service import KINDS, SearchService, engine_of

JOBS, SEARCH = "jobs", search_jobs.QUEUE
QUEUES = (JOBS, SEARCH)

# Who hears of an event: one job each, written in the event's transaction.
SUBSCRIPTIONS = (
    Subscription(diversion.CLASSIFY, JOBS, frozenset({"submitted", "reopened"})),
    Subscription(citizens.JOB, JOBS, citizens.KINDS),
    Subscription(staff.JOB, JOBS, staff.KINDS),
    Subscription(search_jobs.INDEX, SEARCH, None),
)

# What the inbox does with an item.
BINDINGS = Bindings(
    receive=receive.receive,
    consent=receive.consent,
    receipt=delivery.receipt,
    call_step=receive.call_step,
    late_answer=delivery.late_answer,
)

# What is owed by the clock: job, how often (minute, hour, day), queue.
HOUSEKEEPING, UPKEEP = "hub.housekeeping", "hub.upkeep"
REGULAR = (
    (sweep.SWEEP, "minute", JOBS),
    (left.LOOK, "minute", JOBS),
    (HOUSEKEEPING, "hour", JOBS),
    (readerless.NAME_READERS, "hour", JOBS),
    (UPKEEP, "day", JOBS),
    (upkeep.ANCHOR, "day", JOBS),
    (upkeep.PURGE_FILES, "day", JOBS),
    (search_jobs.RECONCILE, "day", SEARCH),
)
PASSWORD_LENGTH = 14  # of 27 letters and figures: 66 bits


class WebSecret(str):
    """What signs forms and cookies."""


def build(settings: Settings, clock: Clock | None = None, *, db: Database | None = None) -> Parts:
    """Everything a process of the hub works with; sets the process's keys and who hears of events.

    Raises SettingsError for a setting that does not do.
    """
    if settings.media_url:
        raise SettingsError("Setting HUB_MEDIA_URL: this hub keeps attachments in its data folder; leave it empty.")
    database, the_clock = db or Database(settings.database), clock or SystemClock()
    ring, secret = held_keys.keys_for(settings, database)
    crypto.use(ring)
    history.subscribe(SUBSCRIPTIONS)
    parts = Parts()
    parts.add(WebSecret, WebSecret(secret))
    parts.add(Settings, settings)
    parts.add(Clock, the_clock)
    parts.add(KeyRing, ring)
    parts.add(Database, database)
    parts.add(FileStore, FileStore(settings.data_dir / "files", ring))
    parts.add(Channels, channel_registry.load(settings))
    parts.add(SearchService, SearchService(engine_of(settings), database))
    parts.add(Brain, Brain(database, the_clock, _load_classifier))
    return parts


def _load_classifier(path: Path | None) -> Suggests:
    """Read a model; imported here because most processes and commands never need one."""
    from classifier.model import Classifier

    return Classifier.load(path)


def registry(parts: Parts) -> jobs.Registry:
    """The handler of every job."""
    found = jobs.Registry()
    channels = parts.get(Channels)
    inbox.register(found, channels, BINDINGS)
    diversion.register(found, parts.get(Brain))
    left.register(found)
    sweep.register(found)
    upkeep.register(found, parts.get(FileStore))
    readerless.register(found)
    delivery.register(found, channels)
    search_jobs.register(found, parts.get(SearchService))
    found.add(HOUSEKEEPING, _keep_house)
    found.add(UPKEEP, _keep_up)
    return found


def _keep_house(work: jobs.Work) -> None:
    """Forget the answers that hold query codes as soon as their time is over."""
    with work.db.write() as session:
        inbox.purge_answers(session, work.clock.now())


def _keep_up(work: jobs.Work) -> None:
    """Forget what has had its time: done jobs, wrong query codes, sign-ins."""
    now = work.clock.now()
    for forget in (jobs.purge_done, codes.forget_attempts, forget_sign_ins):
        with work.db.write() as session:
            forget(session, now)


# --- a new hub --------------------------------------------------------------------------------------------------------


DEMONSTRATION, UNDER_WAY, DONE = "demonstration", "under way", "done"


def is_new(db: Database) -> bool:
    """Whether there is neither an account nor a case nor a submission: nothing that a demonstration could mix with."""
    with db.read() as session:
        return all(session.scalar(select(one.id).limit(1)) is None for one in (Account, Case, Submission))


def has_accounts(db: Database) -> bool:
    """Whether anybody has an account."""
    with db.read() as session:
        return session.scalar(select(Account.id).limit(1)) is not None


def demonstration_state(db: Database) -> str:
    """Whether the demonstration is in this database: "", UNDER_WAY when it was begun and not finished, or DONE."""
    with db.read() as session:
        return marks.get(session, DEMONSTRATION)


def seed_rules(parts: Parts) -> None:
    """What every hub needs, with a demonstration or without: deadline policies, grounds, terms, office hours.

    What is there stays as it is.
    """
    settings, at = parts.get(Settings), parts.get(Clock).now()  # type: ignore[type-abstract]
    with parts.get(Database).write() as session:
        seed_base(session)
        seed_policies(session, at, settings.policy_set)


def seed_demonstration(parts: Parts) -> None:
    """Fill a new hub with the demonstration city, its petitions and their index, or finish where that broke off.

    The accounts' passwords, random for this installation, are kept in the data folder before the accounts are made.
    Raises SettingsError on a hub with a public address.
    """
    settings, db = parts.get(Settings), parts.get(Database)
    if settings.is_public:
        raise SettingsError("Demonstration accounts are never made on a hub with a public address (HUB_PUBLIC_URL).")
    at = parts.get(Clock).now()  # type: ignore[type-abstract]
    kept = launch.kept_accounts(settings)
    made = kept or {row["username"]: ids.public_id(PASSWORD_LENGTH) for row in rows_of("staff")}
    launch.keep_accounts(settings, made)
    with db.write() as session:
        marks.put(session, DEMONSTRATION, UNDER_WAY, at)
        seed_city(session, at, made)
        if not kept:  # accounts of a start that broke off have passwords that nobody knows any more
            give_passwords(session, made)
    seed_rules(parts)
    seed_petitions(db, parts.get(Clock), parts.get(Brain))  # type: ignore[type-abstract]
    for kind in KINDS:
        parts.get(SearchService).rebuild(kind)
    with db.write() as session:
        marks.put(session, DEMONSTRATION, DONE, at)


def open_demonstration(db: Database) -> list[int]:
    """The ids of the demonstration's accounts that can sign in, on a database that the demonstration is in."""
    if not demonstration_state(db):
        return []
    names = [row["username"] for row in (*rows_of("staff"), *rows_of("handlers"))]
    with db.read() as session:
        return list(
            session.scalars(select(Account.id).where(Account.username.in_(names), Account.disabled_at.is_(None)))
        )


def lock_demonstration(parts: Parts) -> int:
    """Disable the demonstration's accounts and end their sessions; gives how many were open."""
    db, at = parts.get(Database), parts.get(Clock).now()  # type: ignore[type-abstract]
    found = open_demonstration(db)
    with db.write() as session:
        for account_id in found:
            disable_account(session, SYSTEM, at, account_id)
    return len(found)
