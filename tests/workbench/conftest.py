"""Cases of the demonstration city that stand where a test needs them, made by the real operations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count

import flask
import pytest
from sqlalchemy import event, select

from cases.models import Assignment, Case, Submission
from cases.operations import accusations, base, classification, closing, dispatch, handling, publishing, submissions
from cases.operations.classification import Suggestion
from cases.operations.inputs import FileGiven, NewSubmission, Reporter
from core.clock import FixedClock
from core.database import Database
from core.text.masking import mask
from core.web.parts import Parts
from organisations.models import Account, RoleGrant
from organisations.people import CITIZEN, Actor
from tests.conftest import City

TITLE = "梧桐里东侧工地夜里打桩"
BODY = "我叫徐晓梅，电话 13812345678。工地从 11 月 15 日起连续三晚打桩到凌晨，家里老人睡不好。"
_keys = count(1)


@dataclass
class Desk:
    """The city with its clock, and short ways to a case in each state. People: o officer, h handler, s supervisor."""

    city: City
    clock: FixedClock
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def db(self) -> Database:
        return self.city.db

    def officer(self) -> Actor:
        return self.city.actor("pei.zhengyu")

    def handler(self) -> Actor:
        return self.city.actor("huo.yan")

    def submit(self, title: str = TITLE, body: str = BODY, **changes: object) -> int:
        """A case that was just submitted, not yet classified; its id."""
        at = self.clock.now()
        new = NewSubmission(
            origin="web", origin_key=f"wb-{next(_keys)}", channel="web", title=title, body=body,
            title_masked=mask(title).text, body_masked=mask(body).text, received_at=at, consent_publish=True,
            reporter=Reporter(name="徐晓梅", phone=f"138{next(_keys) + 12340000:08d}"), place="梧桐里小区东侧",
            place_masked="梧桐里小区东侧", area_id=self.city.area("TC01"),
        )  # fmt: skip
        with self.db.write() as session:
            return submissions.submit(session, CITIZEN, at, replace(new, **changes)).case.id

    def waiting(
        self, title: str = TITLE, body: str = BODY, *, suggestion: Suggestion | None = None, **changes: object
    ) -> int:
        """A case in the review queue with a suggestion that was not sure enough."""
        case_id = self.submit(title, body, **changes)
        at = mask(body).text.find("打桩")
        given = suggestion or Suggestion(
            level1="城乡建设", level2="城市建设和市政管理", nature="投诉", confidence=0.62, model_version="m1",
            evidence=(("body", at, at + 2, 0.31), ("title", 8, 10, -0.06)) if at >= 0 else (),
            reasons=("low_confidence",),
            alternatives=(("环境保护", "环境污染", 0.2), ("住房保障与房地产", "物业服务", 0.08)),
        )  # fmt: skip
        with self.db.write() as session:
            classification.record(session, self.clock.now(), case_id, given)
        return case_id

    def sent(self, lead: str = "TC-CGJ", **changes: object) -> int:
        """A case sent to an office, not yet signed."""
        case_id = self.waiting(**changes)
        with self.db.write() as session:
            dispatch.assign(session, self.officer(), self.clock.now(), case_id, self.city.organisation(lead))
        return case_id

    def in_hand(self, **changes: object) -> int:
        """A case that 市城管局 signed."""
        case_id = self.sent(**changes)
        with self.db.write() as session:
            handling.sign(session, self.handler(), self.clock.now(), self.assignment(case_id).id)
        return case_id

    def fed_back(self, **changes: object) -> int:
        """A case whose result waits to be accepted."""
        case_id = self.in_hand(**changes)
        with self.db.write() as session:
            handling.feed_back(
                session, self.handler(), self.clock.now(), self.assignment(case_id).id,
                report="已责令工地停止夜间施工", answer="工地已停止夜间施工，感谢您的反映。",
            )  # fmt: skip
        return case_id

    def answered(self, **changes: object) -> int:
        """A case whose answer was served."""
        case_id = self.fed_back(**changes)
        with self.db.write() as session:
            closing.confirm(session, self.officer(), self.clock.now(), self.assignment(case_id).id)
        return case_id

    def proposed(self, **changes: object) -> int:
        """A reply that waits for its release; its id."""
        case_id = self.answered(**changes)
        with self.db.write() as session:
            row = publishing.propose(
                session, self.handler(), self.clock.now(), case_id, title=TITLE, question=BODY,
                reply="工地已停止夜间施工，联系人电话 13912345678。",
            )  # fmt: skip
            return row.id

    def accusation(self, reader: str = "cen.lu", against: str = "TC-CGJ", decided: bool = True) -> int:
        """An accusation of an organisation that one named reader reads."""
        self.grant(reader, "accusation_reader")
        given = Suggestion(level1="党务政务", level2="干部作风", nature="举报", confidence=0.7, accusation=True)
        case_id = self.waiting(
            "城管局队员收红包放行夜市摊位", "城管局队员向摊主收红包，不给就掀摊子。", suggestion=given
        )
        if decided:
            with self.db.write() as session:
                accusations.decide(session, self.city.actor(reader), self.clock.now(), case_id, True,
                                   self.city.organisation(against))  # fmt: skip
        return case_id

    def grant(self, username: str, role: str) -> None:
        """Give somebody a role besides their own."""
        with self.db.write() as session:
            account = session.scalars(select(Account).where(Account.username == username)).one()
            session.add(RoleGrant(account_id=account.id, role=role, granted_at=self.clock.now()))

    def case(self, case_id: int) -> Case:
        """The case as it is stored now."""
        with self.db.read() as session:
            return session.get_one(Case, case_id)

    def submission(self, case_id: int) -> Submission:
        """Its founding submission."""
        with self.db.read() as session:
            return base.submissions_of(session, session.get_one(Case, case_id))[0]

    def assignment(self, case_id: int) -> Assignment:
        """Its newest assignment."""
        with self.db.read() as session:
            query = select(Assignment).where(Assignment.case_id == case_id)
            return session.scalars(query.order_by(Assignment.created_at.desc(), Assignment.id.desc()).limit(1)).one()

    def seen(self, case_id: int) -> dict[str, str]:
        """The hidden fields of a form that was opened now."""
        case = self.case(case_id)
        return {"version": str(case.version), "seq": str(case.seq)}

    def later(self, **time: int) -> None:
        """Move the clock on."""
        self.clock.advance(timedelta(**time))


@pytest.fixture
def wb(city: City, clock: FixedClock) -> Desk:
    return Desk(city, clock)


@pytest.fixture
def file_given(app: flask.Flask) -> FileGiven:
    """A small text that stands in the file store."""
    from core.files import FileStore

    parts: Parts = app.extensions["hub"]
    stored = parts.get(FileStore).put("现场记录".encode())
    return FileGiven("现场记录.txt", "text", "text/plain", stored.size, stored.sha256, stored.key)


@contextmanager
def queries_of(database: Database) -> Iterator[list[str]]:
    """Every statement that this process sends to a database while it lasts."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
