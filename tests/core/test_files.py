"""The file store: sealed, bound to its key, no way out of its folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from core.crypto import CannotOpen, KeyRing
from core.errors import NotFound
from core.files import FileStore

RING = KeyRing((("k1", b"1" * 32),), ("i1", b"2" * 32))


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "files", RING)


def paths(tmp_path: Path) -> list[Path]:
    return sorted(path for path in tmp_path.rglob("*") if path.is_file())


def test_what_is_put_is_read_and_noted(store: FileStore) -> None:
    kept = store.put(b"a letter")
    assert store.read(kept.key) == b"a letter"
    assert (kept.sha256, kept.size) == (hashlib.sha256(b"a letter").hexdigest(), 8)


def test_nothing_of_it_lies_open_on_the_disk(store: FileStore, tmp_path: Path) -> None:
    store.put(b"13812345678 a letter", original=b"13812345678 with GPS")
    assert len(paths(tmp_path)) == 2
    for path in paths(tmp_path):
        assert b"13812345678" not in path.read_bytes()
        assert path.stat().st_mode & 0o777 == 0o600


def test_the_original_is_kept_beside(store: FileStore) -> None:
    kept = store.put(b"clean", original=b"as sent")
    assert (store.read(kept.key), store.read_original(kept.key)) == (b"clean", b"as sent")
    plain = store.put(b"same", original=b"same")
    assert store.read_original(plain.key) == b"same"


def test_a_file_moved_to_another_key_does_not_open(store: FileStore, tmp_path: Path) -> None:
    one, other = store.put(b"one"), store.put(b"other")
    mine, theirs = (next(tmp_path.rglob(kept.key)) for kept in (one, other))
    mine.write_bytes(theirs.read_bytes())
    with pytest.raises(CannotOpen):
        store.read(one.key)


@pytest.mark.parametrize("key", ["", "../keys.json", "a/b", "..", "2" * 23, "2" * 24 + "/..", "A" * 24])
def test_a_key_is_no_path(store: FileStore, key: str) -> None:
    for use in (store.read, store.read_original, store.delete):
        with pytest.raises(NotFound):
            use(key)


def test_deleting_takes_both_and_twice_is_no_error(store: FileStore, tmp_path: Path) -> None:
    kept = store.put(b"clean", original=b"as sent")
    store.delete(kept.key)
    store.delete(kept.key)
    assert paths(tmp_path) == []
    with pytest.raises(NotFound):
        store.read(kept.key)


def test_keys_are_listed_with_their_age(store: FileStore) -> None:
    assert list(store.stored()) == []
    one, other = store.put(b"one", original=b"as sent"), store.put(b"other")
    assert {key for key, _at in store.stored()} == {one.key, other.key}
    assert all(at.tzinfo is not None for _key, at in store.stored())


def test_files_are_sealed_again_under_the_newest_key(store: FileStore, tmp_path: Path) -> None:
    kept = store.put(b"clean", original=b"as sent")
    renewed = KeyRing((("k2", b"3" * 32), *RING.field_keys), RING.index_key)
    moved = FileStore(tmp_path / "files", renewed)
    assert moved.under_key("k1") == 2
    assert moved.reseal() == 2
    assert moved.reseal() == 0
    assert moved.under_key("k1") == 0
    alone = FileStore(tmp_path / "files", KeyRing(renewed.field_keys[:1], RING.index_key))
    assert (alone.read(kept.key), alone.read_original(kept.key)) == (b"clean", b"as sent")
