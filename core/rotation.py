"""Sealing every field again under the newest key, in short steps, so that an earlier key is needed for no row."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, or_, select, update

from core.config import Settings, SettingsError
from core.crypto import CIPHERS, KeyRing, keep_keys, keys_path, new_key, sealed
from core.database import Base, Database
from core.files import FileStore

_STEP = 200


def add_key(settings: Settings) -> None:
    """Put a new field key before the others in the keys file. Raises SettingsError when the keys stand in settings."""
    if settings.field_keys:
        raise SettingsError("Setting HUB_FIELD_KEYS: put a new key before the others there, then run this again.")
    kept = json.loads(keys_path(settings.data_dir).read_text())
    kept["field_keys"] = f"{new_key()},{kept['field_keys']}"
    keep_keys(settings.data_dir, kept)


def drop_key(settings: Settings, db: Database, files: FileStore, key_id: str) -> None:
    """Take an old key out of the keys file, after looking that nothing is sealed under it.

    Run it while no process of the hub is: one that started before the last rotation still seals under the old key.
    Keys that stand in settings are only looked at. Raises SettingsError for the newest key, an unknown one, and one
    that is still needed.
    """
    known = [one for one, _key in files.ring.field_keys]
    if key_id not in known[1:]:
        raise SettingsError(f"Key {key_id}: not one of the earlier keys ({', '.join(known[1:]) or 'there is none'}).")
    rows, kept_files = under_key(db, key_id), files.under_key(key_id)
    if rows or kept_files:
        raise SettingsError(
            f"Key {key_id}: {rows} field(s) and {kept_files} file(s) are sealed under it; run rotate-keys first."
        )
    if settings.field_keys:
        raise SettingsError(f"Key {key_id} is needed no more: take it out of HUB_FIELD_KEYS yourself.")
    kept = json.loads(keys_path(settings.data_dir).read_text())
    left = [part for part in kept["field_keys"].split(",") if part.partition(":")[0] != key_id]
    keep_keys(settings.data_dir, kept | {"field_keys": ",".join(left)})


def under_key(db: Database, key_id: str) -> int:
    """How many fields are sealed under a key."""
    found = 0
    with db.read() as session:
        for mapper in Base.registry.mappers:
            table = mapper.class_.__table__
            for name in _names(mapper.class_):
                column = table.c[f"{name}_sealed"]
                sealed_so = or_(*(column.startswith(f"{cipher}.{key_id}.", autoescape=True) for cipher in CIPHERS))
                found += session.scalar(select(func.count()).select_from(table).where(sealed_so)) or 0
    return found


def reseal(db: Database, ring: KeyRing, progress: Callable[[int], None] = lambda rows: None) -> int:
    """Seal again what stands under an older key or cipher; gives how many fields. Again after a break: goes on."""
    return sum(_reseal_model(db, ring, mapper.class_, progress) for mapper in Base.registry.mappers)


def _names(model: Any) -> list[str]:
    """The attributes of a model that are kept sealed."""
    return [name for base in model.__mro__ for name, value in vars(base).items() if isinstance(value, sealed)]


def _reseal_model(db: Database, ring: KeyRing, model: Any, progress: Callable[[int], None]) -> int:
    names = _names(model)
    if not names:
        return 0
    table, done, after = model.__table__, 0, 0
    columns = [table.c[f"{name}_sealed"] for name in names]
    query = select(table.c.id, *columns).where(or_(*(column.is_not(None) for column in columns))).order_by(table.c.id)
    while True:
        with db.read() as session:
            rows = session.execute(query.where(table.c.id > after).limit(_STEP)).all()
        if not rows:
            return done
        after = rows[-1].id
        done += _reseal_rows(db, ring, table, names, rows)
        progress(len(rows))


def _reseal_rows(db: Database, ring: KeyRing, table: Any, names: list[str], rows: Any) -> int:
    done = 0
    with db.write() as session:
        for row in rows:
            for name in names:
                old = getattr(row, f"{name}_sealed")
                if old is None or not ring.needs_rotation(old):
                    continue
                where = f"{table.name}:{row.id}:{name}"
                column = table.c[f"{name}_sealed"]
                fresh = ring.seal(ring.open(old, where), where)
                # Not when somebody wrote it meanwhile: that is under the newest key already.
                session.execute(update(table).where(table.c.id == row.id, column == old).values({column.name: fresh}))
                done += 1
    return done
