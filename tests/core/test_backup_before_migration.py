"""The backup made before a migration is one that a restore takes, over the data folder that it was made in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from cli import hub
from core import backup, crypto
from core.clock import FixedClock
from core.config import Settings
from core.crypto import KeyRing
from core.database import Database
from core.files import FileStore
from core.processes import Lock


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: FixedClock) -> Path:
    """The data folder of a hub with a backup from before a migration, in `backups/before`."""
    monkeypatch.setenv("HUB_ENV_FILE", "/dev/null")
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "hub"))
    assert CliRunner().invoke(hub, ["migrate"]).exit_code == 0
    database = Database(f"sqlite:///{tmp_path / 'hub' / 'hub.db'}")
    backup.back_up_database(database, crypto.ring(), tmp_path / "hub" / "backups" / "before", clock.now())
    with database.write() as session:
        session.execute(text("CREATE TABLE made_by_a_migration (id INTEGER)"))
    database.dispose()
    return tmp_path / "hub"


def tables(path: Path) -> set[str]:
    database = Database(f"sqlite:///{path}")
    with database.read() as session:
        found = set(session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'table'")))
    database.dispose()
    return found


def test_it_is_put_back_over_the_folder_and_the_present_one_kept(home: Path) -> None:
    keys, files = crypto.keys_path(home).read_bytes(), home / "files" / "23"
    files.mkdir(parents=True)
    (files / "kept").write_text("stays")
    result = CliRunner().invoke(hub, ["restore", str(home / "backups" / "before")])
    assert result.exit_code == 0, result.output
    assert "made_by_a_migration" not in tables(home / "hub.db") and "cases" in tables(home / "hub.db")
    assert "made_by_a_migration" in tables(home / "backups" / "before-restore-1" / "hub.db")
    assert "before-restore-1" in result.output
    assert crypto.keys_path(home).read_bytes() == keys and (files / "kept").read_text() == "stays"


def test_a_running_hub_is_left_alone(home: Path) -> None:
    lock = Lock(home / "run" / "hub.lock")
    try:
        result = CliRunner().invoke(hub, ["restore", str(home / "backups" / "before")])
    finally:
        lock.release()
    assert (result.exit_code, "Stop the hub first" in result.output) == (1, True)
    assert "made_by_a_migration" in tables(home / "hub.db")


def test_a_folder_with_other_keys_is_left_alone(home: Path) -> None:
    crypto.keys_path(home).unlink()
    fresh, _secret = crypto.load_keys(Settings(data_dir=home))
    result = CliRunner().invoke(hub, ["restore", str(home / "backups" / "before")])
    assert (result.exit_code, "keys of this backup are missing" in result.output) == (1, True)
    assert "made_by_a_migration" in tables(home / "hub.db") and fresh.field_keys


def test_a_failure_puts_the_present_database_back(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(backup, "_copy_sqlite", full)
    result = CliRunner().invoke(hub, ["restore", str(home / "backups" / "before")])
    assert (result.exit_code, "disk full" in result.output) == (1, True)
    assert "made_by_a_migration" in tables(home / "hub.db")
    assert not (home / "backups" / "before-restore-1").exists()


def test_a_migration_makes_such_a_backup(home: Path, monkeypatch: pytest.MonkeyPatch, keys: KeyRing) -> None:
    from commands import shared
    from core import schema
    from core.config import load_settings

    def older(_db: Database, back_up: Any) -> schema.SchemaState:
        back_up()
        return schema.SchemaState.OLDER

    monkeypatch.setattr(schema, "bring_forward", older)
    database = Database(f"sqlite:///{home / 'hub.db'}")
    shared.migrate_database(load_settings(), database)
    database.dispose()
    [made] = home.glob("backups/before-migration-*")
    assert (made / "hub.db").exists() and (made / "manifest.json").exists()
    assert FileStore(home / "files", keys).holds("2" * 24) is False


@pytest.mark.parametrize("command", [["backup", "copy"], ["verify-history"]])
def test_a_database_of_a_later_version_is_said_to_be_one(home: Path, command: list[str]) -> None:
    database = Database(f"sqlite:///{home / 'hub.db'}")
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.dispose()
    result = CliRunner().invoke(hub, command)
    assert result.exit_code == 1
    assert "later version of the hub" in result.output and "hub migrate" not in result.output
