"""Where attachments are kept: a folder of sealed files, each under a random key that says nothing about its content."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core import ids
from core.crypto import CannotOpen, KeyRing
from core.errors import NotFound

_KEY = re.compile(r"[23456789bcdfghjkmnpqrstvwxz]{24}")
_ORIGINAL = ".original"
_HEAD = 64  # bytes: cipher and key stand in fewer


@dataclass(frozen=True)
class StoredFile:
    """What to note of a file: its key, and digest and size (bytes) of what `read` gives."""

    key: str
    sha256: str
    size: int


class FileStore:
    """Files under keys, sealed with the key ring and bound to their key: one can't be put in another's place."""

    def __init__(self, folder: Path, ring: KeyRing) -> None:
        self._folder = folder
        self.ring = ring

    def put(self, data: bytes, *, original: bytes | None = None) -> StoredFile:
        """Keep a file durably. `original`: what the citizen sent, when `data` is a cleaned copy of it."""
        key = ids.public_id(24)
        if original is not None and original != data:
            self._write(key, _ORIGINAL, original)
        self._write(key, "", data)
        return StoredFile(key, hashlib.sha256(data).hexdigest(), len(data))

    def read(self, key: str) -> bytes:
        """A file's bytes. Raises NotFound, or CannotOpen when it was changed or its encryption key is gone."""
        return self._read(key, "")

    def read_original(self, key: str) -> bytes:
        """What the citizen sent; the same as `read` unless it was cleaned. Raises NotFound, CannotOpen."""
        try:
            return self._read(key, _ORIGINAL)
        except NotFound:
            return self._read(key, "")

    def delete(self, key: str) -> None:
        """Remove a file and its original; one that is gone already is no error. Raises NotFound for a malformed key."""
        for suffix in ("", _ORIGINAL):
            with contextlib.suppress(FileNotFoundError):
                self._path(key, suffix).unlink()

    def holds(self, key: str) -> bool:
        """Whether there is a file under a key."""
        return bool(_KEY.fullmatch(key)) and self._path(key, "").is_file()

    def stored(self) -> Iterator[tuple[str, datetime]]:
        """Every key with when its file was written (UTC), in no order; those put meanwhile may be among them."""
        for path in self._paths():
            if path.suffix == _ORIGINAL and path.with_suffix("").exists():
                continue
            with contextlib.suppress(FileNotFoundError):
                yield path.name.removesuffix(_ORIGINAL), datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def reseal(self, progress: Callable[[int], None] = lambda files: None) -> int:
        """Seal again what stands under an older key or cipher; gives how many. Again after a break: goes on."""
        done = 0
        for path in self._paths():
            if self.ring.needs_rotation(_head(path)):
                suffix = path.suffix
                key = path.name.removesuffix(suffix)
                with contextlib.suppress(NotFound):  # deleted meanwhile
                    self._write(key, suffix, self._read(key, suffix))
                    done += 1
            progress(1)
        return done

    def under_key(self, key_id: str) -> int:
        """How many files are sealed under a key."""
        return sum(_head(path).split(".")[1:2] == [key_id] for path in self._paths())

    def _paths(self) -> Iterator[Path]:
        """Every file, originals as well; a file that is being written is none yet."""
        for folder in sorted(self._folder.glob("??")):
            for path in sorted(folder.iterdir()):
                if _KEY.fullmatch(path.name.removesuffix(_ORIGINAL)):
                    yield path

    def _path(self, key: str, suffix: str) -> Path:
        if not _KEY.fullmatch(key):
            raise NotFound()
        return self._folder / key[:2] / f"{key}{suffix}"

    def _read(self, key: str, suffix: str) -> bytes:
        try:
            sealed = self._path(key, suffix).read_bytes()
        except FileNotFoundError:
            raise NotFound() from None
        return self.ring.open_bytes(sealed, _where(key, suffix))

    def _write(self, key: str, suffix: str, data: bytes) -> None:
        """Write beside, flush to the disk, put in place: there is never half a file under a key."""
        path = self._path(key, suffix)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.part")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(self.ring.seal_bytes(data, _where(key, suffix)))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _head(path: Path) -> str:
    """The beginning of a sealed file, where cipher and key stand; empty when it is gone."""
    try:
        with path.open("rb") as file:
            return file.read(_HEAD).decode("ascii", "replace")
    except FileNotFoundError:
        return ""


def _where(key: str, suffix: str) -> str:
    return f"file:{key}{suffix}"


__all__ = ["CannotOpen", "FileStore", "StoredFile"]
