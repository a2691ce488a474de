"""A broker that is gone is named by /readyz."""

from __future__ import annotations

import pytest

from app import create_app
from core.broker_probe import BrokerProbe
from core.clock import FixedClock
from core.config import Settings
from core.database import Database


@pytest.mark.parametrize("url", ["redis://127.0.0.1:9/0", "amqp://127.0.0.1:9//"])
def test_a_dead_broker_is_named(settings: Settings, clock: FixedClock, url: str) -> None:
    app = create_app(settings.model_copy(update={"broker_url": url}), clock=clock)
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.get_json()["down"]["broker"]) == (503, "unreachable")
    app.extensions["hub"].get(Database).dispose()


def test_a_folder_is_not_asked() -> None:
    assert BrokerProbe("", lambda url: pytest.fail("asked")).faults() == ()
