"""Form tokens, what is revealed, attachments, tables, and how many queries a list makes."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import flask
import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select

from cases.models import Attachment
from cases.operations import messages
from cases.operations.inputs import FileGiven
from core.audit import AuditEntry
from core.database import Database
from organisations.people import CITIZEN, Actor
from tests.workbench.conftest import Desk, queries_of

SignIn = Callable[[FlaskClient, str], Actor]
OURS = (
    "/work/review",
    "/work/cases",
    "/work/requests",
    "/work/replies",
    "/work/late",
    "/work/accusations",
    "/work/alerts",
)


def _posting(app: flask.Flask) -> list[str]:
    return sorted(
        rule.rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ()) and rule.rule.startswith(OURS)
    )


def test_every_form_refuses_a_wrong_token(wb: Desk, app: flask.Flask, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.sent()
    wb.grant("niu.guoqiang", "publisher")
    sign_in(client, "niu.guoqiang")
    app.config["WTF_CSRF_ENABLED"] = True
    rules = _posting(app)
    assert len(rules) >= 13
    for rule in rules:
        address = rule.replace("<int:case_id>", str(case_id)).replace("<operation>", "take_back")
        for name in ("request_id", "reply_id", "alert_id"):
            address = address.replace(f"<int:{name}>", "1")
        for token in ({}, {"csrf_token": "wrong"}):
            answer = client.post(address, data={"reason": "x", "do": "grant", "is": "yes", **token})
            assert answer.status_code == 400, rule
    assert wb.assignment(case_id).state == "to_sign"


def test_revealing_is_asked_for_and_on_record(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.in_hand()
    submission = wb.submission(case_id).id
    who = sign_in(client, "huo.yan")
    shown = client.post(f"/work/cases/{case_id}/reveal", data={"submission": submission, "kind": "body"})
    assert "13812345678" in shown.text and shown.headers["Cache-Control"] == "no-store"
    assert "徐晓梅" in client.post(
        f"/work/cases/{case_id}/reveal", data={"submission": submission, "kind": "name"}).text  # fmt: skip
    assert "徐晓梅" not in client.get(f"/work/cases/{case_id}").text
    with wb.db.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "revealed")).all()
    assert [entry.details["kind"] for entry in entries] == ["body", "name"]
    assert {entry.actor_id for entry in entries} == {who.account_id}


def test_a_confidential_writer_stays_unknown_to_the_department(
    wb: Desk, client: FlaskClient, sign_in: SignIn, file_given: FileGiven
) -> None:
    signed = replace(file_given, name="徐晓梅签名.txt")
    case_id = wb.in_hand(
        disclosure="confidential", title="徐晓梅反映夜里打桩", body="徐晓梅，东湖区人，工地夜里打桩。", files=(signed,)
    )
    submission = wb.submission(case_id).id
    with wb.db.write() as session:
        messages.add(session, CITIZEN, wb.clock.now(), submission, "徐晓梅，昨晚又打桩", origin="web",
                     origin_key="more", channel="web")  # fmt: skip
        file = session.scalars(select(Attachment)).one().id
    sign_in(client, "huo.yan")
    page = client.get(f"/work/cases/{case_id}").text
    assert "承办单位不可见" in page and "徐" not in page and "查看姓名" not in page
    assert "***反映夜里打桩" in page and "***，东湖区人" in page and "***，昨晚又打桩" in page
    assert "因实名保密，附件由热线中心核对后转来" in page and f"/work/attachments/{file}" not in page
    for address in (f"/work/attachments/{file}", f"/work/attachments/{file}/file"):
        refused = client.get(address)
        assert refused.status_code == 403 and "徐晓梅" not in refused.text and "热线中心核对后转来" in refused.text
    refused = client.post(f"/work/cases/{case_id}/reveal", data={"submission": submission, "kind": "name"})
    assert refused.status_code == 403 and "徐晓梅" not in refused.text
    sign_in(client, "pei.zhengyu")
    assert "徐**" in client.get(f"/work/cases/{case_id}").text
    assert client.get(f"/work/attachments/{file}/file").data == "现场记录".encode()
    passed = {"files": (io.BytesIO("核对后的现场记录".encode()), "现场记录.txt")}
    client.post(f"/work/cases/{case_id}/files", data=passed, content_type="multipart/form-data")
    with wb.db.read() as session:
        copy = session.scalars(select(Attachment).where(Attachment.case_id == case_id)).one().id
    sign_in(client, "huo.yan")
    assert client.get(f"/work/attachments/{copy}/file").data == "核对后的现场记录".encode()


def test_a_submission_of_another_case_is_not_revealed(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    mine = wb.in_hand()
    other = wb.sent("TC-STJ", title="河水发黑", body="我叫钱多多，河水发黑发臭，打桩一样难受。")
    sign_in(client, "huo.yan")
    answer = client.post(f"/work/cases/{mine}/reveal", data={"submission": wb.submission(other).id, "kind": "name"})
    assert answer.status_code == 404


def test_attachment_in_place_with_range_and_a_policy_of_its_own(
    wb: Desk, client: FlaskClient, sign_in: SignIn, file_given: FileGiven
) -> None:
    wb.sent(files=(file_given,))
    with wb.db.read() as session:
        row = session.scalars(select(Attachment)).one()
    who = sign_in(client, "huo.yan")
    assert f"/work/attachments/{row.id}/file" in client.get(f"/work/attachments/{row.id}").text
    answer = client.get(f"/work/attachments/{row.id}/file")
    assert answer.data == "现场记录".encode()
    assert (
        "sandbox" in answer.headers["Content-Security-Policy"] and answer.headers["X-Content-Type-Options"] == "nosniff"
    )
    part = client.get(f"/work/attachments/{row.id}/file", headers={"Range": "bytes=3-5"})
    assert (part.status_code, part.data) == (206, "场".encode())
    download = client.get(f"/work/attachments/{row.id}/file?download=1")
    assert download.headers["Content-Disposition"].startswith("attachment")
    with wb.db.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "attachment_read")).all()
    assert len(entries) == 3 and {entry.actor_id for entry in entries} == {who.account_id}
    sign_in(client, "an.shuwen")
    assert client.get(f"/work/attachments/{row.id}/file").status_code == 404
    assert client.get(f"/work/attachments/{row.id}").status_code == 404
    assert client.get("/work/attachments/77").status_code == 404


def test_a_table_of_the_list(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.waiting("=1+1 这样的标题", "标题像公式，打桩声很大。")
    who = sign_in(client, "dou.jianping")
    answer = client.post("/work/cases/export", data={"status": "all"})
    rows = list(load_workbook(io.BytesIO(answer.data)).active.values)
    assert rows[1][0] == wb.case(case_id).number and rows[1][1] == "=1+1 这样的标题"
    assert load_workbook(io.BytesIO(answer.data)).active.cell(2, 2).data_type == "s"
    with wb.db.read() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "exported")).one()
    assert (entry.actor_id, entry.details["rows"]) == (who.account_id, 1)
    sign_in(client, "huo.yan")
    assert client.post("/work/cases/export").status_code == 403


@pytest.mark.parametrize(
    ("username", "address"),
    [("pei.zhengyu", "/work/cases?status=all"), ("huo.yan", "/work/cases"), ("pei.zhengyu", "/work/review"),
     ("huo.yan", "/work/"), ("niu.guoqiang", "/work/"), ("dou.jianping", "/work/late")],
)  # fmt: skip
def test_a_list_makes_as_many_queries_for_many_as_for_few(
    wb: Desk, app: flask.Flask, client: FlaskClient, sign_in: SignIn, username: str, address: str
) -> None:
    def fill(first: int, last: int) -> None:
        for n in range(first, last):
            wb.in_hand(title=f"第 {n} 盏路灯", body=f"第 {n} 盏路灯不亮，打桩车撞的。")
            wb.waiting(title=f"第 {n} 处井盖", body=f"第 {n} 处井盖松动，打桩一样响。")

    fill(0, 3)
    wb.later(days=20)
    sign_in(client, username)
    client.get(address)
    database = app.extensions["hub"].get(Database)
    with queries_of(database) as few:
        client.get(address)
    fill(3, 9)
    wb.later(days=20)
    sign_in(client, username)
    with queries_of(database) as many:
        assert client.get(address).status_code == 200
    assert len(many) <= len(few) + 1 and len(many) < 60, "\n".join(many)
