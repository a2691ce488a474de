"""Workers: regular work is owed once, a look does all that is due, one message a queue, a dead broker holds nobody."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

import wiring
import worker
from core import broker, heartbeats, jobs
from core.clock import FixedClock
from core.config import Settings, SettingsError
from core.database import Database
from core.nudges import Nudger
from search.engine import WriterBusy
from search.service import SearchService


@pytest.fixture
def parts(app: Any) -> Any:
    return app.extensions["hub"]


def owed(parts: Any) -> list[jobs.Job]:
    with parts.get(Database).read() as session:
        return list(session.scalars(select(jobs.Job).where(jobs.Job.state == "waiting")))


def test_regular_work_is_owed_once_for_its_minute(parts: Any, clock: FixedClock) -> None:
    worker.owe_regular_work(parts)
    worker.owe_regular_work(parts)
    assert sorted(job.name for job in owed(parts)) == sorted(name for name, _every, _queue in wiring.REGULAR)
    clock.advance(timedelta(minutes=1))
    worker.owe_regular_work(parts)
    assert [job.name for job in owed(parts)].count("cases.sweep") == 2


def test_a_look_does_what_is_due_and_gives_a_sign_of_life(parts: Any, clock: FixedClock) -> None:
    worker.owe_regular_work(parts)
    registry = wiring.registry(parts)
    assert sum(worker.look(parts, registry, queue) for queue in broker.QUEUES) == len(wiring.REGULAR)
    assert owed(parts) == []
    assert heartbeats.silent(parts.get(Database), broker.QUEUES, clock.now()) == []


def test_one_message_a_queue_waits_in_the_folder(settings: Settings) -> None:
    celery = broker.make_celery(settings)
    for _ in range(3):
        broker.publish_look(celery, settings, "jobs")
    broker.publish_look(celery, settings, "search")
    names = sorted(path.name.split(".")[-2] for path in (settings.data_dir / "broker").glob("*.msg"))
    assert names == ["jobs", "search"]


def test_a_folder_that_was_deleted_is_made_again(settings: Settings) -> None:
    celery = broker.make_celery(settings)
    folder = settings.data_dir / "broker"
    folder.rmdir()
    broker.publish_look(celery, settings, "jobs")
    assert len(list(folder.glob("*.msg"))) == 1


def test_messages_carry_a_queue_name_and_nothing_else(settings: Settings) -> None:
    broker.publish_look(broker.make_celery(settings), settings, "jobs")
    (message,) = (settings.data_dir / "broker").glob("*.msg")
    assert '"task": "look"' in message.read_text()
    assert "('jobs',)" in message.read_text()


def test_a_broker_that_is_down_is_logged_and_holds_nobody_up() -> None:
    tried = threading.Event()

    def publish(queue: str) -> None:
        if queue == "search":
            tried.set()
        raise ConnectionError("no broker")

    nudger = Nudger(publish)
    with capture_logs() as logs:
        nudger.nudge("jobs")
        nudger.nudge("search")
        assert tried.wait(10)
    assert all(entry["event"] == "nudge_failed" for entry in logs)


@pytest.mark.redis
def test_looks_travel_by_redis(settings: Settings) -> None:
    import os

    import redis

    url = os.environ["HUB_TEST_REDIS_URL"]
    with_redis = settings.model_copy(update={"broker_url": url})
    server = redis.Redis.from_url(url)
    server.flushdb()
    broker.publish_look(broker.make_celery(with_redis), with_redis, "jobs")
    assert server.llen("jobs") == 1
    server.close()


def test_the_search_worker_makes_an_index_that_is_not_there(parts: Any, client: Any) -> None:
    assert client.get("/readyz").json["down"]["search_engine"] == "search_replies_missing, search_cases_missing"
    worker.begin(parts, "jobs")
    assert "search_engine" in client.get("/readyz").json["down"]
    worker.begin(parts, "search")
    assert "search_engine" not in client.get("/readyz").json["down"]


def test_a_search_index_that_another_writes_holds_no_worker_up(parts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(_self: SearchService) -> None:
        raise WriterBusy()

    monkeypatch.setattr(SearchService, "ensure", busy)
    with capture_logs() as logs:
        worker.begin(parts, "search")
    assert [entry["event"] for entry in logs] == ["search_index_not_made"]


@pytest.mark.parametrize("name", ["search_url", "media_url"])
def test_a_service_that_this_hub_has_not_is_a_sentence(settings: Settings, name: str) -> None:
    with pytest.raises(SettingsError, match=f"HUB_{name.upper()}: .*leave it empty"):
        wiring.build(settings.model_copy(update={name: "http://127.0.0.1:9"}))
