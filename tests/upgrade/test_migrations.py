"""Migrations make just what the models say, lose no row, and are run by one process on a database that is not newer."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

import wiring  # noqa: F401 - every table has to be known
from core.database import Base, Database
from core.schema import SchemaState, SchemaTooNew, bring_forward, schema_state


@pytest.fixture
def bare(data_dir: Path, templates) -> Database:
    """A database without a single table, on the engine under test."""
    url = templates.copy("bare", data_dir / "bare.db")
    database = Database(url)
    yield database
    database.dispose()
    templates.drop(url)


def state(database: Database) -> SchemaState:
    with database.engine.connect() as connection:
        return schema_state(connection)


def test_migrations_make_what_the_models_say(bare: Database) -> None:
    assert bring_forward(bare, lambda: None) is SchemaState.EMPTY
    with bare.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    assert state(bare) is SchemaState.CURRENT


def test_a_second_run_changes_nothing_and_backs_nothing_up(bare: Database) -> None:
    bring_forward(bare, lambda: None)
    saved: list[str] = []
    assert bring_forward(bare, lambda: saved.append("backup")) is SchemaState.CURRENT
    assert saved == []


def test_a_newer_schema_is_refused_with_a_sentence(bare: Database) -> None:
    bring_forward(bare, lambda: None)
    with bare.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew, match="later version"):
        bring_forward(bare, lambda: None)
