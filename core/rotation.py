"""Sealing every field again under the newest key, in short steps, so that an earlier key is needed for no row."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from sqlalchemy import or_, select, update

from core.config import Settings, SettingsError
from core.crypto import KeyRing, keys_path, new_key, sealed
from core.database import Base, Database

_STEP = 200


def add_key(settings: Settings) -> None:
    """Put a new field key before the others in the keys file. Raises SettingsError when the keys stand in settings."""
    if settings.field_keys:
        raise SettingsError("Setting HUB_FIELD_KEYS: put a new key before the others there, then run this again.")
    path = keys_path(settings.data_dir)
    kept = json.loads(path.read_text())
    kept["field_keys"] = f"{new_key()},{kept['field_keys']}"
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(kept, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def reseal(db: Database, ring: KeyRing, progress: Callable[[int], None] = lambda rows: None) -> int:
    """Seal again what stands under an older key or cipher; gives how many fields. Again after a break: goes on."""
    return sum(_reseal_model(db, ring, mapper.class_, progress) for mapper in Base.registry.mappers)


def _reseal_model(db: Database, ring: KeyRing, model: Any, progress: Callable[[int], None]) -> int:
    names = [name for base in model.__mro__ for name, value in vars(base).items() if isinstance(value, sealed)]
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
