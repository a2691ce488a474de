"""Runs migrations on SQLite and PostgreSQL.

Rebuilding a SQLite table with foreign keys on deletes its children, and the switch does nothing inside a transaction:
so it is off from the connection's start, and the keys are checked before the commit.
"""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.pool import NullPool

import wiring  # noqa: F401 - every model has to be known
from core.database import Base, UtcDateTime

_ONE_MIGRATOR = 7_251_204


def _render(kind: str, item: Any, autogen: Any) -> str | Literal[False]:
    """Our column types by their own name in new revisions."""
    if kind == "type" and isinstance(item, UtcDateTime):
        autogen.imports.add("from core.database import UtcDateTime")
        return "UtcDateTime()"
    return False


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=Base.metadata, render_as_batch=True, render_item=_render,
        compare_type=True, transaction_per_migration=False,
    )  # fmt: skip
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_MIGRATOR})")
        context.run_migrations()
        if connection.dialect.name == "sqlite":
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise RuntimeError(f"foreign keys broken by the migration: {len(broken)} rows, first in {broken[0][0]}")


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "busy_timeout=15000", "synchronous=FULL", "foreign_keys=OFF"):
        connection.execute(f"PRAGMA {pragma}")


url = context.config.attributes["url"]
engine = create_engine(url, poolclass=NullPool)
if engine.dialect.name == "sqlite":
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
with engine.connect() as connected:
    _run(connected)
engine.dispose()
