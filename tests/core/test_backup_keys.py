"""Keys of a backup: their bytes are compared before anything is written; other files and manifests are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core import backup
from core.clock import FixedClock
from core.config import Settings, SettingsError
from core.crypto import KeyRing, keys_path, load_keys
from core.database import Database

OTHER = "k1:OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk="  # another key under the id of the fixture's
FIELD = "k1:MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE="
INDEX = "i1:MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjI="


@pytest.fixture
def own(settings: Settings, db: Database) -> Settings:
    """Settings of a hub whose keys, those of the fixture `keys`, stand in its keys file."""
    if not db.is_sqlite:
        pytest.skip("keys don't depend on the engine")
    keys_path(settings.data_dir).parent.mkdir(parents=True, exist_ok=True)
    write(keys_path(settings.data_dir), FIELD, INDEX)
    return settings.model_copy(update={"field_keys": "", "index_key": "", "database_url": ""})


def write(path: Path, field: str, index: str) -> None:
    path.write_text(json.dumps({"field_keys": field, "index_key": index, "secret_key": "s"}))


@pytest.fixture
def made(own: Settings, db: Database, keys: KeyRing, clock: FixedClock, tmp_path: Path) -> Path:
    backup.back_up(own, db, keys, tmp_path / "copy", clock.now(), tmp_path / "keys.json")
    return tmp_path / "copy"


def place(own: Settings, tmp_path: Path) -> Settings:
    return own.model_copy(update={"data_dir": tmp_path / "again"})


@pytest.mark.parametrize(
    ("field", "index", "named"), [(OTHER, INDEX, r"\(k1\)"), (FIELD, OTHER.replace("k1", "i1"), r"\(i1\)")]
)
def test_another_key_under_the_same_id_is_refused(
    own: Settings, made: Path, tmp_path: Path, field: str, index: str, named: str
) -> None:
    write(tmp_path / "other.json", field, index)
    with pytest.raises(backup.BackupError, match=named):
        backup.restore(place(own, tmp_path), made, tmp_path / "other.json")
    assert not (tmp_path / "again").exists()
    backup.restore(place(own, tmp_path), made, tmp_path / "keys.json")
    assert load_keys(place(own, tmp_path))[0].field_keys == (("k1", b"1" * 32),)


def test_the_manifest_shows_nothing_of_the_keys(made: Path) -> None:
    text = (made / backup.MANIFEST).read_text()
    assert FIELD.partition(":")[2] not in text and (b"1" * 32).hex() not in text


@pytest.mark.parametrize(
    "text",
    [
        "[]", "{}", "3", '"keys"', '{"field_keys": 3, "index_key": [], "secret_key": ""}', '{"field_keys": "k1:x"}',
        json.dumps({"field_keys": "k1:MTEx", "index_key": INDEX, "secret_key": ""}),
        json.dumps({"field_keys": FIELD, "index_key": "", "secret_key": ""}),
        json.dumps({"field_keys": "", "index_key": INDEX, "secret_key": ""}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("without", [False, True])
def test_a_file_that_is_none_is_refused(own: Settings, made: Path, tmp_path: Path, text: str, without: bool) -> None:
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(SettingsError, match=r"other\.json"):
        backup.restore(place(own, tmp_path), made, tmp_path / "other.json", without_keys=without)
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("text", ["{}", "[]", "3", "null", '{"database": "../hub.db"}', "{", "\udcff"])
def test_a_manifest_that_is_none_is_refused(own: Settings, made: Path, tmp_path: Path, text: str) -> None:
    (made / backup.MANIFEST).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(backup.BackupError, match="is no backup"):
        backup.restore(place(own, tmp_path), made, tmp_path / "keys.json")
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("name", ["database", "sha256", "files_sha256", "key_ids", "key_proofs", "index_key_proof"])
def test_a_manifest_that_lacks_something_is_refused(own: Settings, made: Path, tmp_path: Path, name: str) -> None:
    found = json.loads((made / backup.MANIFEST).read_text())
    del found[name]
    (made / backup.MANIFEST).write_text(json.dumps(found))
    with pytest.raises(backup.BackupError, match="is no backup"):
        backup.restore(place(own, tmp_path), made, tmp_path / "keys.json")


def test_a_second_backup_takes_the_same_file_for_the_keys(
    own: Settings, db: Database, keys: KeyRing, clock: FixedClock, made: Path, tmp_path: Path
) -> None:
    backup.back_up(own, db, keys, tmp_path / "two", clock.now(), tmp_path / "keys.json")
    assert (tmp_path / "two" / backup.MANIFEST).exists()
    before = (tmp_path / "keys.json").read_text()
    write(keys_path(own.data_dir), f"k2:{OTHER.partition(':')[2]},{FIELD}", INDEX)
    with pytest.raises(backup.BackupError, match="exists already and holds something else"):
        backup.back_up(own, db, keys, tmp_path / "three", clock.now(), tmp_path / "keys.json")
    assert not (tmp_path / "three").exists()
    assert (tmp_path / "keys.json").read_text() == before


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("at", ["copy_listed", "write_manifest", "copy_keys"])
def test_a_backup_that_fails_leaves_nothing_half(
    own: Settings, db: Database, keys: KeyRing, clock: FixedClock, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, at: str, there: bool,
) -> None:  # fmt: skip
    def full(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(backup, at, full)
    if there:
        (tmp_path / "copy").mkdir()
    with pytest.raises(OSError, match="disk full"):
        backup.back_up(own, db, keys, tmp_path / "copy", clock.now(), tmp_path / "keys.json")
    assert (tmp_path / "copy").exists() is there
    assert not list(tmp_path.glob("copy/*")) and not (tmp_path / "keys.json").exists()


def test_a_place_for_the_keys_that_can_not_be_is_said_first(
    own: Settings, db: Database, keys: KeyRing, clock: FixedClock, tmp_path: Path
) -> None:
    with pytest.raises(backup.BackupError, match="is no folder"):
        backup.back_up(own, db, keys, tmp_path / "copy", clock.now(), tmp_path / "nowhere" / "keys.json")
    keys_path(own.data_dir).unlink()
    with pytest.raises(backup.BackupError, match="stand in its settings"):
        backup.back_up(own, db, keys, tmp_path / "copy", clock.now(), tmp_path / "keys.json")
    assert not (tmp_path / "copy").exists()
