"""A hub whose keys are gone says so, and makes no new ones beside what the earlier ones sealed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import wiring
from cli import hub
from core import backup, crypto
from core.config import Settings, SettingsError
from core.crypto import KeyRing
from core.database import Database
from organisations.models import Account

AT = datetime.fromisoformat("2026-11-24T10:00:00+08:00")


@pytest.fixture
def kept(settings: Settings, city: Any) -> Settings:
    """A hub with its keys in the keys file, and an account's sealed phone number."""
    own = settings.model_copy(update={"field_keys": "", "index_key": "", "secret_key": ""})
    ring, _secret = crypto.load_keys(own)
    crypto.use(ring)
    with city.db.write() as session:
        account = Account(username="first", name="第一", created_at=AT, password_hash="", must_change_password=True)
        account.id = 1
        account.phone = "+8613800000000"
        session.add(account)
    return own


def test_with_its_keys_it_starts(kept: Settings) -> None:
    wiring.build(kept).get(Database).dispose()


def test_missing_keys_are_not_replaced(kept: Settings) -> None:
    path = crypto.keys_path(kept.data_dir)
    path.unlink()
    with pytest.raises(SettingsError, match=r"keys are not here.*keys\.json"):
        wiring.build(kept)
    assert not path.exists()


def test_a_second_data_folder_is_refused_on_the_same_database(kept: Settings, tmp_path: Path) -> None:
    other = kept.model_copy(update={"data_dir": tmp_path / "second"})
    with pytest.raises(SettingsError, match="keys are not here"):
        wiring.build(other)
    assert not crypto.keys_path(other.data_dir).exists()


def test_other_keys_are_refused_by_their_ids(kept: Settings) -> None:
    path = crypto.keys_path(kept.data_dir)
    ring, _secret = crypto.load_keys(kept)
    path.unlink()
    crypto.give_up(kept.data_dir, [])
    with pytest.raises(SettingsError, match=ring.field_keys[0][0]):
        wiring.build(kept)


def test_no_keys_are_made_while_the_database_does_not_answer(kept: Settings, tmp_path: Path) -> None:
    silent = "postgresql+psycopg://u:hush@127.0.0.1:9/x"
    other = kept.model_copy(update={"data_dir": tmp_path / "second", "database_url": silent})
    with pytest.raises(SettingsError, match="HUB_DATABASE_URL") as caught:
        wiring.build(other)
    assert "hush" not in str(caught.value) and not crypto.keys_path(other.data_dir).exists()
    wiring.build(kept.model_copy(update={"database_url": silent}))


def test_keys_given_up_with_a_restore_hold_nothing_up(kept: Settings, city: Any, tmp_path: Path) -> None:
    if not city.db.is_sqlite:
        pytest.skip("restores a SQLite file")
    ring, _secret = crypto.load_keys(kept)
    backup.back_up(kept, city.db, ring, tmp_path / "copy", AT)
    again = kept.model_copy(update={"data_dir": tmp_path / "again", "database_url": ""})
    backup.restore(again, tmp_path / "copy", without_keys=True)
    parts = wiring.build(again)
    assert parts.get(KeyRing).field_keys[0][0] != ring.field_keys[0][0]
    parts.get(Database).dispose()


def test_a_command_says_so_in_a_sentence(kept: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_DATA_DIR", str(kept.data_dir))
    monkeypatch.setenv("HUB_DATABASE_URL", kept.database_url)
    crypto.keys_path(kept.data_dir).unlink()
    for command in ("prepare", "migrate"):
        result = CliRunner().invoke(hub, [command])
        assert (result.exit_code, "keys are not here" in result.output) == (1, True), result.output
