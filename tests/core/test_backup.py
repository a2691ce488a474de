"""A backup, put back into an empty folder, is the hub as it was; what can't go on says why."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cases.models import Submission
from cases.operations import submissions
from cases.operations.inputs import NewSubmission, Reporter
from core import backup
from core.clock import FixedClock
from core.config import Settings, SettingsError
from core.crypto import KeyRing, keys_path
from core.database import Base, Database
from core.files import FileStore
from organisations.people import CITIZEN


@pytest.fixture
def filled(city: Any, clock: FixedClock, settings: Settings, keys: KeyRing) -> tuple[Settings, Database, str]:
    """The city with one petition and one attachment; gives the attachment's key."""
    new = NewSubmission(
        origin="web", origin_key="k1", channel="web", title="路灯坏了", body="门前路灯不亮", title_masked="路灯坏了",
        body_masked="门前路灯不亮", received_at=clock.now(), reporter=Reporter(name="王小明", phone="13812345678"),
    )  # fmt: skip
    with city.db.write() as session:
        submissions.submit(session, CITIZEN, clock.now(), new)
    stored = FileStore(settings.data_dir / "files", keys).put(b"a picture")
    return settings, city.db, stored.key


# The ring of the fixture `keys`, as settings.
KEYS = {
    "field_keys": "k1:MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE=",
    "index_key": "i1:MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjI=",
}


def empty_place(settings: Settings, folder: Path, url: str = "") -> Settings:
    return settings.model_copy(update={"data_dir": folder, "database_url": url, **KEYS})


def rows(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    with db.read() as session:
        return {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(table.c.id))]
            for table in Base.metadata.sorted_tables
        }


def test_a_backup_put_back_is_the_same(
    filled: tuple[Settings, Database, str], clock: FixedClock, keys: KeyRing, tmp_path: Path, templates: Any
) -> None:
    settings, db, key = filled
    backup.back_up(settings, db, keys, tmp_path / "copy", clock.now())
    url = "" if db.is_sqlite else templates.copy("bare", tmp_path / "unused.db")
    place = empty_place(settings, tmp_path / "again", url)
    backup.restore(place, tmp_path / "copy")
    back = Database(place.database)
    assert rows(back) == rows(db)
    assert rows(back)["submissions"]
    with back.read() as session:
        assert session.scalars(select(Submission)).one().title == "路灯坏了"
    assert FileStore(place.data_dir / "files", keys).read(key) == b"a picture"
    back.dispose()


def test_rows_fit_the_other_engine_too(
    filled: tuple[Settings, Database, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _settings, db, _key = filled
    monkeypatch.setattr(backup, "_READING", {})
    backup._write_rows(db, tmp_path / backup.ROWS)
    other = Database(f"sqlite:///{tmp_path / 'other.db'}")
    backup._read_rows(other, tmp_path / backup.ROWS)
    assert rows(other) == rows(db)
    other.dispose()


def test_keys_go_to_a_file_of_their_own_and_only_when_asked(
    filled: tuple[Settings, Database, str], clock: FixedClock, keys: KeyRing, tmp_path: Path
) -> None:
    settings, db, _key = filled
    keys_path(settings.data_dir).write_text('{"field_keys": "Zq8-only-here"}')
    backup.back_up(settings, db, keys, tmp_path / "copy", clock.now(), tmp_path / "keys.json")
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert all(b"Zq8-only-here" not in path.read_bytes() for path in (tmp_path / "copy").rglob("*") if path.is_file())
    with pytest.raises(backup.BackupError, match="must not lie beside"):
        backup.back_up(settings, db, keys, tmp_path / "two", clock.now(), tmp_path / "two" / "keys.json")


def test_a_changed_copy_is_refused(
    filled: tuple[Settings, Database, str], clock: FixedClock, keys: KeyRing, tmp_path: Path
) -> None:
    settings, db, _key = filled
    backup.back_up(settings, db, keys, tmp_path / "copy", clock.now())
    name = json.loads((tmp_path / "copy" / backup.MANIFEST).read_text())["database"]
    with (tmp_path / "copy" / name).open("ab") as file:
        file.write(b"!")
    with pytest.raises(backup.BackupError, match="was changed"):
        backup.restore(empty_place(settings, tmp_path / "again", settings.database_url if not db.is_sqlite else ""),
                       tmp_path / "copy")  # fmt: skip


def test_nothing_is_written_over(
    filled: tuple[Settings, Database, str], clock: FixedClock, keys: KeyRing, tmp_path: Path
) -> None:
    settings, db, _key = filled
    backup.back_up(settings, db, keys, tmp_path / "copy", clock.now())
    with pytest.raises(backup.BackupError, match="not empty"):
        backup.back_up(settings, db, keys, tmp_path / "copy", clock.now())
    with pytest.raises(backup.BackupError, match="exists already"):
        backup.restore(settings, tmp_path / "copy")


def test_keys_that_are_missing_are_named(
    filled: tuple[Settings, Database, str], clock: FixedClock, keys: KeyRing, tmp_path: Path
) -> None:
    settings, db, _key = filled
    backup.back_up(settings, db, keys, tmp_path / "copy", clock.now())
    assert backup.missing_keys(tmp_path / "copy", keys) == []
    other = KeyRing((("k9", b"9" * 32),), ("i1", b"2" * 32))
    assert backup.missing_keys(tmp_path / "copy", other) == ["k1"]


@pytest.mark.parametrize("there", [False, True])
def test_without_its_keys_nothing_is_written(
    filled: tuple[Settings, Database, str], clock: FixedClock, keys: KeyRing, tmp_path: Path, there: bool
) -> None:
    settings, db, _key = filled
    backup.back_up(settings, db, keys, tmp_path / "copy", clock.now())
    place = settings.model_copy(update={"data_dir": tmp_path / "again", "database_url": "", **dict.fromkeys(KEYS, "")})
    if there:
        place.data_dir.mkdir()
    if not db.is_sqlite:
        return
    with pytest.raises(backup.BackupError, match="k1, i1"):
        backup.restore(place, tmp_path / "copy")
    assert place.data_dir.exists() is there and not list(tmp_path.glob("again/*"))
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**KEYS, "field_keys": KEYS["field_keys"].replace("k1", "k9"), "secret_key": ""}))
    with pytest.raises(backup.BackupError, match=r"\(k1\)"):
        backup.restore(place, tmp_path / "copy", other)
    assert place.data_dir.exists() is there and not list(tmp_path.glob("again/*"))
    with pytest.raises(SettingsError, match="no keys file"):
        other.write_text("lost")
        backup.restore(place, tmp_path / "copy", other)
    backup.restore(place, tmp_path / "copy", without_keys=True)
    assert (place.data_dir / "hub.db").exists()


def test_what_can_not_be_finished_leaves_nothing_behind(
    filled: tuple[Settings, Database, str],
    clock: FixedClock,
    keys: KeyRing,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings, db, _key = filled
    backup.back_up(settings, db, keys, tmp_path / "copy", clock.now())
    kept = tmp_path / "keys.json"
    kept.write_text(json.dumps({**KEYS, "secret_key": ""}))

    def full(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(backup, "_copy_sqlite" if db.is_sqlite else "_read_rows", full)
    place = settings.model_copy(update={"data_dir": tmp_path / "again"})
    if db.is_sqlite:
        place = place.model_copy(update={"database_url": ""})
    else:
        monkeypatch.setattr(backup, "schema_state", lambda _connection: backup.SchemaState.EMPTY)
    place.data_dir.mkdir()
    (place.data_dir / "mine.txt").write_text("stays")
    with pytest.raises(OSError, match="disk full"):
        backup.restore(place, tmp_path / "copy", kept)
    assert [path.name for path in place.data_dir.iterdir()] == ["mine.txt"]
    (place.data_dir / "mine.txt").unlink()
    place.data_dir.rmdir()
    with pytest.raises(OSError, match="disk full"):
        backup.restore(place, tmp_path / "copy", kept)
    assert not place.data_dir.exists()
