"""Whether this hub has the keys of what its database holds: looked at in a few rows, before new keys could be made."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from core.config import Settings, SettingsError
from core.crypto import KeyRing, keys_path, load_keys, lost_keys
from core.database import Database
from core.logging import get_logger

log = get_logger(__name__)

# Where the first and the last row are looked at: sealed columns, columns of keyed digests.
_SAMPLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "submissions": (("title_sealed",), ("exact_digest",)),
    "contact_points": (("value_sealed",), ("digest",)),
    "citizens": (("name_sealed",), ("id_digest",)),
    "deliveries": (("raw_sealed",), ()),
    "accounts": (("phone_sealed",), ()),
    "authenticators": (("secret_sealed",), ()),
    "sign_in_attempts": ((), ("name_digest",)),
}


def keys_for(settings: Settings, db: Database) -> tuple[KeyRing, str]:
    """The key ring and the web secret for a database; new keys are made only beside an empty one.

    Raises SettingsError when it holds what was sealed under keys that are not here. A database that does not answer is
    looked at no further, as long as the keys are here.
    """
    complete = bool(settings.field_keys and settings.index_key) or keys_path(settings.data_dir).exists()
    try:
        field_ids, index_ids, empty = _in_use(db)
    except SQLAlchemyError as error:
        if not complete:
            raise SettingsError(
                "No new keys are made while the database does not answer: it may hold what earlier ones sealed. "
                "Check HUB_DATABASE_URL."
            ) from None
        log.warning("keys_not_compared", error=type(error).__name__)
        return load_keys(settings)
    if not complete and not empty:
        raise SettingsError(_sentence(settings, field_ids | index_ids))
    ring, secret = load_keys(settings)
    missing = (field_ids - {key_id for key_id, _key in ring.field_keys}) | (index_ids - {ring.index_key[0]})
    if missing - lost_keys(settings.data_dir):
        raise SettingsError(_sentence(settings, missing))
    return ring, secret


def _sentence(settings: Settings, missing: set[str]) -> str:
    named = f" ({', '.join(sorted(missing))})" if missing else ""
    return (
        f"The database holds data of a hub whose keys are not here{named}. Put that hub's keys file back as "
        f"{keys_path(settings.data_dir).absolute()}, or set HUB_FIELD_KEYS and HUB_INDEX_KEY; nothing was changed."
    )


def _in_use(db: Database) -> tuple[set[str], set[str], bool]:
    """Ids of field keys, ids of index keys, and whether there is no row at all where something is looked for."""
    field_ids: set[str] = set()
    index_ids: set[str] = set()
    empty = True
    if db.is_sqlite and not Path(make_url(db.url).database or "").exists():
        return field_ids, index_ids, empty
    with db.engine.connect() as connection:
        there = set(inspect(connection).get_table_names())
        for table in _SAMPLES.keys() & there:
            sealed, digests = _SAMPLES[table]
            for row in _ends(connection, table, (*sealed, *digests)):
                empty = False
                field_ids |= {value.split(".", 2)[1] for name in sealed if "." in (value := row[name] or "")}
                index_ids |= {value.split(".", 1)[0] for name in digests if "." in (value := row[name] or "")}
    return field_ids, index_ids, empty


def _ends(connection: Connection, table: str, columns: tuple[str, ...]) -> list[dict[str, str | None]]:
    """The first and the last row of a table."""
    names = ", ".join(columns)
    found: list[dict[str, str | None]] = []
    for order in ("ASC", "DESC"):
        query = text(f"SELECT {names} FROM {table} ORDER BY id {order} LIMIT 1")  # noqa: S608 - names of our own
        found += [dict(row) for row in connection.execute(query).mappings()]
    return found
