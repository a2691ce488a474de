"""A copy of everything a hub keeps: database, attachments, and only when asked, in a file of their own, the keys.

SQLite is copied page by page while the hub runs. Any other database is written as rows, one JSON line each, in the
order in which they can be put back; such a copy fits either engine.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import date, datetime, time
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Table, insert, select, update
from sqlalchemy.engine import make_url

from core.config import Settings
from core.crypto import KeyRing, give_up, keys_path
from core.database import Base, Database, UtcDateTime
from core.key_copies import copy_keys, described, lacking, missing_keys, refuse_target, refuse_unreadable
from core.manifests import (
    ATTACHMENTS,
    DATABASE,
    EVERYTHING,
    FILE,
    LIST,
    MANIFEST,
    ROWS,
    BackupError,
    checksum,
    copy_file,
    copy_listed,
    damaged_files,
    listed,
    read_manifest,
    refuse_damaged,
    write_manifest,
)
from core.schema import SchemaState, bring_forward, schema_state

__all__ = [
    "ATTACHMENTS",
    "FILE",
    "MANIFEST",
    "ROWS",
    "BackupError",
    "back_up",
    "back_up_database",
    "copy_database",
    "holds_database_alone",
    "missing_keys",
    "restore",
]

_BATCH = 500
_READING: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


# --- making one -------------------------------------------------------------------------------------------------------


def back_up(
    settings: Settings, db: Database, ring: KeyRing, folder: Path, at: datetime, keys: Path | None = None
) -> None:
    """Write a backup into a new or empty folder; `keys`: also the keys, into a file outside it (mode 0600).

    The database comes first: every attachment that it names is then among the files. Raises BackupError.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty. Name a new folder for each backup.")
    if keys is not None:
        refuse_target(settings, folder, keys)
    with _whole_or_not_at_all(folder):
        copied = copy_database(db, folder)
        files_sha256 = copy_listed(settings.data_dir / ATTACHMENTS, folder)
        manifest = {
            "holds": EVERYTHING, "made_at": at.isoformat(), "database": copied.name, "sha256": checksum(copied),
            "files_sha256": files_sha256, **described(ring),
        }  # fmt: skip
        write_manifest(folder, manifest)
        if keys is not None:
            copy_keys(keys_path(settings.data_dir), keys)


def back_up_database(db: Database, ring: KeyRing, folder: Path, at: datetime) -> Path:
    """A backup of the database alone, such as before a migration: attachments and keys stay where they are.

    Gives its folder. Raises BackupError.
    """
    with _whole_or_not_at_all(folder):
        copied = copy_database(db, folder)
        manifest = {"holds": DATABASE, "made_at": at.isoformat(), "database": copied.name, "sha256": checksum(copied)}
        write_manifest(folder, manifest | described(ring))
    return folder


@contextlib.contextmanager
def _whole_or_not_at_all(folder: Path) -> Iterator[None]:
    """Make a folder if it is not there; what came into it is taken away again when it can't be finished."""
    there = folder.exists()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    before = set(folder.iterdir())
    try:
        yield
    except BaseException:
        _take_away(folder, before if there else None)
        raise


def copy_database(db: Database, folder: Path) -> Path:
    """A consistent copy of the database in a folder; gives the file. Raises BackupError when there is one already."""
    target = folder / (FILE if db.is_sqlite else ROWS)
    if target.exists():
        raise BackupError(f"{target} exists already.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if db.is_sqlite:
        _copy_sqlite(_sqlite_path(db), target)
    else:
        _write_rows(db, target)
    return target


def _copy_sqlite(source: Path, target: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(source)) as connection,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        connection.backup(copy)
    target.chmod(0o600)


def _write_rows(db: Database, target: Path) -> None:
    engine = db.engine.execution_options(**_READING)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as raw, gzip.open(raw, "wt", encoding="utf-8") as out, engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            rows = connection.execution_options(yield_per=_BATCH).execute(select(table).order_by(table.c.id))
            for row in rows.mappings():
                values = {name: _plain(value) for name, value in row.items()}
                out.write(json.dumps([table.name, values], ensure_ascii=False) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


# --- putting one back -------------------------------------------------------------------------------------------------


def restore(
    settings: Settings,
    folder: Path,
    keys: Path | None = None,
    *,
    without_keys: bool = False,
    without_files: bool = False,
) -> Path | None:
    """Put a backup into an empty data folder (and an empty database).

    One of the database alone goes over the data folder that it was made in, where no hub may run; gives where the
    SQLite database that was there is kept, if there was one.
    `without_keys`: although its keys are missing; `without_files`: although attachments are missing or were changed.

    Everything is looked at before anything is written, and what was written is taken away when it can't be finished.
    Raises BackupError.
    """
    manifest = read_manifest(folder)
    in_place = manifest["holds"] == DATABASE and manifest["database"] == FILE
    _refuse_overwriting(settings, keys, in_place, alone=manifest["holds"] == DATABASE)
    source = folder / manifest["database"]
    if not source.is_file() or checksum(source) != manifest["sha256"]:
        raise BackupError(f"{source} is missing or was changed since the backup was made.")
    if source.name != ROWS and not settings.database.startswith("sqlite"):
        raise BackupError("This backup is a SQLite file: leave HUB_DATABASE_URL empty to restore it.")
    if not without_keys:
        refuse_unreadable(settings, manifest, keys)
    elif keys is not None:
        lacking(settings, manifest, keys)  # a file that is none is refused all the same
    damaged = damaged_files(folder, manifest)
    if not without_files:
        refuse_damaged(folder, damaged)
    if in_place and _present(settings).exists():
        kept = _put_in_place_of(_present(settings), source, settings.data_dir / "backups")
        _settle_keys(settings, manifest, keys)
        return kept
    with _whole_or_not_at_all(settings.data_dir):
        _put_back(settings, folder, source, damaged)
        _settle_keys(settings, manifest, keys)
    return None


def _settle_keys(settings: Settings, manifest: dict[str, Any], keys: Path | None) -> None:
    """Put the keys that were given where a hub looks for them, and note which of the backup's are lost."""
    if keys is not None:
        copy_keys(keys, keys_path(settings.data_dir))
    if missing := lacking(settings, manifest, None):
        give_up(settings.data_dir, missing)


def _present(settings: Settings) -> Path:
    return _sqlite_path(Database(settings.database))


def holds_database_alone(folder: Path) -> bool:
    """Whether a backup is put over the data folder it was made in, so that no hub may run. Raises BackupError."""
    return bool(read_manifest(folder)["holds"] == DATABASE)


def _put_in_place_of(present: Path, source: Path, kept: Path) -> Path:
    """Put a copy in the place of a SQLite database, which is kept in a new folder; gives that folder."""
    draft = present.with_name(f".{present.name}.new")
    try:
        _copy_sqlite(source, draft)
        number = next(number for number in count(1) if not (kept / f"before-restore-{number}").exists())
        aside = kept / f"before-restore-{number}"
        aside.mkdir(parents=True, mode=0o700)
        for suffix in ("-wal", "-shm", ""):
            with contextlib.suppress(FileNotFoundError):
                shutil.move(f"{present}{suffix}", aside / f"{present.name}{suffix}")
        draft.replace(present)
    finally:
        draft.unlink(missing_ok=True)
    return aside


def _put_back(settings: Settings, folder: Path, source: Path, without: set[str]) -> None:
    for name, _size, _digest in listed(folder) if (folder / LIST).exists() else ():
        if name not in without:
            copy_file(folder / ATTACHMENTS / name, settings.data_dir / ATTACHMENTS / name)
    db = Database(settings.database)
    try:
        if source.name == ROWS:
            _read_rows(db, source)
        else:
            _copy_sqlite(source, _sqlite_path(db))
    finally:
        db.dispose()


def _take_away(folder: Path, before: set[Path] | None) -> None:
    """Remove what came into a folder since, and the folder too when it was not there (`before` is None)."""
    for path in set(folder.iterdir()) - (before or set()):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if before is None:
        folder.rmdir()


def _refuse_overwriting(settings: Settings, keys: Path | None, in_place: bool, *, alone: bool) -> None:
    wanted = [] if alone else [settings.data_dir / FILE, settings.data_dir / ATTACHMENTS]
    if not in_place and settings.database.startswith("sqlite"):
        wanted.append(_present(settings))
    taken = [path for path in wanted if path.exists()]
    if keys is not None and keys_path(settings.data_dir).exists():
        taken.append(keys_path(settings.data_dir))
    if taken:
        raise BackupError(f"{taken[0]} exists already. Restore into an empty data folder (HUB_DATA_DIR).")
    db = Database(settings.database)
    if db.is_sqlite:
        return
    try:
        with db.engine.connect() as connection:
            if schema_state(connection) is not SchemaState.EMPTY:
                raise BackupError("The database is not empty. Restore into an empty one (HUB_DATABASE_URL).")
    finally:
        db.dispose()


def _read_rows(db: Database, source: Path) -> None:
    """Insert every row; what points to a row that comes later is filled in at the end."""
    bring_forward(db, lambda: None)
    later: list[tuple[Table, int, dict[str, Any]]] = []
    with db.write() as session:
        for table, values in _rows(source):
            held_back = {name: values[name] for name in _pointing_ahead(table) if values[name] is not None}
            session.execute(insert(table).values({**values, **dict.fromkeys(held_back)}))
            if held_back:
                later.append((table, values["id"], held_back))
        for table, row_id, held_back in later:
            session.execute(update(table).where(table.c.id == row_id).values(held_back))


def _rows(source: Path) -> Iterator[tuple[Table, dict[str, Any]]]:
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        for line in lines:
            name, values = json.loads(line)
            table = Base.metadata.tables[name]
            yield table, {key: _typed(table.c[key], value) for key, value in values.items()}


def _typed(column: Column[Any], value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"base64"}:
        return base64.b64decode(value["base64"])
    kind = datetime if isinstance(column.type, UtcDateTime) else column.type.python_type
    return kind.fromisoformat(value) if kind in (datetime, date, time) and value is not None else value


def _pointing_ahead(table: Table) -> list[str]:
    """Columns that may name a row of this table or of one that is filled later."""
    order = {one: place for place, one in enumerate(Base.metadata.sorted_tables)}
    return [
        key.parent.name for key in table.foreign_keys if order[key.column.table] >= order[table] and key.parent.nullable
    ]


def _sqlite_path(db: Database) -> Path:
    return Path(make_url(db.url).database or "")
