"""Who is accused, and who has no business with a case, find nothing of it on any route of the hub, found by looking."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select

from cases import visibility
from cases.models import Alert, Assignment, AssignmentRequest, Attachment, Case, Event, PublishedReply, Submission
from cases.operations import base
from cases.operations.classification import Suggestion
from cases.operations.inputs import FileGiven
from core.ids import grouped
from notifications.models import StaffNotice
from organisations.people import Actor
from search.service import KINDS, SearchService
from tests.security.routes import Route, counted, routes
from tests.workbench.conftest import Desk

SignIn = Callable[[FlaskClient, str], Actor]
TITLE, WORDS = "城管局队员收红包放行夜市摊位", "收红包"
NOT_THEIRS = {
    "huo.yan": "the accused bureau's handler", "miao.qingshan": "its approver", "tan.xiuzhen": "the government above",
    "ju.ning": "a subordinate's handler", "tu.wei": "a subordinate's approver", "fang.yating": "an agent",
    "zhuang.xiaoli": "a publisher", "pei.zhengyu": "a diversion officer", "shangguan.min": "approver and publisher",
    "dou.jianping": "a supervisor", "an.shuwen": "another bureau's handler", "admin.system": "an administrator",
}  # fmt: skip


@pytest.fixture
def accused(wb: Desk, app: flask.Flask, file_given: FileGiven) -> Case:
    """An accusation of 市城管局 with an attachment, indexed as the search worker would."""
    wb.grant("cen.lu", "accusation_reader")
    given = Suggestion(level1="党务政务", level2="干部作风", nature="举报", confidence=0.7, accusation=True)
    case_id = wb.waiting(TITLE, "城管局队员向摊主收红包，不给就掀摊子。", suggestion=given, files=(file_given,))
    from cases.operations import accusations

    with wb.db.write() as session:
        accusations.decide(
            session, wb.city.actor("cen.lu"), wb.clock.now(), case_id, True, wb.city.organisation("TC-CGJ")
        )
    search = app.extensions["hub"].get(SearchService)
    search.ensure()
    for kind in KINDS:
        search.rebuild(kind)
    return wb.case(case_id)


def ids_of(wb: Desk, case: Case) -> dict[str, Any]:
    """Every id that an address could hold for something of a case."""
    with wb.db.read() as session:
        submission = base.submissions_of(session, session.get_one(Case, case.id))[0]

        def one(model: Any) -> int:
            return session.scalar(select(model.id).where(model.case_id == case.id).limit(1)) or case.id

        return {
            "case_id": case.id, "submission_id": submission.id, "attachment_id": one(Attachment),
            "alert_id": one(Alert),
            "request_id": one(AssignmentRequest), "reply_id": one(PublishedReply), "assignment_id": one(Assignment),
            "public_id": case.number,
        }  # fmt: skip


def queries(case: Case) -> Iterator[dict[str, str]]:
    """What somebody might ask a list for to find it."""
    yield {}
    yield {"status": "all", "level1": case.level1 or "", "nature": case.nature or ""}
    yield {"q": case.number, "status": "all"}
    yield {"q": TITLE, "status": "all"}


def told(answer: Any, case: Case) -> str:
    """What an answer gives away of a case, beyond what was asked for."""
    text = answer.text if answer.mimetype.startswith(("text/", "application/json")) else ""
    if answer.mimetype.endswith("spreadsheetml.sheet"):
        text = repr(list(load_workbook(io.BytesIO(answer.data)).active.values))
    asked = flask.request.args.get("q", "") if flask.has_request_context() else ""
    for part in (case.number, grouped(case.number), WORDS, f"/work/cases/{case.id}"):
        if part in text.replace(asked, "") if asked else part in text:
            return part
    return ""


@pytest.mark.parametrize("username", NOT_THEIRS, ids=NOT_THEIRS.values())
def test_the_accused_and_all_others_find_no_trace(
    wb: Desk, app: flask.Flask, client: FlaskClient, sign_in: SignIn, accused: Case, username: str
) -> None:
    who, values, traces = sign_in(client, username), ids_of(wb, accused), []
    pages = [route for route in routes(app, "GET") if route.kind not in ("provider", "operations")]
    assert len(pages) > 50
    for route in pages:
        for query in queries(accused) if not route.parts else ({},):
            with client:
                answer = client.get(route.of(values), query_string=query)
                traces.append((route.rule, query.get("q", ""), told(answer, accused)))
            if "case_id" in route.rule or "attachment_id" in route.rule:
                assert answer.status_code in (403, 404), route.rule
    for path in ("/work/cases/export", "/work/late/export"):
        traces.append((path, "", told(client.post(path, data={"status": "all"}), accused)))
    assert [one for one in traces if one[2]] == []
    with wb.db.read() as session:
        of_mine = select(StaffNotice.case_id).where(StaffNotice.account_id == who.account_id)
        assert accused.id not in session.scalars(of_mine).all()
        assert session.scalars(select(Case.id).where(visibility.visible(who))).all() == []
    found = app.extensions["hub"].get(SearchService).search_cases(who, TITLE)
    assert not found.items and not found.total


def test_a_named_reader_finds_it(
    wb: Desk, app: flask.Flask, client: FlaskClient, sign_in: SignIn, accused: Case
) -> None:
    """The same look finds it where it may be found: nothing above passes because the look is blind."""
    sign_in(client, "cen.lu")
    seen = set()
    for route in routes(app, "GET", "/work"):
        with client:
            if told(client.get(route.of(ids_of(wb, accused)), query_string={"status": "all"}), accused):
                seen.add(route.endpoint)
    assert {"workbench.accusations", "workbench.case"} <= seen


@pytest.mark.parametrize("username", ["huo.yan", "an.shuwen", "ju.ning"])
def test_no_step_is_done_on_a_case_of_others(
    wb: Desk,
    app: flask.Flask,
    client: FlaskClient,
    sign_in: SignIn,
    accused: Case,
    username: str,
    file_given: FileGiven,
) -> None:
    """An id typed by hand, on every route that takes one: of an accusation, and of another organisation's case."""
    other = wb.case(wb.sent("TC-STJ", title="河水发黑", body="河水发黑发臭，打桩一样难受。", files=(file_given,)))
    sign_in(client, username)
    with wb.db.read() as session:
        events = len(session.scalars(select(Event.id)).all())
    before, tried = counted(wb.db), 0
    for case in (accused, other):
        for method in ("GET", "POST"):
            for route in _by_id(routes(app, method, "/work") + routes(app, method, "/desk")):
                for word in ("note", "take_back", "assign", "undo") if "operation" in route.rule else ("x",):
                    values = {**ids_of(wb, case), "operation": word}
                    answer = client.open(
                        route.of(values), method=method, data={"text": "x", "do": "grant"} if method == "POST" else None
                    )
                    assert answer.status_code in (403, 404), (method, route.rule, word, answer.status_code)
                    assert case.number not in answer.text and grouped(case.number) not in answer.text, route.rule
                    tried += 1
    assert tried > 40 and counted(wb.db) == before
    with wb.db.read() as session:
        assert len(session.scalars(select(Event.id)).all()) == events


def _by_id(found: list[Route]) -> list[Route]:
    """Those whose id is one of something in a case."""
    known = {"case_id", "submission_id", "attachment_id", "alert_id", "request_id", "reply_id", "assignment_id"}
    return [route for route in found if any(name in known for name, _kind in route.parts)]


def test_somebody_elses_number_opens_nothing(wb: Desk, app: flask.Flask, client: FlaskClient) -> None:
    """A citizen with number and code of one submission reaches no other by any address or field."""
    from cases.operations import codes

    mine, theirs = wb.in_hand(), wb.in_hand(title="河水发黑发臭", body="河水发黑发臭，打桩一样难受。")
    with wb.db.write() as session:
        code = codes.issue(session, wb.clock.now(), session.get_one(Submission, wb.submission(mine).id))
    number, other = wb.submission(mine).number, wb.submission(theirs)
    wrong = client.post("/progress", data={"number": other.number, "query_code": code})
    assert wrong.status_code in (400, 401, 403, 404) and "河水" not in wrong.text
    assert client.post("/progress", data={"number": number, "query_code": code}).status_code == 303
    before = counted(wb.db)
    for route in routes(app, "GET", "/progress") + routes(app, "GET", "/submit"):
        page = client.get(route.of(ids_of(wb, wb.case(theirs))), query_string={"id": other.id})
        assert "河水" not in page.text, route.rule
        assert other.number not in page.text and grouped(other.number) not in page.text, route.rule
    for route in routes(app, "POST", "/progress/"):
        client.post(
            route.of(), data={"number": other.number, "submission": other.id, "submission_id": other.id, "text": "x"}
        )
    after = counted(wb.db)
    with wb.db.read() as session:
        touched = session.scalars(select(Event.kind).where(Event.case_id == theirs)).all()
    assert "added" not in touched and "urged" not in touched and "withdrawn" not in touched
    assert after["submissions"] == before["submissions"]
