"""What a backup says of itself: the checksum of its database, and of each attachment as it is stored."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

FILE, ROWS, MANIFEST, ATTACHMENTS, LIST = "hub.db", "rows.jsonl.gz", "manifest.json", "files", "files.jsonl"
EVERYTHING, DATABASE = "everything", "database"  # what a backup holds
_CHUNK = 1 << 20
_NAMED = 20  # of the files that are missing or changed; the others are counted


class BackupError(Exception):
    """A backup or restore can't go on; the text is a sentence that says why and what to do."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """A backup's manifest, its entries looked at. Raises BackupError when there is none, or no whole one."""
    try:
        found: Any = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not _whole(found):
        raise BackupError(f"{folder} is no backup: {MANIFEST} is missing or broken.")
    return dict(found)


def _whole(found: Any) -> bool:
    texts = ("made_at", "sha256", "index_key_id", "index_key_proof")
    return (
        isinstance(found, dict)
        and (found.get("holds") == DATABASE or isinstance(found.get("files_sha256"), str))
        and all(isinstance(found.get(name), str) for name in texts)
        and found.get("database") in (FILE, ROWS)
        and found.get("holds") in (EVERYTHING, DATABASE)
        and isinstance(found.get("key_ids"), list)
        and isinstance(found.get("key_proofs"), dict)
        and all(isinstance(one, str) and one in found["key_proofs"] for one in found["key_ids"])
    )


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest, which comes last: a folder without one is no backup."""
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


# --- attachments ------------------------------------------------------------------------------------------------------


def copy_listed(source: Path, folder: Path) -> str:
    """Copy the attachments of a hub into a backup, with a list of name, size (bytes) and SHA-256; gives the list's.

    One that is removed meanwhile is left out: the database named it no more.
    """
    with (folder / LIST).open("w", encoding="utf-8") as out:
        for path in _stored(source):
            name = path.relative_to(source).as_posix()
            try:
                size, digest = copy_file(path, folder / ATTACHMENTS / name)
            except FileNotFoundError:
                continue
            out.write(json.dumps([name, size, digest]) + "\n")
    return checksum(folder / LIST)


def damaged_files(folder: Path, manifest: dict[str, Any]) -> set[str]:
    """The listed attachments that are missing from a backup or not as they were. Raises BackupError for a broken list.

    Each is read once, piece by piece. A backup of the database alone has none.
    """
    if manifest["holds"] == DATABASE:
        return set()
    if not (folder / LIST).is_file() or checksum(folder / LIST) != manifest["files_sha256"]:
        raise BackupError(f"{folder / LIST} is missing or was changed since the backup was made.")
    return {
        name for name, size, digest in listed(folder) if not _is_as_listed(folder / ATTACHMENTS / name, size, digest)
    }


def refuse_damaged(folder: Path, damaged: set[str]) -> None:
    """Raise BackupError that names files which are missing or changed, when there are any."""
    if not damaged:
        return
    names = [
        f"{name} ({'changed' if (folder / ATTACHMENTS / name).exists() else 'missing'})"
        for name in sorted(damaged)[:_NAMED]
    ]
    more = f", and {len(damaged) - _NAMED} more" if len(damaged) > _NAMED else ""
    raise BackupError(
        f"Attachments are missing from this backup or were changed since: {', '.join(names)}{more}. Nothing was "
        "written. Take another backup; --without-files restores this one all the same, and those files are lost."
    )


def listed(folder: Path) -> Iterator[tuple[str, int, str]]:
    """Name, size and SHA-256 of each attachment on a backup's list. Raises BackupError for a name outside it."""
    with (folder / LIST).open(encoding="utf-8") as lines:
        for line in lines:
            name, size, digest = json.loads(line)
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise BackupError(f"{folder / LIST} names a file outside the backup: {name}")
            yield name, size, digest


def _is_as_listed(path: Path, size: int, digest: str) -> bool:
    try:
        return path.stat().st_size == size and checksum(path) == digest
    except OSError:
        return False


def _stored(folder: Path) -> Iterator[Path]:
    """Every file beneath a folder that is not being written just now, folder by folder."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.is_dir():
            yield from _stored(path)
        elif not (path.name.startswith(".") and path.suffix == ".part"):
            yield path


def copy_file(source: Path, target: Path) -> tuple[int, str]:
    """Copy a file with its time, piece by piece, readable by its owner alone; gives size (bytes) and SHA-256."""
    with source.open("rb") as file:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            size, digest = _pour(file, out)
        status = os.fstat(file.fileno())
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
    return size, digest


def _pour(file: BinaryIO, out: BinaryIO) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    while piece := file.read(_CHUNK):
        out.write(piece)
        digest.update(piece)
        size += len(piece)
    return size, digest.hexdigest()


def checksum(path: Path) -> str:
    """The SHA-256 of a file, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
