"""Who may open a page, form tokens, what was typed when a session ended."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from core.clock import FixedClock
from core.web import context
from tests.core.web_room import WebRoom

OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def room(tmp_path: Path) -> WebRoom:
    return WebRoom(tmp_path, FixedClock(datetime(2026, 11, 24, 2, tzinfo=UTC)))


def token_in(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page
    return found.group(1)


def test_a_view_without_a_mark_answers_500_and_does_not_run(room: WebRoom) -> None:
    with capture_logs() as logs:
        answer = room.client().get("/unmarked")
    assert answer.status_code == 500
    assert "never" not in answer.text
    assert logs[-1]["event"] == "request_failed" and isinstance(logs[-1]["exc_info"], Exception)


def test_staff_pages_send_a_stranger_to_sign_in_and_back(room: WebRoom) -> None:
    answer = room.client().get("/seen?page=2&q=水管")
    assert answer.status_code == 302
    assert answer.location == "/login?next=%2Fseen%3Fpage%3D2%26q%3D%E6%B0%B4%E7%AE%A1"


def test_a_permission_is_asked(room: WebRoom) -> None:
    client = room.client("anna")
    assert client.get("/seen").text == "seen"
    refused = client.get("/ruled")
    assert refused.status_code == 403
    assert "没有这项权限" in refused.text and "ruled" not in refused.text


def test_a_token_nobody_has_is_no_session(room: WebRoom) -> None:
    assert room.client("mallory").get("/seen").status_code == 302


def test_who_owes_a_new_password_goes_there_first(room: WebRoom) -> None:
    room.people["anna"] = replace(room.people["anna"], owes=("password",))
    client = room.client("anna")
    assert client.get("/seen").location == "/settle"
    assert client.get("/settle").text == "settle here"


def test_navigation_shows_only_what_is_mine_and_exists(room: WebRoom) -> None:
    page = room.client("anna").get("/own").text
    assert "看得到" in page and "看不到" not in page and "没有这页" not in page
    assert "安娜" not in page  # the account page is absent here, so is the link to it


def test_a_form_without_its_token_is_shown_back(room: WebRoom) -> None:
    answer = room.client().post("/write", data={"body": "水管漏了 <b>", "n": ["1", "2"]}, headers=OURS)
    assert answer.status_code == 400
    assert room.got == []
    assert 'action="/write"' in answer.text
    assert '<input type="hidden" name="body" value="水管漏了 &lt;b&gt;">' in answer.text
    assert answer.text.count('name="n"') == 2


def test_the_form_shown_back_can_be_sent(room: WebRoom) -> None:
    client = room.client()
    first = client.post("/write", data={"body": "水管漏了"}, headers=OURS)
    second = client.post("/write", data={"body": "水管漏了", "csrf_token": token_in(first.text)}, headers=OURS)
    assert second.text == "taken" and room.got[0]["body"] == "水管漏了"


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}]
)
def test_another_site_cannot_have_its_form_shown_back(room: WebRoom, headers: dict[str, str]) -> None:
    answer = room.client().post("/write", data={"body": "by another"}, headers=headers)
    assert answer.status_code == 400
    assert "by another" not in answer.text


@pytest.mark.parametrize(("headers", "long"), [({}, 0), (OURS, 90_001)])
def test_what_cannot_be_sent_again_is_given_back_to_be_copied(
    room: WebRoom, headers: dict[str, str], long: int
) -> None:
    typed = "水管漏了</textarea><script>alert(1)</script>" + "l" * long
    data = {
        "body": typed,
        "place": "贡院巷",
        "password": "my-secret-1",
        "again": "my-secret-1",
        "query_code": "12345678",
    }
    answer = room.client().post("/write", data=data, headers=headers)
    assert answer.status_code == 400 and room.got == []
    shown = [
        unescape(one) for one in re.findall(r"<textarea[^>]*readonly[^>]*>\n(.*?)</textarea>", answer.text, re.DOTALL)
    ]
    assert shown == [typed, "贡院巷"]
    assert "<script>alert" not in answer.text and "my-secret-1" not in answer.text and "12345678" not in answer.text
    assert answer.text.index("复制") < answer.text.index("刷新")
    assert 'action="/write"' not in answer.text


def test_a_form_open_for_two_hours_still_goes_through(room: WebRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    client = room.client("anna")
    token = token_in(client.post("/seen", data={"a": "b"}, headers=OURS).text)
    import itsdangerous.timed

    later = itsdangerous.timed.TimestampSigner.get_timestamp
    monkeypatch.setattr(itsdangerous.timed.TimestampSigner, "get_timestamp", lambda self: later(self) + 7300)
    assert client.post("/seen", data={"a": "b", "csrf_token": token}).text == "seen"


def test_providers_need_no_form_token_and_no_session(room: WebRoom) -> None:
    assert room.client().post("/hook", data="<xml/>", content_type="text/xml").text == "<xml/>"


def test_what_was_typed_when_a_session_ended_is_kept_sealed(room: WebRoom) -> None:
    with capture_logs() as logs:
        answer = room.client().post(
            "/seen?x=1", data={"report": "已修好", "password": "p", "csrf_token": "t"}, headers=OURS
        )
    assert answer.status_code == 401 and room.got == []
    sealed = re.search(r'name="kept" value="([^"]+)"', answer.text)
    assert sealed and "已修好" not in sealed.group(1)
    from core.web import kept

    form = kept.unseal(sealed.group(1))
    assert form == kept.Kept("/seen?x=1", (("report", "已修好"),), False)
    assert kept.unseal(sealed.group(1)[:-4] + "AAAA") is None
    assert "已修好" not in str(logs)


def test_a_program_without_session_gets_401_as_json(room: WebRoom) -> None:
    answer = room.client().get("/seen", headers={"Accept": "application/json"})
    assert answer.status_code == 401 and answer.json["code"] == "not_signed_in"


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\nb", ""])
def test_only_addresses_within_the_hub_are_gone_on_to(target: str) -> None:
    assert context.safe_next(target) == ""


def test_an_address_within_the_hub_is_kept() -> None:
    assert context.safe_next("/work/cases?page=2") == "/work/cases?page=2"
