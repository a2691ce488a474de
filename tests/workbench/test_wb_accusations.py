"""An accusation: the accused's people find no trace of it anywhere; its named readers decide."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select

from cases.models import Attachment, CaseExclusion, CaseReader
from cases.operations.classification import Suggestion
from cases.operations.inputs import FileGiven
from core.ids import grouped
from organisations.models import Account
from organisations.people import Actor
from tests.workbench.conftest import Desk

SignIn = Callable[[FlaskClient, str], Actor]
# A handler of the accused bureau, its approver, one of its county bureau, and the city government above it.
ACCUSED = ("huo.yan", "miao.qingshan", "ju.ning", "tan.xiuzhen")
OTHERS = ("pei.zhengyu", "fang.yating", "an.shuwen", "shangguan.min", "dou.jianping")


@pytest.mark.parametrize("username", [*ACCUSED, *OTHERS])
@pytest.mark.parametrize("decided", [False, True])
def test_nobody_but_a_reader_finds_a_trace(
    wb: Desk, client: FlaskClient, sign_in: SignIn, username: str, decided: bool
) -> None:
    case_id = wb.accusation(decided=decided)
    ordinary = wb.in_hand()
    number, title = wb.case(case_id).number, wb.case(case_id).title
    who = sign_in(client, username)
    for address in ("/work/", "/work/cases?status=all", f"/work/cases?q={title}", "/work/cases?status=all&mine=1",
                    "/work/cases?status=all&level1=党务政务", "/work/review", "/work/requests", "/work/late",
                    "/work/replies", "/work/accusations"):  # fmt: skip
        page = client.get(address)
        assert page.status_code in (200, 302, 403), address
        assert grouped(number) not in page.text and number not in page.text, address
        assert page.text.count("收红包") == page.text.count(title) == (page.text.count(title) if "q=" in address else 0)
    assert client.get(f"/work/cases?q={number}").status_code == 200
    assert client.get(f"/work/cases/{case_id}").status_code == 404
    assert client.post(f"/work/cases/{case_id}/do/note", data={"text": "x"}).status_code == 404
    assert client.post(f"/work/cases/{case_id}/reveal", data={"submission": 1, "kind": "name"}).status_code == 404
    assert client.post(f"/work/accusations/{case_id}/decide", data={"is": "no"}).status_code == 404
    seen = client.get("/work/cases?status=all").text
    mine = grouped(wb.case(ordinary).number) in seen
    assert f">{1 if mine else 0} 件<" in seen  # the count does not tell either
    if who.can("export"):
        book = load_workbook(io.BytesIO(client.post("/work/cases/export", data={"status": "all"}).data))
        assert number not in [row[0].value for row in book.active.rows]
    assert wb.case(case_id).accusation == ("yes" if decided else "possible")


def test_its_attachment_is_nobody_elses(wb: Desk, client: FlaskClient, sign_in: SignIn, file_given: FileGiven) -> None:
    wb.grant("cen.lu", "accusation_reader")
    given = Suggestion(level1="党务政务", nature="举报", accusation=True, confidence=0.7)
    case_id = wb.waiting("城管局队员收红包", "城管局队员收红包，有照片。", suggestion=given, files=(file_given,))
    with wb.db.read() as session:
        attachment = session.scalars(select(Attachment)).one().id
    for username in ("huo.yan", "pei.zhengyu", "dou.jianping"):
        sign_in(client, username)
        assert client.get(f"/work/attachments/{attachment}").status_code == 404
        assert client.get(f"/work/attachments/{attachment}/file").status_code == 404
    sign_in(client, "cen.lu")
    assert client.get(f"/work/attachments/{attachment}/file").data == "现场记录".encode()
    assert client.get(f"/work/cases/{case_id}").status_code == 200


def test_a_reader_decides_and_the_accused_are_kept_away(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.accusation(decided=False)
    sign_in(client, "cen.lu")
    assert grouped(wb.case(case_id).number) in client.get("/work/accusations").text
    assert "是检举控告" in client.get(f"/work/cases/{case_id}").text
    bureau = wb.city.organisation("TC-CGJ")
    client.post(f"/work/accusations/{case_id}/decide", data={**wb.seen(case_id), "is": "yes", "accused": bureau})
    assert wb.case(case_id).accusation == "yes"
    with wb.db.read() as session:
        kept_away = set(session.scalars(select(CaseExclusion.organisation_id)))
    assert {bureau, wb.city.organisation("TC01-CGJ")} <= kept_away


def test_no_accusation_goes_back_to_the_queue(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.accusation(decided=False)
    sign_in(client, "cen.lu")
    client.post(f"/work/accusations/{case_id}/decide", data={**wb.seen(case_id), "is": "no"})
    sign_in(client, "pei.zhengyu")
    assert grouped(wb.case(case_id).number) in client.get("/work/review").text


def test_a_reader_names_another_and_excludes(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.accusation(decided=False)
    sign_in(client, "cen.lu")
    with wb.db.read() as session:
        other = session.scalars(select(Account.id).where(Account.username == "an.shuwen")).one()
    client.post(f"/work/accusations/{case_id}/reader", data={**wb.seen(case_id), "account": other})
    office = wb.city.organisation("TC-CGJ")
    client.post(f"/work/accusations/{case_id}/exclude", data={**wb.seen(case_id), "organisation": office})
    with wb.db.read() as session:
        assert other in set(session.scalars(select(CaseReader.account_id).where(CaseReader.case_id == case_id)))
        assert office in set(session.scalars(select(CaseExclusion.organisation_id)))
    refused = client.post(f"/work/accusations/{case_id}/reader", data=wb.seen(case_id))
    assert refused.status_code == 400 and "请选择要指定的人员" in refused.text
