"""What is thrown at the hub's doors: each gets a clear sentence or a plain 4xx, and nothing is lost or leaked."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select

import wiring
from app import create_app
from benchmarks.fuzz_webhooks import _requests, fuzz_settings, run
from cases.models import Attachment, Submission
from cases.operations import classification
from cases.operations.classification import Suggestion
from core.clock import FixedClock
from core.config import Settings, SettingsError, load_settings
from core.database import Database
from core.errors import Invalid
from core.sheets import read_rows, write_xlsx
from organisations.people import Actor
from search.service import SearchService
from tests.portal.conftest import form
from tests.security.routes import counted, routes
from tests.workbench.conftest import Desk

SignIn = Callable[[FlaskClient, str], Actor]
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
OFFICE = "application/vnd.openxmlformats-officedocument."


# --- settings ---------------------------------------------------------------------------------------------------------

WRONG = {
    "port": "eighty", "public_url": "12345.example.cn/path", "field_cipher": "rot13", "database_url": "mysql://x",
    "broker_url": "smtp://x", "trusted_proxies": "-1", "policy_set": "none", "log_level": "LOUD", "channels": "pigeon",
    "field_keys": "k1", "index_key": "i1:short", "search_url": "nonsense", "media_url": "s3://x",
    "wechat_aes_key": "short", "wechat_api_base": "nonsense", "twilio_api_base": "nonsense",
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_malformed_setting_is_named(tmp_path: Path, name: str) -> None:
    needed = {
        "channels": "wechat,sms", "wechat_token": "t", "wechat_app_id": "wx1", "twilio_account_sid": "AC1",
        "twilio_auth_token": "t", "twilio_from": "+8657112345000",
    }  # fmt: skip
    with pytest.raises(SettingsError) as refused:
        wiring.build(load_settings(data_dir=tmp_path, **{**needed, name: WRONG[name]}))
    assert f"HUB_{name.upper()}" in str(refused.value) or WRONG[name] in str(refused.value)


@pytest.mark.parametrize("name", ["wechat_token", "twilio_account_sid", "twilio_auth_token", "twilio_from"])
def test_a_missing_secret_of_a_channel_is_named(tmp_path: Path, name: str) -> None:
    needed = {"wechat_token": "t", "twilio_account_sid": "AC1", "twilio_auth_token": "t", "twilio_from": "+86571"}
    with pytest.raises(SettingsError, match=f"HUB_{name.upper()}"):
        wiring.build(load_settings(data_dir=tmp_path, channels="wechat,sms", **{**needed, name: ""}))


@pytest.mark.parametrize("secret", ["change-me", "dev", "password", "short"])
@pytest.mark.parametrize("name", ["secret_key", "index_key"])
def test_a_default_secret_with_a_public_address(name: str, secret: str) -> None:
    with pytest.raises(SettingsError, match=f"HUB_{name.upper()}"):
        load_settings(public_url="https://12345.example.cn", **{name: secret})


def test_another_host_is_not_answered(settings: Settings, clock: FixedClock) -> None:
    public = settings.model_copy(update={"public_url": "https://12345.example.cn"})
    app = create_app(public, clock=clock)
    client = app.test_client()
    for route in routes(app, "GET"):
        if route.kind == "operations":
            continue
        for host in ("evil.example", "12345.example.cn.evil.example", "12345.example.cn@evil", "a b", "[::1"):
            answer = client.get(route.of(), headers={"Host": host, "X-Forwarded-Host": "12345.example.cn"})
            assert answer.status_code in (400, 404) or route.kind == "provider", (route.rule, host)
            assert "evil" not in answer.text and "evil" not in answer.headers.get("Location", "")
    assert client.get("/guide", base_url="https://12345.example.cn").status_code == 200
    app.extensions["hub"].get(Database).dispose()


# --- files ------------------------------------------------------------------------------------------------------------


def archive(*members: tuple[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members:
            made.writestr(name, data)
    return held.getvalue()


def office(kind: str, more: bytes = b"") -> bytes:
    main = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml"}[kind]
    return archive(("[Content_Types].xml", b"<Types/>"), (main, b"<x/>"), ("media/a.xml", more))


BOMB = b"0" * 300_000_000
BAD_FILES = {
    "zip bomb as docx": ("说明.docx", lambda: office("docx", BOMB), OFFICE + "wordprocessingml.document"),
    "zip bomb as xlsx": ("表格.xlsx", lambda: office("xlsx", BOMB), OFFICE + "spreadsheetml.sheet"),
    "program as photo": ("照片.jpg", lambda: b"MZ\x90\x00" + b"\0" * 400, "image/jpeg"),
    "script as photo": ("照片.png", lambda: b"#!/bin/sh\nrm -rf /\n", "image/png"),
    "page as photo": ("照片.jpg", f"<html>{SCRIPT}</html>".encode, "image/jpeg"),
    "drawing with script": ("图.svg", f"<svg xmlns='http://www.w3.org/2000/svg'>{SCRIPT}</svg>".encode, "image/png"),
    "archive": ("资料.zip", lambda: archive(("a.exe", b"MZ")), "application/pdf"),
    "broken photo": ("照片.jpg", lambda: b"\xff\xd8\xff\xe0" + b"\0" * 200, "image/jpeg"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_lies_is_refused_with_a_sentence(wb: Desk, client: FlaskClient, name: str) -> None:
    file_name, data, kind = BAD_FILES[name]
    sent = form(files=(io.BytesIO(data()), file_name, kind))
    answer = client.post("/submit", data=sent, content_type="multipart/form-data")
    assert answer.status_code == 400 and f"“{file_name}”" in answer.text
    assert form()["body"] in answer.text  # what was typed is still there
    assert counted(wb.db)["attachments"] == 0


NAMES = (
    "../../../etc/cron.d/x.txt", "..\\..\\windows\\x.txt", "/etc/passwd.txt", "a\x00b.txt", "\u202etxt.exe.txt",
    "字" * 400 + ".txt", SCRIPT + ".txt", 'x"\r\nSet-Cookie: a=b.txt',
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_path_in_a_file_name_leads_nowhere(
    wb: Desk, client: FlaskClient, sign_in: SignIn, settings: Settings, name: str
) -> None:
    before = {path for path in settings.data_dir.rglob("*") if path.is_file()}
    sent = form(files=(io.BytesIO("现场记录".encode()), name, "text/plain"))
    answer = client.post("/submit", data=sent, content_type="multipart/form-data")
    assert answer.status_code in (303, 400)
    made = {path for path in settings.data_dir.rglob("*") if path.is_file()} - before
    assert all(path.is_relative_to(settings.data_dir) and "passwd" not in path.name for path in made)
    with wb.db.read() as session:
        kept = session.scalars(select(Attachment)).all()
        for row in kept:
            assert row.name and not set("/\\\x00\r\n\u202e") & set(row.name) and len(row.name) <= 100
    for row in kept:
        sign_in(client, "shangguan.min")
        page = client.get(f"/work/attachments/{row.id}")
        assert SCRIPT not in page.text
        file = client.get(f"/work/attachments/{row.id}/file?download=1")
        assert "Set-Cookie: a=b" not in str(file.headers)


# --- tables -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", ["=", "+", "-", "@", "\t=", "\r=", " =", "＝"])
def test_a_formula_is_written_as_text(head: str) -> None:
    value = f'{head}HYPERLINK("http://evil.example")'
    cell = load_workbook(io.BytesIO(write_xlsx([[value]], "表"))).active["A1"]
    assert cell.data_type == "s" and cell.hyperlink is None


TABLES = {
    "nothing": b"", "blanks": b"\n\n\n", "null": b"a,b\n\x00,\x00\n", "quote left open": b'title,body\n"a,b\n' * 50,
    "binary": bytes(range(256)) * 40, "one long line": b"x" * 3_000_000,
    "mixed encodings": "标题,内容\n".encode() + "标题".encode("gb18030"),
    "archive": archive(("a", b"b")), "half a character": "标题".encode()[:-1],
}  # fmt: skip


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.parametrize("name", TABLES)
def test_a_mangled_table_is_read_or_refused_with_a_sentence(name: str, ending: str) -> None:
    try:
        assert all(isinstance(cell, str) for row in read_rows(TABLES[name], f"表.{ending}") for cell in row)
    except Invalid as refused:
        assert "“表." in refused.fields["file"]


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kept"),
    [("😀" * 40, False), ("\u202e\u2066\u200f" * 20, False), ("\x01\x02\x7f" * 20, False), ("。，！？" * 20, False),
     ("字" * 1_000_000, False),
     ("路灯\u202e不亮\x00了，\x1b[31m孩子晚上回家看不见路。", True), ("路灯不亮😀，孩子晚上回家看不见路。" * 3, True)],
)  # fmt: skip
def test_texts_that_say_nothing_or_hide_something(wb: Desk, client: FlaskClient, text: str, kept: bool) -> None:
    answer = client.post("/submit", data=form(body=text))
    with wb.db.read() as session:
        stored = session.scalars(select(Submission)).all()
    if kept:
        assert answer.status_code == 303 and len(stored) == 1
        assert not set("\u202e\x00\x1b\u2066") & set(stored[0].body_masked)
    else:
        assert answer.status_code in (400, 413) and stored == []
        assert "请" in answer.text


def test_script_in_every_field_is_shown_as_words(
    wb: Desk, app: flask.Flask, client: FlaskClient, sign_in: SignIn
) -> None:
    """Through every field of the form, the progress page, and every page of the officers."""
    fields: dict[str, Any] = {
        name: f"{SCRIPT}{name}小区东侧工地夜里打桩到凌晨" for name in ("title", "body", "place", "who", "name", "joint")
    }
    done = client.post("/submit", data=form(**fields, behalf="1", behalf_of=SCRIPT, behalf_phone="13812345678"))
    assert done.status_code in (303, 400)
    if done.status_code == 400:
        assert SCRIPT not in done.text
        done = client.post(
            "/submit", data=form(title=fields["title"][:50], body=fields["body"], place=fields["place"][:60])
        )
    assert done.status_code == 303
    assert SCRIPT not in client.get("/submit/done").text
    with wb.db.read() as session:
        row = session.scalars(select(Submission)).one()
    assert SCRIPT not in client.get("/progress").text
    client.post("/progress/add", data={"text": SCRIPT + "补充一句"})
    assert SCRIPT not in client.get("/progress").text
    app.extensions["hub"].get(SearchService).ensure()
    from cases.operations import base

    with wb.db.read() as session:
        case_id = base.case_of(session, row.id).id
    for username in ("shangguan.min", "niu.guoqiang", "fang.yating"):
        who = sign_in(client, username)
        for route in routes(app, "GET", "/work") + routes(app, "GET", "/desk"):
            answer = client.get(route.of({"case_id": case_id, "submission_id": row.id}), query_string={"status": "all"})
            assert "<script>alert" not in answer.text and "<img src=x" not in answer.text, (route.rule, who.account_id)
    with wb.db.write() as session:
        classification.record(session, wb.clock.now(), case_id, Suggestion(level1="城乡建设", nature="投诉"))
    sign_in(client, "shangguan.min")
    page = client.get(f"/work/cases/{case_id}")
    assert page.status_code == 200 and "<script>alert" not in page.text
    shown = client.post(f"/work/cases/{case_id}/reveal", data={"submission": row.id, "kind": "body"})
    assert shown.status_code == 200 and "<script>alert" not in shown.text and "&lt;script&gt;" in shown.text


CHANNEL_SETTINGS = (
    "public_url", "channels", "wechat_token", "twilio_account_sid", "twilio_auth_token", "twilio_from",
)  # fmt: skip


# --- webhooks ---------------------------------------------------------------------------------------------------------


def test_forged_and_repeated_deliveries_of_both_channels(settings: Settings, clock: FixedClock, wb: Desk) -> None:
    """Against the whole hub: a forged one leaves nothing, a repeated one is answered alike and stored once."""
    import random

    secrets = {name: getattr(fuzz_settings(), name) for name in CHANNEL_SETTINGS}
    app = create_app(settings.model_copy(update=secrets), clock=clock)
    client = app.test_client()
    before = counted(wb.db)
    taken = 0
    for path, query, headers, body in _requests(random.Random(3), 60, fuzz_settings(), clock.now()):
        url = {"path": path, "base_url": "https://12345.example.cn", "headers": headers, "data": body}
        false = {**headers, **({"X-Twilio-Signature": "AAAA"} if "X-Twilio-Signature" in headers else {})}
        forged = client.post(**{**url, "headers": false}, query_string=query.replace("signature=", "signature=0"))
        assert forged.status_code == 403
        assert counted(wb.db) == before
        first = client.post(**url, query_string=query)
        assert first.status_code < 500
        before = counted(wb.db)
        again = client.post(**url, query_string=query)
        assert again.status_code == first.status_code and counted(wb.db) == before
        taken += first.status_code == 200
    assert taken >= 15
    app.extensions["hub"].get(Database).dispose()


@pytest.mark.slow
def test_two_thousand_generated_bodies_to_the_whole_hub(settings: Settings, clock: FixedClock) -> None:
    """`hub bench fuzz` sends 10,000 to the door alone; here intake and what follows take them too."""
    secrets = {name: getattr(fuzz_settings(), name) for name in CHANNEL_SETTINGS}
    app = create_app(settings.model_copy(update=secrets), clock=clock)
    client = app.test_client()
    result = run(2000, seed=11, client=client, at=clock.now())
    assert result.server_errors == 0, result.worst[:3]
    assert result.stumbled == 0 and result.parsed >= 0.8
    app.extensions["hub"].get(Database).dispose()
