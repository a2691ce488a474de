"""A backup's attachments: each is looked at before a restore writes anything, and each row has its file after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cases.models import Attachment
from cli import hub
from core import backup
from core.clock import FixedClock
from core.config import Settings
from core.crypto import KeyRing
from core.database import Database
from core.files import FileStore

# The ring of the fixture `keys`, as settings.
KEYS = {
    "field_keys": "k1:MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE=",
    "index_key": "i1:MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjI=",
}


@pytest.fixture
def made(db: Database, clock: FixedClock, settings: Settings, keys: KeyRing, tmp_path: Path) -> tuple[Path, Path]:
    """A backup of a hub with two attachments; gives its folder, and the first file in it."""
    if not db.is_sqlite:
        pytest.skip("attachments don't depend on the engine")
    store = FileStore(settings.data_dir / "files", keys)
    first, second = store.put(b"a picture"), store.put(b"a letter", original=b"a letter with a name")
    with db.write() as session:
        for stored in (first, second):
            session.add(Attachment(kind="image", media_type="image/png", size=stored.size, sha256=stored.sha256,
                                   key=stored.key, at=clock.now()))  # fmt: skip
    backup.back_up(settings, db, keys, tmp_path / "copy", clock.now())
    return tmp_path / "copy", tmp_path / "copy" / "files" / first.key[:2] / first.key


def place(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"data_dir": tmp_path / "again", "database_url": "", **KEYS})


def restored(settings: Settings) -> set[str]:
    return {path.name for path in (settings.data_dir / "files").rglob("*") if path.is_file()}


def test_every_file_comes_back_with_its_time(made: Any, settings: Settings, tmp_path: Path) -> None:
    folder, file = made
    backup.restore(place(settings, tmp_path), folder)
    assert len(restored(place(settings, tmp_path))) == 3
    again = tmp_path / "again" / "files" / file.parent.name / file.name
    assert again.read_bytes() == file.read_bytes()
    assert again.stat().st_mtime_ns == (settings.data_dir / "files" / file.parent.name / file.name).stat().st_mtime_ns
    assert again.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_file_that_is_gone_or_changed_stops_the_restore_before_anything_is_written(
    made: Any, settings: Settings, tmp_path: Path, damage: str
) -> None:
    folder, file = made
    if damage == "missing":
        file.unlink()
    else:
        sealed = bytearray(file.read_bytes())
        sealed[-3] ^= 1
        file.write_bytes(sealed)
    with pytest.raises(backup.BackupError, match=rf"{file.name} \({damage}\)"):
        backup.restore(place(settings, tmp_path), folder)
    assert not (tmp_path / "again").exists()
    backup.restore(place(settings, tmp_path), folder, without_files=True)
    assert restored(place(settings, tmp_path)) == {path.name for path in folder.glob("files/*/*")} - {file.name}


def test_a_list_that_was_shortened_is_noticed(made: Any, settings: Settings, tmp_path: Path) -> None:
    folder, _file = made
    (folder / "files.jsonl").write_text("")
    with pytest.raises(backup.BackupError, match=r"files\.jsonl is missing or was changed"):
        backup.restore(place(settings, tmp_path), folder)


def test_the_command_names_a_row_without_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: FixedClock
) -> None:
    monkeypatch.setenv("HUB_ENV_FILE", "/dev/null")
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "hub"))
    run = CliRunner().invoke
    assert run(hub, ["migrate"]).exit_code == 0
    database = Database(f"sqlite:///{tmp_path / 'hub' / 'hub.db'}")
    key = "2" * 24
    with database.write() as session:
        row = Attachment(kind="image", media_type="image/png", size=1, sha256="0" * 64, key=key, at=clock.now())
        session.add(row)
    database.dispose()
    assert run(hub, ["backup", str(tmp_path / "copy"), "--keys", str(tmp_path / "keys.json")]).exit_code == 0
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "again"))
    result = run(hub, ["restore", str(tmp_path / "copy"), "--keys", str(tmp_path / "keys.json")])
    assert (result.exit_code, f"attachment {row.id}: its file {key} is missing" in result.output) == (1, True)
