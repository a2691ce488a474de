"""The hub's commands. Each imports its room when it runs: `hub classify` needs no database and starts quickly."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from core.config import Settings, SettingsError, load_settings
from core.errors import HubError

ROOT = Path(__file__).resolve().parent
DATA = ROOT.parent / "shared" / "data"
FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
NEW_FILE = click.Path(path_type=Path, dir_okay=False)


class Hub(click.Group):
    """Tells what a person can mend as a sentence, without a trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Hub, context_settings={"help_option_names": ["-h", "--help"]})
def hub() -> None:
    """连心: what citizens bring, taken in and seen through. `hub up` starts it; `hub test` runs the suite."""


@contextmanager
def _parts(settings: Settings | None = None, *, quiet: bool = False) -> Iterator[Any]:
    """The hub's parts for one command, with a database that is in order; errors of its rooms become sentences.

    `quiet`: only errors are logged, beside the progress bar.
    """
    import wiring
    from core import logging
    from core.database import Database
    from core.schema import SchemaState, schema_state

    settings = settings or load_settings()
    if quiet:
        logging.configure("ERROR", sys.stderr)
    else:
        logging.configure(settings.log_level)
    parts = wiring.build(settings)
    db = parts.get(Database)
    try:
        with db.engine.connect() as connection:
            state = schema_state(connection)
        if state is not SchemaState.CURRENT:
            raise click.ClickException(f"The database's schema is {state.value}. Run `hub migrate` first.")
        with _said_plainly():
            yield parts
    finally:
        db.dispose()


@contextmanager
def _said_plainly() -> Iterator[None]:
    """An error of the hub's rooms ends the command with its sentence, not with a trace."""
    try:
        yield
    except HubError as error:
        details = getattr(error, "fields", None) or {}
        raise click.ClickException(" ".join([error.message, *details.values()])) from error


# --- running it -------------------------------------------------------------------------------------------------------


@hub.command()
@click.option("--demo", is_flag=True, help="Fill an empty database with the demonstration city.")
def up(demo: bool) -> None:
    """Prepare the database, then run web, worker, search worker and beat until Ctrl+C."""
    from core import logging
    from core.launch import launch

    settings = load_settings()
    logging.configure(settings.log_level)
    # In a process of its own: the one that stays to keep the others alive then needs no room in its memory.
    command = [sys.executable, str(ROOT / "cli.py"), "prepare", *(["--demo"] if demo else [])]
    sys.exit(launch(settings, command, click.echo))


@hub.command(hidden=True)
@click.option("--demo", is_flag=True)
def prepare(demo: bool) -> None:
    """What has to be there before the processes start: schema, rows of a new hub, search indexes."""
    import wiring
    from core import heartbeats
    from core.database import Database
    from core.launch import keep_accounts
    from search.service import SearchService

    settings = load_settings()
    parts = wiring.build(settings)
    db = parts.get(Database)
    _migrate(settings, db)
    if wiring.is_new(db):
        if demo or not settings.is_public:
            click.echo("An empty database: filling it with the demonstration city …")
            keep_accounts(settings, wiring.seed_demonstration(parts))
        else:
            wiring.seed_rules(parts)
            click.echo("An empty database. Make the first account with `hub create-admin NAME`.")
    heartbeats.forget(db)
    parts.get(SearchService).ensure()
    db.dispose()


def _migrate(settings: Settings, db: Any) -> None:
    from core.backup import copy_database
    from core.clock import SystemClock
    from core.schema import SchemaTooNew, bring_forward

    folder = settings.data_dir / "backups" / f"before-migration-{SystemClock().now():%Y%m%d-%H%M%S}"
    try:
        before = bring_forward(db, lambda: click.echo(f"Backup before migrating: {copy_database(db, folder)}"))
    except SchemaTooNew as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Database: {before.value if before.value != 'empty' else 'made'}")


@hub.command()
def migrate() -> None:
    """Bring the database's schema forward, after a backup."""
    import wiring
    from core.database import Database

    settings = load_settings()
    _migrate(settings, wiring.build(settings).get(Database))


@hub.command("settings-doc")
def settings_doc() -> None:
    """Write docs/settings.md again from the typed settings."""
    from core import settings_doc

    settings_doc.write()


# --- classifier and search --------------------------------------------------------------------------------------------


@hub.command()
@click.option("--among", default="", help="Limit the first level to these names, comma separated.")
def classify(among: str) -> None:
    """JSON lines {"id","title","body"} on stdin, a suggestion a line on stdout; needs no database."""
    from classifier.stream import classify_lines

    names = [name for name in among.split(",") if name.strip()] or None
    with _said_plainly():
        classify_lines(sys.stdin.buffer, sys.stdout, sys.stderr, among=names, catalogue=_departments())


def _departments() -> dict[tuple[str, str, str], str]:
    """The published catalogue's departments where this hub has a database with one, else the shipped file's."""
    from sqlalchemy.exc import SQLAlchemyError

    from core.database import Database
    from organisations import catalogue
    from organisations.seed import shipped_departments

    settings = load_settings()
    if not settings.database_url and not (settings.data_dir / "hub.db").exists():
        return shipped_departments()
    db = Database(settings.database)
    try:
        with db.read() as session:
            return catalogue.departments(session) or shipped_departments()
    except SQLAlchemyError as error:
        click.echo(f"No catalogue in the database ({type(error).__name__}); using the shipped one.", err=True)
        return shipped_departments()
    finally:
        db.dispose()


@hub.command()
@click.option("--data", type=FOLDER, default=DATA, show_default=True, help="Folder with the labelled files.")
def evaluate(data: Path) -> None:
    """Print the classifier's table, by folds that keep near copies together."""
    from classifier.evaluate import evaluate as lines

    with _said_plainly():
        for line in lines(data):
            click.echo(line)


@hub.command()
@click.option("--data", type=FOLDER, default=DATA, show_default=True, help="Folder with the labelled files.")
@click.option("--out", type=NEW_FILE, default=None, help="Model file to write; default: the one that ships.")
def train(data: Path, out: Path | None) -> None:
    """Train the classifier and write its model file."""
    from classifier.model import SHIPPED
    from classifier.train import train as run

    with _said_plainly():
        click.echo(run(data, out or SHIPPED, say=lambda step: click.echo(step, err=True)))


@hub.command("search-corpus")
@click.option("--corpus", type=FILE, required=True, help="JSON lines to index.")
@click.option("--engine", default="embedded", show_default=True)
def search_corpus(corpus: Path, engine: str) -> None:
    """JSON lines {"qid","query"} on stdin, the best 20 ids a line on stdout, through the portal's own query path."""
    from search.corpus import search_corpus as run

    try:
        bad = run(corpus, sys.stdin, sys.stdout, sys.stderr, engine)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
    if bad:
        click.echo(f"{bad} bad lines passed over", err=True)


@hub.command()
def reindex() -> None:
    """Build both search indexes anew from the database; searching goes on meanwhile."""
    from search.service import KINDS, SearchService

    with _parts() as parts:
        service = parts.get(SearchService)
        for kind in KINDS:
            with _bar(f"{kind}") as advance:
                count = service.rebuild(kind, advance)
            click.echo(f"{kind}: {count}")


# --- data -------------------------------------------------------------------------------------------------------------


@hub.command("import")
@click.argument("path", type=FILE)
@click.option("--map", "mapping", default="", help="Columns by name: title=标题,body=内容,…")
@click.option("--source", default="", help="What the rows' keys belong to; default: the file's name.")
@click.option("--track", type=click.Choice(["hotline", "petition"]), default="hotline", show_default=True)
@click.option("--consent/--no-consent", default=None, help="State that the answers were public already, so that they "
              "may be published; or that they were not: none is proposed. Default: nothing is known of it, and what is "
              "proposed can't be released.")  # fmt: skip
@click.option("--release-as", default="", help="Release what needed no masking as this user…")
@click.option("--confirmed-by", default="", help="…confirmed by this other user.")
def import_file(
    path: Path, mapping: str, source: str, track: str, consent: bool | None, release_as: str, confirmed_by: str
) -> None:
    """Take in a file of past petitions (.csv, .xlsx); after a break run it again, nothing is doubled."""
    from core.clock import Clock
    from core.database import Database
    from intake.brain import Brain
    from intake.importing import releasing, run, tables

    if bool(release_as) != bool(confirmed_by):
        raise click.UsageError("--release-as and --confirmed-by go together.")
    if release_as and consent is False:
        raise click.UsageError("--no-consent says that nothing may be published: it does not go with --release-as.")
    if release_as and consent is None:
        consent = True
        click.echo(
            f"Releasing states that the answers were public already, as with --consent; {confirmed_by} confirms it."
        )
    plan = run.Plan(path, source or path.name, _mapping(mapping), track=track, consent=consent)
    with _parts(quiet=True) as parts:
        db, clock = parts.get(Database), parts.get(Clock)
        people = [_person(parts, name) for name in (release_as, confirmed_by) if name]
        if people:
            releasing.check(*people)
        with _bar(path.name, tables.count(path)) as advance:
            report = run.run(db, clock, parts.get(Brain), plan, advance)
        if consent:
            releasing.state_consent(db, clock, plan)
        if people:
            with _bar("release", releasing.count(db, plan)) as advance:
                releasing.release(db, clock, plan, people[0], people[1], report, advance)
    for line in report.lines():
        click.echo(line)
    if report.proposed and consent is None:
        click.echo(
            "Nobody has said that the answers may be published: run it again with --consent if they were public."
        )
    if report.taken:
        click.echo("Search follows while the hub runs; `hub reindex` does it at once.")


def _mapping(text: str) -> dict[str, str]:
    """Field -> column from --map."""
    pairs = [pair.split("=", 1) for pair in text.split(",") if pair.strip()]
    if any(len(pair) != 2 or not all(part.strip() for part in pair) for pair in pairs):
        raise click.UsageError("--map is written title=标题,body=内容: a field of ours, =, a column of the file.")
    return {field.strip(): column.strip() for field, column in pairs}


def _person(parts: Any, username: str) -> Any:
    """The acting person of a user name."""
    from sqlalchemy import select

    from core.clock import Clock
    from core.database import Database
    from organisations.models import Account
    from organisations.people import actor_for

    with parts.get(Database).read() as session:
        account_id = session.scalar(select(Account.id).where(Account.username == username))
        if account_id is None:
            raise click.ClickException(f"No account is called {username}.")
        return actor_for(session, account_id, parts.get(Clock).now())


@hub.command()
@click.argument("delivery", type=int)
def replay(delivery: int) -> None:
    """Process a stored delivery again."""
    import wiring
    from channels import inbox
    from channels.registry import Channels
    from core.database import Database

    with _parts() as parts, parts.get(Database).write() as session:
        if session.get(inbox.Delivery, delivery) is None:
            raise click.ClickException(f"No delivery is stored under {delivery}.")
        outcome = inbox.replay(session, delivery, parts.get(Channels), wiring.BINDINGS, again=True)
    click.echo(f"number: {outcome.number or '-'}  code: {outcome.code or '-'}")


@hub.command("verify-history")
def verify_history() -> None:
    """Check every case's chain of events and the audit chain; names what was changed, lost or put out of order."""
    with _parts() as parts:
        faults = _history_faults(parts)
    for fault in faults:
        click.echo(fault)
    click.echo(f"{len(faults)} faults" if faults else "The history is whole.")
    sys.exit(bool(faults))


def _history_faults(parts: Any) -> list[str]:
    from cases import history
    from core import audit
    from core.database import Database

    with parts.get(Database).read() as session:
        return [*history.verify(session), *audit.faults(session)]


@hub.command("create-admin")
@click.argument("username")
@click.option("--name", default="", help="The person's name; default: the user name.")
@click.option("--role", type=click.Choice(["system_admin", "security_admin", "auditor"]), default="security_admin",
              show_default=True)  # fmt: skip
@click.password_option(help="Asked for when it is not given.")
def create_admin(username: str, name: str, role: str, password: str) -> None:
    """Make an account that can make the others; its password must be changed at first sign-in."""
    from core.clock import Clock
    from core.database import Database
    from organisations import accounts, passwords
    from organisations.people import SYSTEM

    with _parts() as parts:
        passwords.check_new(password, username)
        hashed, at = passwords.hash_password(password), parts.get(Clock).now()
        with parts.get(Database).write() as session:
            made = accounts.create_account(session, SYSTEM, at, username, name or username, password_hash=hashed)
            accounts.grant_role(session, SYSTEM, at, made.id, role)
    click.echo(f"{username}: {role}")


# --- backups and keys -------------------------------------------------------------------------------------------------


@hub.command()
@click.argument("folder", type=FOLDER)
@click.option("--keys", type=NEW_FILE, default=None, help="Also write the keys, to this file outside the folder.")
def backup(folder: Path, keys: Path | None) -> None:
    """Copy the database and the attachments; without the keys nobody can read what is sealed in them."""
    from core import backup as copying
    from core.clock import Clock
    from core.crypto import KeyRing
    from core.database import Database

    with _parts() as parts:
        settings, ring = parts.get(Settings), parts.get(KeyRing)
        try:
            copying.back_up(settings, parts.get(Database), ring, folder, parts.get(Clock).now(), keys)
        except (copying.BackupError, OSError) as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"Backup written to {folder}." + (f" Keys: {keys}." if keys else " Keep data/keys.json safe elsewhere."))


@hub.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--keys", type=FILE, default=None, help="The file that the keys were written to.")
def restore(folder: Path, keys: Path | None) -> None:
    """Put a backup into an empty data folder, then check its history and its keys."""
    import wiring
    from core import backup as copying
    from core.crypto import KeyRing
    from core.database import Database

    settings = load_settings()
    try:
        copying.restore(settings, folder, keys)
    except (copying.BackupError, OSError) as error:
        raise click.ClickException(str(error)) from error
    _migrate(settings, wiring.build(settings).get(Database))
    with _parts(settings) as parts:
        missing = copying.missing_keys(folder, parts.get(KeyRing))
        faults = [*_history_faults(parts), *(f"key {key_id} is missing: what it sealed is lost" for key_id in missing)]
    for fault in faults:
        click.echo(fault)
    click.echo("Restored, with faults." if faults else "Restored; the history is whole. Run `hub reindex` next.")
    sys.exit(bool(faults))


@hub.command("rotate-keys")
@click.option("--drop", metavar="KEY_ID", help="take an earlier key away instead, when nothing is sealed under it")
@click.option("--again", is_flag=True, help="make no new key: seal again what stands under an earlier one")
def rotate_keys(drop: str | None, again: bool) -> None:
    """Make a new encryption key and seal every field and attachment under it; earlier keys stay for backups.

    The hub is stopped for it; the attachments and rows of a break are taken up with --again, and an earlier key may
    then be dropped with --drop.
    """
    from core import rotation
    from core.crypto import KeyRing
    from core.database import Database
    from core.files import FileStore

    settings = load_settings()
    with _stopped(settings):
        if drop is not None:
            with _parts(settings) as parts:
                rotation.drop_key(settings, parts.get(Database), parts.get(FileStore), drop)
            click.echo(f"Key {drop} is gone. Backups made while it was in force need the keys saved with them.")
            return
        if not settings.field_keys and not again:
            rotation.add_key(settings)
        with _parts(settings) as parts:
            with _bar("rows") as advance:
                fields = rotation.reseal(parts.get(Database), parts.get(KeyRing), advance)
            with _bar("files") as advance:
                files = parts.get(FileStore).reseal(advance)
    click.echo(f"{fields} fields and {files} files sealed again. Save the keys file, then start the hub.")


@contextmanager
def _stopped(settings: Settings) -> Iterator[None]:
    """Hold the lock that a running hub holds. Raises ClickException when one runs on this data."""
    from core.processes import AlreadyRunning, Lock

    try:
        lock = Lock(settings.data_dir / "run" / "hub.lock")
    except AlreadyRunning as error:
        raise click.ClickException(
            "Stop the hub first: one that runs on this data folder knows only the earlier keys."
        ) from error
    try:
        yield
    finally:
        lock.release()


# --- measurements -----------------------------------------------------------------------------------------------------


@hub.group()
def bench() -> None:
    """Measure this machine; each figure stands beside a floor measured in the same run."""


@bench.command("search")
@click.option("--documents", default=100_000, show_default=True)
def bench_search(documents: int) -> None:
    """The query path of published replies."""
    from benchmarks.search import run

    run(sys.stdout, documents)


@bench.command("fuzz")
def bench_fuzz() -> None:
    """10,000 signed but damaged webhook bodies: no 5xx."""
    from benchmarks.fuzz_webhooks import main as run

    sys.exit(run())


@bench.command("storm")
@click.option("--kills", default=200, show_default=True, help="How many processes are killed.")
@click.option("--seed", default=1, show_default=True, help="What the order of the kills is drawn by.")
@click.option("--minutes", default=10.0, show_default=True, help="The killing ends then at the latest.")
def bench_storm(kills: int, seed: int, minutes: float) -> None:
    """Kill a hub's processes while eight senders go on; exit code 1 when anything was lost or doubled."""
    from benchmarks.storm import run

    sys.exit(bool(run(sys.stdout, kills=kills, seed=seed, minutes=minutes).faults))


@bench.command("webhook")
def bench_webhook() -> None:
    """A signed text message until its durable answer, beside a bare view with one insert."""
    from benchmarks.webhook import run

    run(sys.stdout)


@bench.command("import")
@click.option("--rows", default=2816, show_default=True)
def bench_import(rows: int) -> None:
    """Rows a second of an import, and its memory."""
    from benchmarks.importing import run

    run(sys.stdout, rows=rows)


@bench.command("pages")
@click.option("--cases", default=100_000, show_default=True)
@click.option("--replies", default=100_000, show_default=True)
def bench_pages(cases: int, replies: int) -> None:
    """The pages opened most, over many cases."""
    from benchmarks.pages import run

    run(sys.stdout, cases=cases, replies=replies)


@bench.command("startup")
def bench_startup() -> None:
    """`hub up` until it is ready, and its memory."""
    from benchmarks.startup import run

    run(sys.stdout)


@contextmanager
def _bar(label: str, total: int | None = None) -> Iterator[Callable[[int], Any]]:
    from tqdm import tqdm

    with tqdm(desc=label, unit="row", total=total, file=sys.stderr) as shown:
        yield shown.update


if __name__ == "__main__":
    hub(prog_name="hub")
