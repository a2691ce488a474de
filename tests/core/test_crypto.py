"""Sealed fields and digests: bound to their place, told apart by key, never the same twice."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from core import crypto
from core.config import SettingsError, load_settings
from core.crypto import CannotOpen, KeyRing

OLD, NEW = ("k1", b"1" * 32), ("k2", b"2" * 32)
INDEX = ("i1", b"3" * 32)


@pytest.mark.parametrize("cipher", ["aesgcm", "sm4gcm"])
def test_what_is_sealed_opens_in_its_place_only(cipher: str) -> None:
    ring = KeyRing((OLD,), INDEX, cipher)
    sealed = ring.seal("13800000000", "citizens:1:phone")
    assert sealed.startswith(f"{cipher}.k1.") and "138" not in sealed
    assert ring.open(sealed, "citizens:1:phone") == "13800000000"
    for elsewhere in ("citizens:2:phone", "citizens:1:name", "parties:1:phone"):
        with pytest.raises(CannotOpen):
            ring.open(sealed, elsewhere)


def test_a_changed_value_does_not_open() -> None:
    ring = KeyRing((OLD,), INDEX)
    sealed = ring.seal("text", "t:1:f")
    cipher, key, body = sealed.split(".")
    changed = f"{cipher}.{key}.{'A' if body[0] != 'A' else 'B'}{body[1:]}"
    for bad in (changed, f"{cipher}.gone.{body}", "nonsense", f"none.{key}.{body}"):
        with pytest.raises(CannotOpen):
            ring.open(bad, "t:1:f")


def test_the_same_text_is_never_sealed_the_same() -> None:
    ring = KeyRing((OLD,), INDEX)
    assert ring.seal("text", "t:1:f") != ring.seal("text", "t:1:f")


def test_an_earlier_key_still_opens_and_asks_for_rotation() -> None:
    sealed = KeyRing((OLD,), INDEX).seal("text", "t:1:f")
    both = KeyRing((NEW, OLD), INDEX)
    assert both.open(sealed, "t:1:f") == "text"
    assert both.needs_rotation(sealed)
    assert not both.needs_rotation(both.seal("text", "t:1:f"))
    with pytest.raises(CannotOpen):
        KeyRing((NEW,), INDEX).open(sealed, "t:1:f")


def test_digests_find_the_whole_value_of_a_kind_by_their_own_key() -> None:
    ring = KeyRing((OLD,), INDEX)
    assert ring.digest("phone", "+8613800000000") == ring.digest("phone", "+8613800000000")
    assert ring.digest("phone", "1") != ring.digest("openid", "1")
    assert ring.digest("phone", "1") != KeyRing((OLD,), ("i1", b"4" * 32)).digest("phone", "1")
    assert ring.digest("phone", "1").startswith("i1.")


def test_keys_are_made_once_for_their_owner_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_ENV_FILE", "/dev/null")
    settings = load_settings(data_dir=tmp_path / "data")
    first, secret = crypto.load_keys(settings)
    again, same = crypto.load_keys(settings)
    path = crypto.keys_path(settings.data_dir)
    assert (first, secret) == (again, same)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(json.loads(path.read_text())["secret_key"]) >= 32


@pytest.mark.parametrize("keys", ["k1", "k1:short", "k1:!!!", ":AAAA"])
def test_a_malformed_key_stops_the_start_with_a_sentence(
    keys: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_ENV_FILE", "/dev/null")
    with pytest.raises(SettingsError, match="HUB_FIELD_KEYS"):
        crypto.load_keys(load_settings(data_dir=tmp_path / "data", field_keys=keys))
