"""Which state the database's schema is in, against the migrations that ship with this code."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from core.database import Database

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


class SchemaState(StrEnum):
    """empty: no migration has run; older: some are missing; current; newer: made by a later version of the hub."""

    EMPTY = "empty"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


def config() -> Config:
    """Alembic's settings, without a file."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    return made


@lru_cache(maxsize=1)
def _known() -> tuple[str, frozenset[str]]:
    scripts = ScriptDirectory.from_config(config())
    return scripts.get_current_head() or "", frozenset(one.revision for one in scripts.walk_revisions())


def schema_state(connection: Connection) -> SchemaState:
    """The state of the database behind a connection."""
    head, known = _known()
    now = MigrationContext.configure(connection).get_current_revision()
    if now is None:
        return SchemaState.EMPTY
    if now not in known:
        return SchemaState.NEWER
    return SchemaState.CURRENT if now == head else SchemaState.OLDER


class SchemaTooNew(Exception):
    """The database was made by a later version of the hub; the text is a sentence for whoever started it."""

    def __init__(self) -> None:
        super().__init__(
            "The database was made by a later version of the hub. Install that version, or restore an earlier backup."
        )


def bring_forward(db: Database, back_up: Callable[[], None]) -> SchemaState:
    """Run the migrations that are missing, after `back_up` when there is something to lose; gives the state before.

    Only one process migrates at a time: migrations/env.py takes a lock. Raises SchemaTooNew.
    """
    with db.engine.connect() as connection:
        before = schema_state(connection)
    if before is SchemaState.NEWER:
        raise SchemaTooNew
    if before is SchemaState.OLDER:
        back_up()
    if before is not SchemaState.CURRENT:
        settings = config()
        settings.attributes["url"] = db.url
        command.upgrade(settings, "head")
    return before
