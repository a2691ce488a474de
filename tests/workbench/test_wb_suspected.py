"""标为疑似检举控告 on the pages: a button with a reason; then no trace is left for whoever may not read it."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import delete, select

from cases.models import Decision, PublishedReply
from cases.operations import closing, handling, publishing
from core.audit import AuditEntry
from core.ids import grouped
from organisations.models import RoleGrant
from organisations.people import Actor
from search.service import SearchService
from tests.workbench.conftest import TITLE, Desk

SignIn = Callable[[FlaskClient, str], Actor]
WHY = "电话里说城管队员收钱放行"
LABEL = "标为疑似检举控告"


def _mark(wb: Desk, client: FlaskClient, case_id: int, **data: str) -> object:
    return client.post(f"/work/cases/{case_id}/do/suspect_by_hand", data={**wb.seen(case_id), "reason": WHY, **data})


@pytest.mark.parametrize("marker", ["huo.yan", "pei.zhengyu", "fang.yating", "dou.jianping"])
def test_the_button_marks_it_and_leaves_the_case(wb: Desk, client: FlaskClient, sign_in: SignIn, marker: str) -> None:
    case_id = wb.in_hand()
    sign_in(client, marker)
    assert LABEL in client.get(f"/work/cases/{case_id}").text
    form = client.get(f"/work/cases/{case_id}?do=suspect_by_hand").text
    assert 'name="reason"' in form and "承办单位和您自己都不再看到" in form
    answer = _mark(wb, client, case_id)
    assert (answer.status_code, answer.location) == (302, "/work/")  # type: ignore[attr-defined]
    assert wb.case(case_id).accusation == "possible"
    assert client.get(f"/work/cases/{case_id}").status_code == 404
    with wb.db.read() as session:
        assert session.scalars(select(Decision.kind)).all() == ["suspected"]
        assert "accusation_marked" in session.scalars(select(AuditEntry.action)).all()


def test_without_a_reason_the_form_comes_back(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.in_hand()
    sign_in(client, "huo.yan")
    answer = _mark(wb, client, case_id, reason=" ")
    assert answer.status_code == 400 and "请填写为什么可能是检举控告" in answer.text  # type: ignore[attr-defined]
    assert wb.case(case_id).accusation == "no"


@pytest.mark.parametrize(
    "username", ["huo.yan", "miao.qingshan", "pei.zhengyu", "fang.yating", "dou.jianping", "yu.chengzhi"]
)
def test_nobody_but_a_reader_finds_a_trace_any_more(
    wb: Desk, client: FlaskClient, sign_in: SignIn, username: str
) -> None:
    case_id, reply = wb.in_hand(), "工地已停止夜间施工，今后夜里不再打桩，感谢您的反映。"
    number, lead, at = wb.case(case_id).number, wb.assignment(case_id).id, wb.clock.now()
    with wb.db.write() as session:
        handling.feed_back(session, wb.handler(), at, lead, report="已责令停止夜间施工并复查", answer=reply)
        closing.confirm(session, wb.officer(), at, lead)
        publishing.propose(session, wb.handler(), at, case_id, title=TITLE, question="夜里打桩", reply=reply)
    search = client.application.extensions["hub"].get(SearchService)
    search.rebuild("case")
    sign_in(client, "huo.yan")
    _mark(wb, client, case_id)
    client.get("/work/")  # what was done is said once
    search.rebuild("case")
    with wb.db.read() as session:
        assert session.scalars(select(PublishedReply.state)).all() == ["refused"]
    who = sign_in(client, username)
    for address in ("/work/", "/work/cases?status=all", f"/work/cases?q={number}", f"/work/cases?q={TITLE}",
                    "/work/cases?status=all&mine=1", "/work/review", "/work/requests", "/work/late", "/work/replies",
                    "/work/accusations", "/work/notices"):  # fmt: skip
        page = client.get(address)
        assert page.status_code in (200, 302, 403, 404), address
        assert grouped(number) not in page.text, address
    assert ">0 件<" in client.get("/work/cases?status=all").text
    assert client.get(f"/work/cases/{case_id}").status_code == 404
    assert client.post(f"/work/cases/{case_id}/do/note", data={"text": "x"}).status_code == 404
    if who.can("export"):
        book = load_workbook(io.BytesIO(client.post("/work/cases/export", data={"status": "all"}).data))
        assert number not in [row[0].value for row in book.active.rows]


def test_its_readers_read_why_and_are_not_offered_it_again(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.in_hand()
    sign_in(client, "huo.yan")
    _mark(wb, client, case_id)
    wb.grant("bai.zhengxing", "diversion")
    sign_in(client, "bai.zhengxing")
    page = client.get(f"/work/cases/{case_id}").text
    assert WHY in page and "霍岩" in page
    assert LABEL not in page


def test_from_the_review_queue(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.waiting()
    sign_in(client, "pei.zhengyu")
    assert LABEL in client.get("/work/review").text
    form = client.get(f"/work/review?case={case_id}&do=suspect_by_hand").text
    assert 'name="reason"' in form
    client.post(f"/work/review/{case_id}/suspect_by_hand", data={**wb.seen(case_id), "reason": WHY})
    assert wb.case(case_id).accusation == "possible"
    assert TITLE not in client.get("/work/review").text


def test_where_nobody_reads_who_gives_out_roles_is_told(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.in_hand()
    sign_in(client, "admin.security")
    assert "没有人可以受理" not in client.get("/work/").text
    with wb.db.write() as session:
        session.execute(delete(RoleGrant).where(RoleGrant.role == "accusation_reader"))
    sign_in(client, "huo.yan")
    _mark(wb, client, case_id)
    client.get("/work/")  # what was done is said once
    sign_in(client, "admin.security")
    home = client.get("/work/").text
    assert "有 1 件可能的检举控告没有人可以受理" in home and "/work/admin/accounts" in home
    assert grouped(wb.case(case_id).number) not in home
    sign_in(client, "pei.zhengyu")
    assert "没有人可以受理" not in client.get("/work/").text
