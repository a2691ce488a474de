"""The database: base model, column types, read sessions and write sessions.

A write session is short: no classifying, searching, file or network work inside. On SQLite it begins IMMEDIATE, so it
never fails half-way for want of the lock; a read session refuses to flush.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Engine,
    MetaData,
    create_engine,
    event,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator

from core import ids
from core.config import SettingsError

_BUSY_MS = 15_000
_NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs"}


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime: refuses naive ones, stores UTC, gives back UTC (SQLite drops the zone by itself)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Every table: a 63-bit id known before the row is written, so that sealed fields can be bound to it."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), int: BigInteger()}

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)

    def __init__(self, **values: Any) -> None:
        self.id = values.pop("id", None) or ids.new_id()
        for name, value in values.items():
            if name not in _names(type(self)):
                raise TypeError(f"{type(self).__name__} has no {name}")
            setattr(self, name, value)


@lru_cache(maxsize=200)
def _names(model: type) -> frozenset[str]:
    return frozenset(dir(model))


class ReadOnlySession(Session):
    """A session that refuses to write."""

    def flush(self, objects: Any = None) -> None:
        if self.new or self.dirty or self.deleted:
            raise RuntimeError("a read session was asked to write")


class Database:
    """One database. The engine is made on first use, so after a fork.

    `read()` and `write()` give sessions as context managers; leaving `write()` commits, an exception rolls back.
    """

    def __init__(self, url: str, pool_size: int = 20) -> None:
        self.url = url
        self._pool_size = pool_size
        self._engine: Engine | None = None
        self._writing: Engine | None = None
        self._turn = threading.Lock()

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    @property
    def engine(self) -> Engine:
        """The engine of this process."""
        if self._engine is None:
            self._engine = self._make()
        return self._engine

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading; it cannot flush."""
        with ReadOnlySession(self.engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session for one short change; commits at the end, then runs what `after_commit` collected."""
        engine = self.engine
        if self._writing is None or self._writing.pool is not engine.pool:
            self._writing = engine.execution_options(hub_write=True)
        with Session(self._writing, expire_on_commit=False) as session:
            with self._in_turn(), session.begin():
                yield session
            for action in session.info.pop("after_commit", {}).values():
                action()

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """SQLite has one writer at a time and lets the others sleep: threads of this process wait here, in turn."""
        if not self.is_sqlite:
            yield
            return
        mine = self._turn.acquire(timeout=_BUSY_MS / 1000)
        try:
            yield
        finally:
            if mine:
                self._turn.release()

    def require(self) -> None:
        """Raise SettingsError, naming the setting but no password, when the database can't be opened."""
        try:
            self.engine.connect().close()
        except (SQLAlchemyError, ImportError, ValueError):
            url = make_url(self.url)
            if self.is_sqlite:
                raise SettingsError(
                    f"The database {url.database} can't be opened: check HUB_DATA_DIR and who owns that file."
                ) from None
            place = f"{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"
            raise SettingsError(
                f"Setting HUB_DATABASE_URL: the database {place} does not let us in. "
                "Check that it runs and exists, and the user and password."
            ) from None

    def dispose(self) -> None:
        """Close every connection."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = self._writing = None

    def _make(self) -> Engine:
        if not self.is_sqlite:
            return create_engine(
                self.url, pool_size=self._pool_size, max_overflow=10, pool_pre_ping=True, hide_parameters=True
            )
        engine = create_engine(
            self.url, pool_size=self._pool_size, connect_args={"check_same_thread": False}, hide_parameters=True
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine


def after_commit(session: Session, key: str, action: Callable[[], None]) -> None:
    """Do something once the write session has committed; the same key once only."""
    session.info.setdefault("after_commit", {})[key] = action


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", f"busy_timeout={_BUSY_MS}", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("hub_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def on_network_file_system(folder: Path) -> bool:
    """Whether a folder lies on a network file system, where SQLite's locks can't be trusted."""
    best, kind = "", ""
    target = str(folder.absolute())
    for line in Path("/proc/mounts").read_text().splitlines() if Path("/proc/mounts").exists() else []:
        _device, mount, fs = line.split()[:3]
        if (target == mount or target.startswith(mount.rstrip("/") + "/")) and len(mount) >= len(best):
            best, kind = mount, fs
    return kind in _NETWORK_FILE_SYSTEMS
