"""The search index is gone: citizens submit, staff work, the page says so, and the search worker makes it anew."""

from __future__ import annotations

import secrets
import shutil
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

import wiring
import worker
from cases.models import Case
from core import broker
from core.clock import FixedClock
from core.database import Database
from search import loading
from search.service import KINDS, SearchService

FORM = {
    "title": "小区东侧工地连续三晚施工",
    "body": "工地连续三晚施工到凌晨两点，打桩声很大，老人睡不好，希望按规定的时间施工。",
    "disclosure": "named", "name": "王小梅", "phone": "13812342607", "do": "send",
}  # fmt: skip


@pytest.fixture
def parts(app: Any) -> Any:
    parts = app.extensions["hub"]
    parts.get(SearchService).ensure()
    return parts


def lose_index(app: Any) -> None:
    """The folder is deleted, and this process has never read it."""
    parts = app.extensions["hub"]
    shutil.rmtree(parts.get(SearchService).engine.replies.root.parent)


def differences(service: SearchService, db: Database) -> int:
    versions = {"reply": loading.reply_versions(db), "case": loading.case_versions(db)}
    return sum(len(service.indexer.reconcile(kind, versions[kind]).ids) for kind in KINDS)


def work_off(parts: Any, clock: FixedClock, *queues: str) -> None:
    registry = wiring.registry(parts)
    for _ in range(3):
        for queue in queues:
            worker.look(parts, registry, queue)
        clock.advance(timedelta(seconds=30))


def test_submitting_and_handling_go_on(
    app: Any, parts: Any, client: FlaskClient, clock: FixedClock, sign_in: Any
) -> None:
    lose_index(app)
    answer = client.post("/submit", data={**FORM, "form_token": secrets.token_urlsafe(24)})
    assert answer.status_code == 303
    work_off(parts, clock, broker.QUEUES[0])
    with parts.get(Database).read() as session:
        case = session.scalars(select(Case)).one()
    assert case.level1
    sign_in(client, "niu.guoqiang")
    for address in ("/work/", "/work/review", "/work/cases", f"/work/cases/{case.id}"):
        assert client.get(address).status_code == 200
    searched = client.get("/work/cases?q=施工")
    assert (searched.status_code, "查找暂时用不了" in searched.text) == (200, True)


def test_the_search_page_says_so_and_names_a_way_on(app: Any, parts: Any, client: FlaskClient) -> None:
    lose_index(app)
    answer = client.get("/replies?q=路灯")
    assert answer.status_code == 503
    assert "检索暂时不能用" in answer.text
    assert "/submit?about=" in answer.text
    assert client.get("/readyz").json["down"]["search_engine"] == "search_replies_missing, search_cases_missing"


def test_the_search_worker_makes_it_whole_again(app: Any, parts: Any, client: FlaskClient, clock: FixedClock) -> None:
    client.post("/submit", data={**FORM, "form_token": secrets.token_urlsafe(24)})
    work_off(parts, clock, *broker.QUEUES)
    lose_index(app)
    work_off(parts, clock, broker.QUEUES[1])
    assert parts.get(SearchService).health() == []
    assert differences(parts.get(SearchService), parts.get(Database)) == 0
    assert client.get("/replies?q=路灯").status_code == 200
