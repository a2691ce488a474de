"""A citizen's browser, petitions in the demonstration city at every stage, and published replies in the index."""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient

from cases.operations import classification, closing, dispatch, handling, publishing, submissions
from cases.operations.classification import Suggestion
from cases.operations.submissions import NewSubmission, Reporter
from core.clock import FixedClock
from core.database import Database
from organisations.people import CITIZEN, Actor
from search.service import SearchService

BODY = "学府路的路灯不亮，孩子晚上回家不安全，请尽快修好。"
FORM = {
    "title": "小区东侧工地连续三晚施工",
    "body": "工地从十一月十五日起，连续三晚施工到凌晨两点，打桩声很大，老人睡不好。希望按规定的时间施工。",
    "place": "桂坊街道贡院巷东侧工地",
    "disclosure": "named",
    "name": "王小梅",
    "phone": "13812342607",
    "do": "send",
}


def form(**changes: Any) -> dict[str, Any]:
    """A complete form with some fields changed; a token of its own unless given."""
    return {**FORM, "form_token": secrets.token_urlsafe(24), **changes}


def text_of(response: Any) -> str:
    """What a page says, without marks."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))))


def field(response: Any, name: str) -> list[str]:
    """The values of the inputs of a name on a page."""
    page = response.get_data(as_text=True)
    found = re.findall(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', page)
    return [html.unescape(value) for value in found]


@dataclass
class Given:
    """A submission and what opens it."""

    id: int
    case_id: int
    number: str
    code: str


@dataclass
class Petitions:
    """Makes submissions and moves them on."""

    city: Any
    clock: FixedClock
    count: int = 0

    @property
    def db(self) -> Database:
        return self.city.db

    def submit(self, **changes: Any) -> Given:
        self.count += 1
        values: dict[str, Any] = {
            "origin": "web", "origin_key": f"test-token-number-{self.count:04d}", "channel": "web",
            "title": f"路灯不亮第{self.count}次", "title_masked": f"路灯不亮第{self.count}次", "body": BODY,
            "body_masked": BODY,
            "received_at": self.clock.now(), "reporter": Reporter("王小梅", "13812342607"), "consent_publish": True,
        }  # fmt: skip
        with self.db.write() as session:
            made = submissions.submit(session, CITIZEN, self.clock.now(), NewSubmission(**{**values, **changes}))
            return Given(made.submission.id, made.case.id, made.submission.number, made.code or "")

    def classify(self, given: Given, *, accusation: bool = False) -> None:
        with self.db.write() as session:
            classification.record(session, self.clock.now(), given.case_id, suggestion(accusation))

    def answer(self, given: Given, text: str = "十四盏路灯已经全部修好。") -> None:
        """Through the department to the served answer."""
        at = self.clock.now()
        self.classify(given)
        officer = self.officer
        with self.db.write() as session:
            lead = dispatch.assign(session, officer, at, given.case_id, self.city.organisation("TC-CGJ"))
            assignment_id = lead.id
        handler = self.handler
        for step in (
            lambda s: handling.sign(s, handler, at + timedelta(hours=1), assignment_id),
            lambda s: handling.feed_back(
                s, handler, at + timedelta(hours=5), assignment_id, report="内部报告：电缆进水已更换"
            ),
            lambda s: closing.confirm(s, officer, at + timedelta(hours=6), assignment_id, answer=text),
        ):
            with self.db.write() as session:
                step(session)

    @property
    def officer(self) -> Actor:
        return self.city.actor("shangguan.min")

    @property
    def handler(self) -> Actor:
        return self.city.actor("huo.yan")

    def publish(self, given: Given, title: str, question: str, reply: str) -> str:
        """Proposed by one, released by another; gives the public id."""
        at = self.clock.now()
        with self.db.write() as session:
            row = publishing.propose(
                session, self.officer, at, given.case_id, title=title, question=question, reply=reply
            )
        with self.db.write() as session:
            return publishing.release(session, self.city.actor("zhuang.xiaoli"), at, row.id).public_id


def suggestion(accusation: bool = False) -> Suggestion:
    return Suggestion(level1="城乡建设", nature="投诉", accusation=accusation)


@pytest.fixture
def petitions(city: Any, clock: FixedClock) -> Petitions:
    return Petitions(city, clock)


@pytest.fixture
def opened(client: FlaskClient, petitions: Petitions) -> Callable[[Given], FlaskClient]:
    """Opens a submission in the browser with its number and code."""

    def open_(given: Given) -> FlaskClient:
        answer = client.post("/progress", data={"number": given.number, "query_code": given.code})
        assert answer.status_code == 303
        return client

    return open_


@pytest.fixture
def search(app: flask.Flask) -> SearchService:
    return app.extensions["hub"].get(SearchService)
