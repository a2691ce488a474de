"""The probes name each part that is down; the figures are for this machine or for whoever shows the token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core import heartbeats, jobs
from core.broker import QUEUES
from core.clock import FixedClock
from core.database import Database
from core.web import health
from search.service import SearchService


@pytest.fixture
def up(app: Any, client: Any, clock: FixedClock) -> Any:
    """The application with everything in order."""
    parts = app.extensions["hub"]
    db = parts.get(Database)
    with db.engine.begin() as connection:
        health_stamp(connection)
    for queue in QUEUES:
        heartbeats.beat(db, queue, clock.now())
    parts.get(SearchService).ensure()
    return client


def health_stamp(connection: Any) -> None:
    """Say that every migration has run: the tables are there."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from core.schema import config

    scripts = ScriptDirectory.from_config(config())
    MigrationContext.configure(connection).stamp(scripts, "head")


def test_ready_when_all_is_well(up: Any) -> None:
    answer = up.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"ready": True, "down": {}})
    assert up.get("/healthz").status_code == 200


def test_silent_processes_are_named(up: Any, clock: FixedClock) -> None:
    clock.advance(timedelta(minutes=5))
    answer = up.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["down"] == {"worker": "silent", "search_worker": "silent"}


def test_a_database_without_its_schema_is_named(client: Any) -> None:
    assert client.get("/readyz").json["down"]["schema"] == "empty"


def test_a_database_that_is_gone_is_named(up: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    def gone(*_: Any) -> Any:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(health, "_database_faults", gone)
    assert up.get("/readyz").json["down"] == {"database": "unreachable"}


def test_a_search_engine_that_is_down_is_named(up: Any, app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(app.extensions["hub"].get(SearchService).engine), "health", lambda self: ["lost"])
    assert up.get("/readyz").json["down"] == {"search_engine": "lost"}


def test_a_full_disk_is_named(up: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LEAST_DISK", 10**18)
    assert up.get("/readyz").json["down"] == {"disk": "nearly_full"}


def test_figures_count_what_is_owed(up: Any, app: Any, clock: FixedClock) -> None:
    with app.extensions["hub"].get(Database).write() as session:
        jobs.enqueue(session, "search.reconcile", "k", due=clock.now(), queue="search")
    clock.advance(timedelta(seconds=30))
    text = up.get("/metrics").text
    assert 'hub_jobs{queue="search",state="waiting"} 1.0' in text
    assert 'hub_job_lateness_seconds{queue="search"} 30.0' in text


def test_figures_are_not_for_everybody(up: Any) -> None:
    assert up.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 403
    assert up.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403


def test_figures_for_whoever_shows_the_token(up: Any, app: Any) -> None:
    from core.config import Settings

    object.__setattr__(app.extensions["hub"].get(Settings), "metrics_token", "let-me-see")
    far = {"REMOTE_ADDR": "203.0.113.9"}
    assert up.get("/metrics", environ_base=far, headers={"Authorization": "Bearer let-me-see"}).status_code == 200
    assert up.get("/metrics", environ_base=far, headers={"Authorization": "Bearer wrong"}).status_code == 403
