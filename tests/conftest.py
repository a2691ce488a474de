"""What every test may ask for: keys, a clock that stands still, a database, the demonstration city, the application.

Databases are made once a worker and copied for each test: SQLite by copying the file, PostgreSQL (where
HUB_TEST_DATABASE_URL is set) from a template. Services that HUB_TEST_REQUIRE names must be there; without it the tests
that need one skip.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import flask
import psycopg
import pytest
import structlog
from flask.testing import FlaskClient
from hypothesis import settings as hypothesis_settings
from sqlalchemy import select

from cases import history
from cases.seed import seed_policies
from core import crypto, jobs
from core.clock import LOCAL, FixedClock
from core.config import Settings, load_settings
from core.crypto import KeyRing
from core.database import Base, Database
from organisations import sessions
from organisations.models import Account, Area, Organisation
from organisations.people import Actor, actor_for
from organisations.seed import seed_city

AT = datetime(2026, 11, 24, 10, 0, tzinfo=LOCAL)  # a Tuesday, in office hours
RING = KeyRing((("k1", b"1" * 32),), ("i1", b"2" * 32))
CHROMIUM = "/usr/bin/chromium"
POSTGRESQL = os.environ.get("HUB_TEST_DATABASE_URL", "")
REDIS = os.environ.get("HUB_TEST_REDIS_URL", "")
REQUIRED = {name.strip() for name in os.environ.get("HUB_TEST_REQUIRE", "").split(",") if name.strip()}

hypothesis_settings.register_profile("ci", derandomize=True, deadline=None, max_examples=50)
hypothesis_settings.register_profile("deep", deadline=None, max_examples=2000)
hypothesis_settings.load_profile(os.environ.get("HUB_TEST_HYPOTHESIS", "ci"))


@pytest.fixture(autouse=True)
def uncached_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module's logger kept from a test that configured logging would write past the next test's `capture_logs`."""
    configure = structlog.configure
    monkeypatch.setattr(
        structlog, "configure", lambda **given: configure(**given | {"cache_logger_on_first_use": False})
    )
    yield
    structlog.reset_defaults()


# --- services ---------------------------------------------------------------------------------------------------------


def _there(service: str) -> bool:
    if service == "postgresql":
        return bool(POSTGRESQL)
    if service == "redis":
        return bool(REDIS)
    return Path(CHROMIUM).exists()


def pytest_configure(config: pytest.Config) -> None:
    missing = sorted(name for name in REQUIRED if name not in {"postgresql", "redis", "chromium"} or not _there(name))
    if missing:
        raise pytest.UsageError(f"HUB_TEST_REQUIRE names services that are not there: {', '.join(missing)}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for service in ("postgresql", "redis", "chromium"):
            if item.get_closest_marker(service) and not _there(service):
                item.add_marker(pytest.mark.skip(reason=f"no {service} here"))


# --- keys and clock ---------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def keys() -> KeyRing:
    """The ring of the process, the same in every test."""
    crypto.use(RING)
    return RING


@pytest.fixture(autouse=True)
def _nobody_listens() -> Iterator[None]:
    """What the application sets for the whole process is taken back after each test."""
    yield
    history.subscribe([])
    jobs.on_commit_nudge(lambda queue: None)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(AT)


# --- databases --------------------------------------------------------------------------------------------------------


def _empty(database: Database) -> None:
    import wiring  # noqa: F401 - every model has to be known

    Base.metadata.create_all(database.engine)


def _seeded(database: Database) -> None:
    _empty(database)
    with database.write() as session:
        seed_city(session, AT)
        seed_policies(session, AT)


class Templates:
    """Databases to copy: `copy(kind, folder)` gives the address of a fresh one."""

    def __init__(self, folder: Path, worker: str) -> None:
        self._folder, self._worker = folder, worker
        self._made: dict[str, str] = {}
        self._count = 0

    def copy(self, kind: str, target: Path) -> str:
        if kind not in self._made:
            self._made[kind] = self._make(kind)
        if not POSTGRESQL:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._made[kind], target)
            return f"sqlite:///{target}"
        self._count += 1
        name = f"hub_{self._worker}_{self._count}"
        _postgresql(
            f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}" TEMPLATE "{self._made[kind]}"'
        )
        return _named(name)

    def drop(self, url: str) -> None:
        if POSTGRESQL:
            _postgresql(f'DROP DATABASE IF EXISTS "{urlsplit(url).path.lstrip("/")}" WITH (FORCE)')

    def _make(self, kind: str) -> str:
        crypto.use(RING)
        name = f"hub_{self._worker}_{kind}"
        path = self._folder / f"{kind}.db"
        if POSTGRESQL:
            _postgresql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}"')
        database = Database(_named(name) if POSTGRESQL else f"sqlite:///{path}")
        if kind != "bare":
            (_seeded if kind == "city" else _empty)(database)
        if not POSTGRESQL:
            with database.engine.connect() as connection:
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.exec_driver_sql("BEGIN")
        database.dispose()
        return name if POSTGRESQL else str(path)


def _named(name: str) -> str:
    return urlunsplit(urlsplit(POSTGRESQL)._replace(path=f"/{name}"))


def _postgresql(*statements: str) -> None:
    with psycopg.connect(POSTGRESQL.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Templates:
    return Templates(tmp_path_factory.mktemp("templates"), worker_id)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(exist_ok=True)
    return folder


def _database(templates: Templates, kind: str, data_dir: Path) -> Iterator[Database]:
    url = templates.copy(kind, data_dir / "hub.db")
    database = Database(url)
    yield database
    database.dispose()
    templates.drop(url)


@pytest.fixture
def db(templates: Templates, data_dir: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database with every table and no row; the city's where the test asks for the city as well."""
    if "city" in request.fixturenames:
        yield request.getfixturevalue("city").db
        return
    yield from _database(templates, "empty", data_dir)


@dataclass(frozen=True)
class City:
    """The demonstration city in a database of its own."""

    db: Database

    def actor(self, username: str) -> Actor:
        """The acting person of an account."""
        with self.db.read() as session:
            account_id = session.scalars(select(Account.id).where(Account.username == username)).one()
            return actor_for(session, account_id, AT)

    def organisation(self, code: str) -> int:
        """An organisation's id by its code."""
        with self.db.read() as session:
            return session.scalars(select(Organisation.id).where(Organisation.code == code)).one()

    def area(self, code: str) -> int:
        """An area's id by its code."""
        with self.db.read() as session:
            return session.scalars(select(Area.id).where(Area.code == code)).one()


@pytest.fixture
def city(templates: Templates, data_dir: Path) -> Iterator[City]:
    """The city's organisations, staff, catalogue and deadline policies; no petitions."""
    for database in _database(templates, "city", data_dir):
        yield City(database)


# --- the application --------------------------------------------------------------------------------------------------


@pytest.fixture
def settings(city: City, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings for the city's database, whatever the environment says."""
    for name in [name for name in os.environ if name.startswith("HUB_") and not name.startswith("HUB_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HUB_ENV_FILE", os.devnull)
    return load_settings(
        data_dir=data_dir, database_url=city.db.url, field_keys=_setting("k1", b"1"), index_key=_setting("i1", b"2"),
        secret_key="secret-of-tests-" * 3,
    )  # fmt: skip


def _setting(key_id: str, byte: bytes) -> str:
    import base64

    return f"{key_id}:{base64.b64encode(byte * 32).decode()}"


@pytest.fixture
def app(settings: Settings, clock: FixedClock) -> Iterator[flask.Flask]:
    from app import create_app

    application = create_app(settings, clock=clock)
    application.testing = False
    application.wsgi_app = _strict_as_a_server(application.wsgi_app)  # type: ignore[method-assign]
    yield application
    application.extensions["hub"].get(Database).dispose()


def _strict_as_a_server(inner: Callable[..., Any]) -> Callable[..., Any]:
    """A test client takes any header; a server refuses one that holds a break or what latin-1 has not."""

    def served(environ: Any, start_response: Any) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            for _name, value in headers:
                assert not set("\r\n\0") & set(value) and value.encode("latin-1") is not None
            return start_response(status, headers, *error)

        return inner(environ, start)

    return served


@pytest.fixture
def client(app: flask.Flask) -> FlaskClient:
    """A browser without form tokens: most tests are about what a form does. Those about tokens switch them on again."""
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


@pytest.fixture
def sign_in(city: City, clock: FixedClock) -> Callable[[FlaskClient, str], Actor]:
    """Sign a member of staff in by giving the browser a session; gives the acting person."""

    def give(client: FlaskClient, username: str) -> Actor:
        with city.db.write() as session:
            account = session.scalars(select(Account).where(Account.username == username)).one()
            account.must_change_password = False
            token = sessions.start(session, account.id, clock.now())
        client.set_cookie("lx_staff", token)
        return city.actor(username)

    return give


@pytest.fixture
def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
