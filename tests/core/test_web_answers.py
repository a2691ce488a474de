"""Headers, hosts, limits, error pages, languages."""

from __future__ import annotations

import errno
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from structlog.testing import capture_logs

from core.clock import FixedClock
from core.web.access import public
from tests.core.web_room import WebRoom


def make(tmp_path: Path, **settings: Any) -> WebRoom:
    return WebRoom(tmp_path, FixedClock(datetime(2026, 11, 24, 2, tzinfo=UTC)), settings)


@pytest.fixture
def room(tmp_path: Path) -> WebRoom:
    return make(tmp_path)


def test_every_answer_carries_the_strict_policy(room: WebRoom) -> None:
    for path in ("/", "/broken", "/nowhere", "/static/core/lx.css", "/healthz"):
        headers = room.client().get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "unsafe-inline" not in policy
        assert "object-src 'none'" in policy and "base-uri 'none'" in policy and "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Strict-Transport-Security" not in headers


def test_pages_have_nothing_inline(room: WebRoom) -> None:
    for path, who in (("/", ""), ("/own", "anna"), ("/nowhere", "")):
        page = room.client(who).get(path).text
        assert " style=" not in page and "<style" not in page and " onclick=" not in page
        assert page.count("<script ") == page.count("<script src=")
        assert page.count("<h1") <= 1 and 'id="main"' in page and 'class="lx-skip"' in page


def test_https_sets_hsts_and_secure_cookies(tmp_path: Path) -> None:
    room = make(tmp_path, public_url="https://12345.example.cn", secret_key="secret-of-tests-" * 3, index_key="")
    answer = room.client().get("/?lang=en", headers={"Host": "12345.example.cn"})
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert "Secure" in answer.headers["Set-Cookie"] and "HttpOnly" in answer.headers["Set-Cookie"]


def test_an_unknown_host_gets_400_but_monitoring_does_not(tmp_path: Path) -> None:
    room = make(tmp_path, public_url="https://12345.example.cn")
    client = room.client()
    assert client.get("/", headers={"Host": "12345.example.cn"}).status_code == 200
    for host in ("evil.example", "12345.example.cn.evil.example", "127.0.0.1:8000"):
        answer = client.get("/", headers={"Host": host})
        assert answer.status_code == 400 and "不是本平台的网址" in answer.text
    assert client.get("/healthz", headers={"Host": "127.0.0.1:8000"}).status_code == 200


def test_without_a_public_address_every_host_will_do(room: WebRoom) -> None:
    assert room.client().get("/", headers={"Host": "10.0.0.7:8000"}).status_code == 200


@pytest.mark.parametrize(("hops", "seen"), [(0, "127.0.0.1"), (1, "203.0.113.9"), (2, "198.51.100.4")])
def test_exactly_the_configured_proxies_are_believed(tmp_path: Path, hops: int, seen: str) -> None:
    room = make(tmp_path, trusted_proxies=hops)
    addresses: list[str] = []
    room.app.before_request(lambda: addresses.append(__import__("flask").request.remote_addr))
    room.client().get("/", headers={"X-Forwarded-For": "192.0.2.66, 198.51.100.4, 203.0.113.9"})
    assert addresses == [seen]


@pytest.mark.parametrize(
    ("path", "method", "status", "words"),
    [
        ("/nowhere", "GET", 404, "没有找到"),
        ("/write", "GET", 405, "按页面上的按钮操作"),
        ("/clash", "GET", 409, "刚被别人改过"),
        ("/broken", "GET", 500, "我们已记录下来"),
    ],
)
def test_errors_are_pages_that_say_what_to_do(room: WebRoom, path: str, method: str, status: int, words: str) -> None:
    answer = room.client().open(path, method=method)
    assert answer.status_code == status and words in answer.text


def test_a_500_shows_and_logs_no_value(room: WebRoom) -> None:
    with capture_logs() as logs:
        answer = room.client().get("/broken")
    assert "13812345678" not in answer.text and "ZeroDivision" not in answer.text and "Traceback" not in answer.text
    assert [entry["event"] for entry in logs] == ["request_failed"]


def test_errors_come_as_json_when_asked(room: WebRoom) -> None:
    answer = room.client().get("/clash", headers={"Accept": "application/json"})
    assert answer.status_code == 409 and answer.json["code"] == "conflict" and "刚被别人改过" in answer.json["message"]


def test_too_large_a_form_gets_413_with_our_sentence(room: WebRoom) -> None:
    answer = room.client().post("/write", data={"body": "字" * 1_000_000})
    assert answer.status_code == 413 and "附件每个不超过 20 MB" in answer.text
    assert room.client().post("/write", data={"body": "a" * 700_000}).status_code == 413
    assert room.got == []


def test_only_the_upload_route_takes_large_bodies(room: WebRoom) -> None:
    def big() -> dict[str, Any]:
        return {"file": (io.BytesIO(b"x" * 3_000_000), "a.bin")}

    assert room.client().post("/write", data=big()).status_code == 413
    room.app.config["WTF_CSRF_ENABLED"] = False
    assert room.client().post("/send", data=big()).text == "1 files"
    assert room.client().post("/send", environ_overrides={"CONTENT_LENGTH": "110000001"}).status_code == 413


def test_too_many_get_429_with_a_sentence(room: WebRoom) -> None:
    room.app.config["WTF_CSRF_ENABLED"] = False
    client = room.client()
    statuses = [client.post("/often").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert "操作得太频繁" in client.post("/often").text


def test_the_language_is_remembered(room: WebRoom) -> None:
    client = room.client()
    assert '<html lang="en"' in client.get("/?lang=en").text
    assert '<html lang="en"' in client.get("/").text
    assert '<html lang="zh-CN"' in client.get("/?lang=zh").text
    assert '<html lang="zh-CN"' in client.get("/?lang=xx").text


def test_static_files_carry_a_mark_of_their_content(room: WebRoom) -> None:
    page = room.client().get("/").text
    assert "/static/core/lx.css?v=" in page
    assert room.client().get("/static/core/lx.js").mimetype in ("text/javascript", "application/javascript")
    assert room.client().get("/static/core/../setup.py").status_code == 404


def test_staff_answers_are_not_stored(room: WebRoom) -> None:
    assert room.client("anna").get("/own").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OperationalError("INSERT", {}, Exception("database or disk is full")), 503),
        (InterfaceError("SELECT", {}, Exception("connection is closed")), 503),
        (OSError(errno.ENOSPC, "No space left on device"), 503),
        (OSError(errno.ENOENT, "No such file"), 500),
        (DataError("INSERT", {}, Exception("too long")), 500),
    ],
)
def test_a_database_that_is_away_asks_for_patience(room: WebRoom, error: Exception, status: int) -> None:
    def fail() -> str:
        raise error

    room.app.view_functions["broken"] = public(fail)
    page = room.client().get("/broken")
    assert (page.status_code, page.headers.get("Retry-After")) == (status, "30" if status == 503 else None)
    assert ("没有提交" in page.text) == (status == 503) and "disk" not in page.text
    told = room.client().get("/broken", headers={"Accept": "application/json"})
    assert (told.status_code, told.json["code"]) == (status, "unavailable" if status == 503 else "internal")
