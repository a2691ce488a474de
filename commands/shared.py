"""What the commands share: the hub's parts, errors as sentences, progress, kinds of arguments."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from core.config import Settings, SettingsError, load_settings, usable_folder
from core.errors import HubError

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
SQLITE = "sqlite:///"
FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
NEW_FILE = click.Path(path_type=Path, dir_okay=False)


@contextmanager
def hub_parts(settings: Settings | None = None, *, quiet: bool = False) -> Iterator[Any]:
    """The hub's parts for one command, with a database that is in order; errors of its rooms become sentences.

    `quiet`: only errors are logged, beside the progress bar.
    """
    from core import logging
    from core.database import Database
    from core.schema import SchemaState, SchemaTooNew, schema_state

    settings = settings or load_settings()
    require_database(settings)
    if quiet:
        logging.configure("ERROR", sys.stderr)
    else:
        logging.configure(settings.log_level)
    parts = open_parts(settings)
    db = parts.get(Database)
    try:
        with db.engine.connect() as connection:
            state = schema_state(connection)
        if state is SchemaState.NEWER:
            raise click.ClickException(str(SchemaTooNew()))
        if state is not SchemaState.CURRENT:
            raise click.ClickException(f"The database's schema is {state.value}. Run `hub migrate` first.")
        with said_plainly():
            yield parts
    finally:
        db.dispose()


def open_parts(settings: Settings) -> Any:
    """The hub's parts, in a data folder and with a database that can be used.

    Raises SettingsError, naming the setting, when one of them can't.
    """
    import wiring
    from core.database import Database

    usable_folder(settings)
    db = Database(settings.database)
    if _is_there(settings):
        db.require()
    return wiring.build(settings, db=db)


def require_database(settings: Settings) -> None:
    """Raise SettingsError where a command would make a database only to find nothing in it."""
    if not _is_there(settings):
        place = settings.database.removeprefix(SQLITE)
        setting = "HUB_DATABASE_URL" if settings.database_url else "HUB_DATA_DIR"
        raise SettingsError(
            f"There is no database {place} ({setting}). Name the hub's own, or run `hub migrate` first."
        )


def _is_there(settings: Settings) -> bool:
    """Whether the database is a server's, or a file that exists."""
    return not settings.database.startswith(SQLITE) or Path(settings.database.removeprefix(SQLITE)).exists()


@contextmanager
def said_plainly() -> Iterator[None]:
    """An error of the hub's rooms ends the command with its sentence in English, as commands speak, without a trace."""
    try:
        yield
    except HubError as error:
        sentences = list((getattr(error, "fields", None) or {}).values()) or [error.message]
        raise click.ClickException(" ".join(_in_english(sentences))) from error


def _in_english(sentences: list[str]) -> list[str]:
    from flask_babel import gettext

    with english():
        return [gettext(sentence) for sentence in sentences]


@contextmanager
def english() -> Iterator[None]:
    """What the rooms say in here is English: for commands that keep nothing of it for citizens."""
    import flask
    from flask_babel import Babel

    from core.web.translate import PO

    app = flask.Flask("hub")
    Babel(app, default_locale="en", default_translation_directories=str(PO.parents[2]))
    with app.app_context():
        yield


def migrate_database(settings: Settings, db: Any) -> None:
    """Bring the schema forward, after a backup. Raises ClickException for one newer than this hub."""
    from core import crypto
    from core.backup import back_up_database
    from core.clock import SystemClock
    from core.schema import SchemaTooNew, bring_forward

    at = SystemClock().now()
    folder = settings.data_dir / "backups" / f"before-migration-{at:%Y%m%d-%H%M%S}"

    def save() -> None:
        click.echo(f"Backup before migrating: {back_up_database(db, crypto.ring(), folder, at)}")

    try:
        before = bring_forward(db, save)
    except SchemaTooNew as error:
        raise click.ClickException(str(error)) from error
    place = "HUB_DATABASE_URL" if settings.database_url else str(settings.data_dir.absolute())
    click.echo(f"Database ({place}): {before.value if before.value != 'empty' else 'made'}")


def history_faults(parts: Any) -> list[str]:
    """What is wrong with the chains of events and of the audit, a sentence each."""
    from cases import history
    from core import audit
    from core.database import Database
    from organisations.models import WebSession

    with parts.get(Database).read() as session:
        signed_in = session.query(WebSession.id).first() is not None
        return [*history.verify(session), *audit.faults(session, owed=signed_in)]


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Callable[[int], Any]]:
    """A progress bar on stderr; gives what counts on by so many."""
    from tqdm import tqdm

    with tqdm(desc=label, unit="row", total=total, file=sys.stderr) as shown:
        yield shown.update
