"""An old key is dropped only when nothing is sealed under it, and never the newest."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import rotation
from core.config import Settings, SettingsError, load_settings
from core.crypto import KeyRing, load_keys, use
from core.database import Database
from core.files import FileStore


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    """Settings whose keys stand in the keys file: one, and a newer one."""
    settings = load_settings(data_dir=tmp_path / "own", field_keys="", index_key="", secret_key="")
    load_keys(settings)
    rotation.add_key(settings)
    return settings


def _ring(settings: Settings) -> KeyRing:
    ring, _secret = load_keys(settings)
    use(ring)
    return ring


def test_a_key_that_seals_nothing_is_dropped(own: Settings, db: Database) -> None:
    ring = _ring(own)
    newest, oldest = (key_id for key_id, _key in ring.field_keys)
    rotation.drop_key(own, db, FileStore(own.data_dir / "files", ring), oldest)
    assert [key_id for key_id, _key in _ring(own).field_keys] == [newest]


def test_a_key_that_still_seals_a_file_or_a_row_stays(own: Settings, db: Database) -> None:
    from channels.inbox import Delivery
    from core.clock import SystemClock

    ring = _ring(own)
    oldest = ring.field_keys[1]
    before = KeyRing((oldest,), ring.index_key)
    store = FileStore(own.data_dir / "files", ring)
    FileStore(own.data_dir / "files", before).put(b"a letter")
    with pytest.raises(SettingsError, match="1 file"):
        rotation.drop_key(own, db, store, oldest[0])
    store.reseal()
    use(before)
    with db.write() as session:
        row = Delivery(channel="sms", key="k", kind="text", received_at=SystemClock().now(), state="done", attempts=1)
        row.raw = "说过的话"
        session.add(row)
    with pytest.raises(SettingsError, match="1 field"):
        rotation.drop_key(own, db, store, oldest[0])
    rotation.reseal(db, ring)
    rotation.drop_key(own, db, store, oldest[0])
    assert len(_ring(own).field_keys) == 1


def test_neither_the_newest_nor_an_unknown_key_is_dropped(own: Settings, db: Database) -> None:
    ring = _ring(own)
    store = FileStore(own.data_dir / "files", ring)
    for key_id in (ring.field_keys[0][0], "nothing"):
        with pytest.raises(SettingsError):
            rotation.drop_key(own, db, store, key_id)
    assert len(_ring(own).field_keys) == 2
