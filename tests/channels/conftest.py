"""A database with the inbox's tables, keys, and a room above it that counts what it is given."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.inbox import Delivery
from core import crypto
from core.clock import FixedClock
from core.database import Base, Database
from core.jobs import Job
from tests.channels.payloads import AT
from tests.channels.room import GOT, Room


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(AT)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    crypto.use(crypto.KeyRing((("k1", b"1" * 32),), ("i1", b"2" * 32)))
    database = Database(os.environ.get("HUB_TEST_INBOX_URL") or f"sqlite:///{tmp_path / 'hub.db'}")
    tables = [model.metadata.tables[model.__tablename__] for model in (Delivery, Job)]
    for metadata, chosen in ((Base.metadata, tables), (GOT.metadata, [GOT])):
        metadata.drop_all(database.engine, chosen)
        metadata.create_all(database.engine, chosen)
    yield database
    database.dispose()
