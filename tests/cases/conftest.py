"""A database of the demonstration city, made once and copied for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from cases.seed import seed_policies
from core import crypto
from core.clock import LOCAL, FixedClock
from core.database import Base, Database
from organisations.models import Account, Area, Organisation
from organisations.people import Actor, actor_for
from organisations.seed import seed_city

AT = datetime(2026, 11, 24, 10, 0, tzinfo=LOCAL)


def _seed(database: Database) -> None:
    with database.write() as session:
        seed_city(session, AT)
        seed_policies(session, AT)


@dataclass
class City:
    db: Database

    def actor(self, username: str) -> Actor:
        with self.db.read() as session:
            account_id = session.scalars(select(Account.id).where(Account.username == username)).one()
            return actor_for(session, account_id)

    def organisation(self, code: str) -> int:
        with self.db.read() as session:
            return session.scalars(select(Organisation.id).where(Organisation.code == code)).one()

    def area(self, code: str) -> int:
        with self.db.read() as session:
            return session.scalars(select(Area.id).where(Area.code == code)).one()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(AT)


@pytest.fixture(autouse=True)
def keys() -> None:
    crypto.use(crypto.KeyRing((("k1", b"1" * 32),), ("i1", b"2" * 32)))


@pytest.fixture(scope="session")
def _seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    crypto.use(crypto.KeyRing((("k1", b"1" * 32),), ("i1", b"2" * 32)))
    path = tmp_path_factory.mktemp("seeded") / "hub.db"
    database = Database(f"sqlite:///{path}")
    Base.metadata.create_all(database.engine)
    _seed(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    database.dispose()
    return path


@pytest.fixture
def db(_seeded: Path, tmp_path: Path) -> Iterator[Database]:
    url = os.environ.get("HUB_TEST_DATABASE_URL", "")
    if url:
        database = Database(url)
        Base.metadata.drop_all(database.engine)
        Base.metadata.create_all(database.engine)
        _seed(database)
        yield database
        database.dispose()
        return
    shutil.copy(_seeded, tmp_path / "hub.db")
    database = Database(f"sqlite:///{tmp_path / 'hub.db'}")
    yield database
    database.dispose()


@pytest.fixture
def city(db: Database) -> City:
    return City(db)
