"""Encryption of personal fields, look-up digests, and the keys they need.

A ciphertext reads "cipher.keyid.base64(nonce + sealed)": algorithm and key id stand beside it, so that keys and ciphers
can change without touching old rows. Associated data binds it to table, row and field: a value moved elsewhere fails.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, overload

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.config import Settings, SettingsError
from core.private import write_private

_NONCE = 12
_TAG = 16
CIPHERS = ("aesgcm", "sm4gcm")


class CannotOpen(Exception):
    """A sealed value's key is gone, or it was changed or moved from another row or field."""


@dataclass(frozen=True)
class KeyRing:
    """Field keys by id (newest first), the index key, and the cipher for new values."""

    field_keys: tuple[tuple[str, bytes], ...]
    index_key: tuple[str, bytes]
    cipher: str = "aesgcm"

    def seal(self, text: str, where: str) -> str:
        """Encrypt a text for one place ("table:row:field") under the newest key."""
        return self.seal_bytes(text.encode(), where).decode()

    def open(self, sealed: str, where: str) -> str:
        """The text sealed for that place. Raises CannotOpen."""
        return self.open_bytes(sealed.encode(), where).decode()

    def seal_bytes(self, data: bytes, where: str) -> bytes:
        """Encrypt bytes for one place under the newest key."""
        key_id, key = self.field_keys[0]
        nonce = secrets.token_bytes(_NONCE)
        body = nonce + _encrypt(self.cipher, key, nonce, data, where.encode())
        return f"{self.cipher}.{key_id}.".encode() + base64.b64encode(body)

    def open_bytes(self, sealed: bytes, where: str) -> bytes:
        """The bytes sealed for that place. Raises CannotOpen."""
        try:
            cipher, key_id, encoded = sealed.split(b".", 2)
            key = dict(self.field_keys)[key_id.decode()]
            body = base64.b64decode(encoded, validate=True)
            return _decrypt(cipher.decode(), key, body[:_NONCE], body[_NONCE:], where.encode())
        except (KeyError, ValueError, InvalidTag) as error:
            raise CannotOpen(where) from error

    def needs_rotation(self, sealed: str) -> bool:
        """Whether a value was sealed under another than the newest key or cipher."""
        return not sealed.startswith(f"{self.cipher}.{self.field_keys[0][0]}.")

    def digest(self, kind: str, value: str) -> str:
        """A keyed digest for look-up by the complete value ("phone", "+8613…"); begins with the key's id."""
        key_id, key = self.index_key
        return f"{key_id}." + hmac.new(key, f"{kind}\0{value}".encode(), hashlib.sha256).hexdigest()


def _encrypt(cipher: str, key: bytes, nonce: bytes, data: bytes, where: bytes) -> bytes:
    if cipher == "aesgcm":
        return AESGCM(key).encrypt(nonce, data, where)
    encryptor = Cipher(algorithms.SM4(key[:16]), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(where)
    return encryptor.update(data) + encryptor.finalize() + encryptor.tag


def _decrypt(cipher: str, key: bytes, nonce: bytes, body: bytes, where: bytes) -> bytes:
    if cipher == "aesgcm":
        return AESGCM(key).decrypt(nonce, body, where)
    if cipher != "sm4gcm" or len(body) < _TAG:
        raise ValueError(cipher)
    decryptor = Cipher(algorithms.SM4(key[:16]), modes.GCM(nonce, body[-_TAG:])).decryptor()
    decryptor.authenticate_additional_data(where)
    return decryptor.update(body[:-_TAG]) + decryptor.finalize()


def salted_digest(salt: bytes, text: str) -> str:
    """SHA-256 of a salted text, for events: with the salt erased nothing can be guessed from it."""
    return hashlib.sha256(salt + text.encode()).hexdigest()


# --- keys -------------------------------------------------------------------------------------------------------------


def new_key() -> str:
    """A fresh key as "id:base64"."""
    return f"k{secrets.token_hex(3)}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def keys_path(data_dir: Path) -> Path:
    """Where the keys of an installation without configured keys are kept."""
    return data_dir / "keys.json"


def load_keys(settings: Settings) -> tuple[KeyRing, str]:
    """The key ring and the web secret: from the settings, the rest from the keys file, made on first use (mode 0600).

    Raises SettingsError when the file is none or a key is malformed.
    """
    kept = _keys_file(settings.data_dir)
    field, index = _parsed(settings, keys_path(settings.data_dir), kept)
    return KeyRing(tuple(field), index[0], settings.field_cipher), settings.secret_key or kept["secret_key"]


def keys_at_hand(settings: Settings, path: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Field keys and index key by id: of the settings and, for what stands not there, of a file that may be absent.

    Makes no keys. Raises SettingsError for a file that is none, and for a malformed key.
    """
    field, index = _parsed(settings, path, _read_keys(path) if path.exists() else {})
    return dict(field), dict(index)


def proof(key: bytes) -> str:
    """What tells one key from another and shows nothing of it: a digest of a fixed text under it."""
    return hmac.new(key, b"lianxin: the same key", hashlib.sha256).hexdigest()


def lost_keys(data_dir: Path) -> set[str]:
    """The ids of keys that were given up when a backup was restored without them."""
    path = keys_path(data_dir)
    return set(_read_keys(path).get("lost", "").split(",")) - {""} if path.exists() else set()


def give_up(data_dir: Path, key_ids: Iterable[str]) -> None:
    """Note that keys are lost for good: a hub then starts although some of what it holds can't be read."""
    kept = _keys_file(data_dir)
    keep_keys(data_dir, kept | {"lost": ",".join(sorted({*lost_keys(data_dir), *key_ids}))})


def keep_keys(data_dir: Path, kept: Mapping[str, str]) -> None:
    """Put a keys file in the place of the present one, whole."""
    write_private(keys_path(data_dir), kept)


def _keys_file(data_dir: Path) -> dict[str, str]:
    path = keys_path(data_dir)
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        fresh = {"field_keys": new_key(), "index_key": new_key(), "secret_key": secrets.token_urlsafe(48)}
        _write_once(path, json.dumps(fresh, indent=1))
    return _read_keys(path)


def _read_keys(path: Path) -> dict[str, str]:
    """What a keys file holds. Raises SettingsError when it is of another shape."""
    try:
        kept = json.loads(path.read_text())
    except ValueError:
        kept = None
    names = {"field_keys", "index_key", "secret_key"}
    if not isinstance(kept, dict) or not names <= kept.keys() or not all(isinstance(one, str) for one in kept.values()):
        raise SettingsError(f"{path} is no keys file.")
    return kept


def _parsed(
    settings: Settings, path: Path, kept: Mapping[str, str]
) -> tuple[list[tuple[str, bytes]], list[tuple[str, bytes]]]:
    """The field keys (newest first) and the index key; none of what stands neither in settings nor in the file."""
    found = []
    for setting, name, given in (
        ("HUB_FIELD_KEYS", "field_keys", settings.field_keys),
        ("HUB_INDEX_KEY", "index_key", settings.index_key),
    ):
        where, text = (f"Setting {setting}", given) if given else (f"{path}, {name}", kept.get(name))
        several = name == "field_keys"
        parts = [] if text is None else text.split(",") if several else [text]
        found.append([_parse_key(where, part) for part in parts])
    return found[0], found[1]


def _write_once(path: Path, text: str) -> None:
    """Create the file whole or, when another process was first, leave theirs."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _parse_key(where: str, text: str) -> tuple[str, bytes]:
    key_id, _, encoded = text.strip().partition(":")
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        key = b""
    if not key_id or "." in key_id or len(key) != 32:
        raise SettingsError(f"{where}: should be id:base64 of 32 bytes, several separated by commas.")
    return key_id, key


_ring: KeyRing | None = None


def use(ring: KeyRing) -> None:
    """Set the key ring of this process; the composition roots call it once at start."""
    global _ring
    _ring = ring


def ring() -> KeyRing:
    """The key ring of this process. Raises RuntimeError before `use`."""
    if _ring is None:
        raise RuntimeError("no key ring: core.crypto.use was not called")
    return _ring


class sealed:
    """A model attribute kept encrypted in the column `<name>_sealed`.

    The row's id must be set (models get theirs when they are made). Reading gives the text or None; raises CannotOpen.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, row: None, owner: type) -> Self: ...
    @overload
    def __get__(self, row: Any, owner: type) -> str | None: ...
    def __get__(self, row: Any, owner: type) -> Any:
        if row is None:
            return self
        value = getattr(row, f"{self.name}_sealed")
        return None if value is None else ring().open(value, self._where(row))

    def __set__(self, row: Any, text: str | None) -> None:
        setattr(row, f"{self.name}_sealed", None if text is None else ring().seal(text, self._where(row)))

    def _where(self, row: Any) -> str:
        return f"{row.__tablename__}:{row.id}:{self.name}"
