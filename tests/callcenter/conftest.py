"""A desk with its agent signed in, a classifier that says what it is told, and short ways to what calls are about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from cases.models import Case, Contact, Submission
from cases.operations import base, publishing, submissions
from cases.operations.inputs import NewSubmission, Reporter
from core.clock import FixedClock
from core.database import Database
from core.text.masking import mask
from core.web.parts import Parts
from intake.brain import Brain
from intake.models import Dialogue
from organisations.models import Account
from organisations.people import CITIZEN, Actor
from search.service import SearchService
from tests.conftest import City

AGENT = "fang.yating"
PHONE = "13912345108"
BODY = "翠湖花园三栋昨天上午九点开始停水，到现在没有来水，没有贴通知，希望告诉居民几点来水。"
TOKEN = "desk-token-0000000000-"
_keys = count(1)


@dataclass
class Says:
    """What the classifier says of any text, sure of an ordinary matter unless told otherwise."""

    category: tuple[str, str, str] = ("城乡建设", "城市建设和市政管理", "城管执法")
    nature: str = "投诉"
    urgent: bool = False
    danger: str = ""
    sensitive: bool = False
    accusation: bool = False
    confidence: float = 0.92
    confidences: tuple[float, float, float] = (0.95, 0.92, 0.9)
    confident: bool = True
    alternatives: Sequence[tuple[str, str, float]] = (
        ("城乡建设", "城市建设和市政管理", 0.92), ("商贸旅游", "市场监管", 0.03),
    )  # fmt: skip
    evidence: Sequence[tuple[str, int, int, float]] = (("body", 14, 16, 0.8),)
    is_text: bool = True
    version: str = "test-1"
    against_office: bool = False
    broken: bool = False

    def suggest(self, title: str, body: str) -> Says:
        if self.broken:
            raise RuntimeError("no model")
        return self

    def suggest_many(self, rows: Iterable[tuple[str, str]]) -> Iterator[Says]:
        return (self.suggest(*row) for row in rows)


@dataclass
class Room:
    """The desk in a browser, with what stands in the database behind it."""

    city: City
    clock: FixedClock
    app: flask.Flask
    client: FlaskClient
    says: Says
    sign: Callable[[FlaskClient, str], Actor]
    tokens: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def db(self) -> Database:
        return self.city.db

    def form(self, **fields: str) -> dict[str, str]:
        """A call with a fresh token."""
        return {"form_token": f"{TOKEN}{next(self.tokens)}", "number": PHONE, "kind": "new", "body": BODY} | fields

    def call(self, do: str = "send", **fields: Any) -> Any:
        """Press a button of the desk; gives the answer."""
        return self.client.post("/desk", data={**self.form(**fields), "do": do})

    def submit(self, body: str = "路灯坏了三天，晚上看不见路", phone: str = PHONE, **changes: Any) -> int:
        """A submission by the web from a citizen with this telephone; its id. Nobody has classified it yet."""
        at = self.clock.now()
        new = NewSubmission(
            origin="web", origin_key=f"desk-{next(_keys)}", channel="web", title="路灯坏了", body=body,
            title_masked="路灯坏了", body_masked=mask(body).text, received_at=at,
            reporter=Reporter(name="徐晓梅", phone=phone), **changes,
        )  # fmt: skip
        with self.db.write() as session:
            return submissions.submit(session, CITIZEN, at, new).submission.id

    def classified(self, body: str = "路灯坏了三天，晚上看不见路", *, hold: bool = True, **changes: Any) -> int:
        """The same, classified; it waits for an officer unless told otherwise."""
        from cases.operations import classification
        from cases.operations.classification import Suggestion

        submission_id = self.submit(body, **changes)
        with self.db.write() as session:
            case = base.case_of(session, submission_id)
            classification.record(session, self.clock.now(), case.id, Suggestion(level1="城乡建设", nature="投诉"))
        return submission_id

    def answered(self, **changes: Any) -> int:
        """The same, answered: the citizen is asked now."""
        from cases.operations import closing, dispatch, handling

        submission_id = self.classified(**changes)
        officer, handler, at = self.city.actor("pei.zhengyu"), self.city.actor("huo.yan"), self.clock.now()
        with self.db.write() as session:
            case = base.case_of(session, submission_id)
            lead = dispatch.assign(session, officer, at, case.id, self.city.organisation("TC-CGJ"))
            handling.sign(session, handler, at, lead.id)
            handling.feed_back(
                session, handler, at, lead.id, report="已派人更换灯具并试亮", answer="路灯已修好，感谢您的反映。"
            )
            closing.confirm(session, officer, at, lead.id)
        return submission_id

    def published(self, title: str = "停水了去哪里问", reply: str = "请拨打供水热线，2 小时内有人联系您。") -> str:
        """A published reply that search finds; its public id."""
        submission_id = self.answered(consent_publish=True)
        with self.db.write() as session:
            case = base.case_of(session, submission_id)
            row = publishing.propose(
                session, self.city.actor("huo.yan"), self.clock.now(), case.id, title=title, question=BODY, reply=reply
            )
            publishing.release(session, self.city.actor("zhuang.xiaoli"), self.clock.now(), row.id)
            public_id = row.public_id
        parts: Parts = self.app.extensions["hub"]
        parts.get(SearchService).rebuild("reply")
        return public_id

    def left_dialogue(self, body: str = BODY) -> int:
        """A dialogue by SMS that was left and listed; its id."""
        at = self.clock.now()
        row = Dialogue(
            channel="sms", sender_digest="d1", state="left", step="place", started_at=at, last_at=at, reminded_at=at,
            listed_at=at,
        )  # fmt: skip
        row.sender, row.body = f"+86{PHONE}", body
        with self.db.write() as session:
            session.add(row)
        return row.id

    def all(self, model: Any) -> list[Any]:
        """Every row of a table, oldest first."""
        with self.db.read() as session:
            return list(session.scalars(select(model).order_by(model.id)))

    def case(self, submission_id: int) -> Case:
        """The case of a submission as it is stored now."""
        with self.db.read() as session:
            return base.case_of(session, submission_id)

    def only(self) -> tuple[Submission, Case, Contact]:
        """The one submission there is, with its case and its contact."""
        (submission,), (case,), (contact,) = self.all(Submission), self.all(Case), self.all(Contact)
        return submission, case, contact

    def account(self, username: str) -> int:
        """The id of an account."""
        with self.db.read() as session:
            return session.scalars(select(Account.id).where(Account.username == username)).one()

    def later(self, **time: int) -> datetime:
        """Move the clock on."""
        self.clock.advance(timedelta(**time))
        return self.clock.now()


@pytest.fixture
def room(
    city: City, clock: FixedClock, app: flask.Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], Actor]
) -> Room:
    says = Says()
    parts: Parts = app.extensions["hub"]
    parts._parts[Brain] = Brain(city.db, clock, lambda path: says)
    sign_in(client, AGENT)
    return Room(city, clock, app, client, says, sign_in)
