"""Signing in and out, lock-out, first password, second factor, one-time links, one's own account."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import flask
import pyotp
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from core import audit
from core.clock import FixedClock
from organisations import accounts, passwords
from organisations.administration import security
from organisations.models import Account, Authenticator, WebSession

PASSWORD = "green-lantern-77"
HANDLER = "geng.hao"


@pytest.fixture
def account(city: Any) -> int:
    """An agent with a password of their own."""
    with city.db.write() as session:
        row = session.scalars(select(Account).where(Account.username == HANDLER)).one()
        row.password_hash, row.must_change_password = passwords.hash_password(PASSWORD), False
        return row.id


def enter(client: FlaskClient, password: str = PASSWORD, username: str = HANDLER, **more: str) -> Any:
    return client.post("/login", data={"username": username, "password": password, **more})


def actions(city: Any) -> list[str]:
    with city.db.read() as session:
        return list(session.scalars(select(audit.AuditEntry.action).order_by(audit.AuditEntry.seq)))


def test_the_right_password_begins_a_session(client: FlaskClient, city: Any, account: int) -> None:
    answer = enter(client)
    assert answer.status_code == 302
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert client.get("/work/account").status_code == 200
    assert actions(city)[-1] == "signed_in"


def test_one_goes_on_to_where_one_wanted(client: FlaskClient, account: int) -> None:
    page = client.get("/work/account")
    assert page.location == "/login?next=%2Fwork%2Faccount"
    assert 'name="next" value="/work/account"' in client.get(page.location).text
    assert enter(client, next="/work/account").location == "/work/account"


def test_another_site_is_not_gone_on_to(client: FlaskClient, account: int) -> None:
    assert enter(client, next="//evil.example").location.startswith("/")
    assert "evil" not in enter(client, next="//evil.example").location


@pytest.mark.parametrize(("username", "password"), [(HANDLER, "wrong-password"), ("nobody.here", PASSWORD)])
def test_wrong_name_and_wrong_password_answer_alike(
    client: FlaskClient, account: int, username: str, password: str
) -> None:
    answer = enter(client, password, username)
    assert answer.status_code == 401
    assert "用户名或密码不正确" in answer.text
    assert password not in answer.text
    assert client.get("/work/account").status_code == 302


def test_empty_fields_are_named(client: FlaskClient) -> None:
    answer = client.post("/login", data={})
    assert answer.status_code == 400
    assert 'href="#username"' in answer.text and 'href="#password"' in answer.text


def test_five_wrong_tries_lock_and_time_opens(client: FlaskClient, clock: FixedClock, account: int) -> None:
    for _ in range(5):
        assert enter(client, "wrong-password").status_code == 401
    locked = enter(client)
    assert locked.status_code == 429 and "已暂停登录" in locked.text
    clock.advance(timedelta(minutes=16))
    assert enter(client).status_code == 302


def test_sql_and_script_in_the_fields_do_nothing(client: FlaskClient, account: int) -> None:
    answer = enter(client, "' OR 1=1 --", "'; DROP TABLE accounts; --<script>")
    assert answer.status_code == 401 and "<script>" not in answer.text.split("<main")[1].split("</main>")[0]


def test_signing_out_ends_the_session_for_good(client: FlaskClient, city: Any, account: int) -> None:
    enter(client)
    cookie = client.get_cookie("lx_staff")
    assert cookie is not None
    assert client.post("/logout").location == "/login"
    client.set_cookie("lx_staff", cookie.value)
    assert client.get("/work/account").status_code == 302
    assert actions(city)[-1] == "signed_out"


def test_an_idle_session_ends(client: FlaskClient, clock: FixedClock, account: int) -> None:
    enter(client)
    clock.advance(timedelta(minutes=59))
    assert client.get("/work/account").status_code == 200
    clock.advance(timedelta(minutes=61))
    assert client.get("/work/account").status_code == 302


def test_the_first_password_has_to_be_changed_before_anything_opens(
    client: FlaskClient, city: Any, account: int
) -> None:
    with city.db.write() as session:
        session.get_one(Account, account).must_change_password = True
    enter(client)
    assert client.get("/work/account").location == "/work/account/password"
    page = client.get("/work/account/password").text
    assert "第一次登录，请先改密码" in page and 'class="lx-side"' not in page
    form = {"old": PASSWORD, "password": "quiet-harbour-31", "again": "quiet-harbour-31"}
    assert client.post("/work/account/password", data=form).status_code == 302
    assert client.get("/work/account").status_code == 200


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"old": "wrong", "password": "quiet-harbour-31", "again": "quiet-harbour-31"}, "old"),
        ({"old": PASSWORD, "password": "short", "again": "short"}, "password"),
        ({"old": PASSWORD, "password": PASSWORD, "again": PASSWORD}, "password"),
        ({"old": PASSWORD, "password": "quiet-harbour-31", "again": "other"}, "again"),
    ],
)
def test_a_wrong_change_says_which_field(client: FlaskClient, account: int, form: dict[str, str], field: str) -> None:
    enter(client)
    answer = client.post("/work/account/password", data=form)
    assert answer.status_code == 400 and f'href="#{field}"' in answer.text
    assert PASSWORD not in answer.text


def test_changing_the_password_ends_other_sessions(app: flask.Flask, client: FlaskClient, account: int) -> None:
    other = app.test_client()
    enter(client), enter(other)
    form = {"old": PASSWORD, "password": "quiet-harbour-31", "again": "quiet-harbour-31"}
    client.post("/work/account/password", data=form)
    assert client.get("/work/account").status_code == 200
    assert other.get("/work/account").status_code == 302


def secret_shown(page: str) -> str:
    found = re.search(r'class="lx-once lx-num">([A-Z2-7 ]+)<', page)
    assert found, page
    return found.group(1).replace(" ", "")


def enrol(client: FlaskClient, clock: FixedClock) -> pyotp.TOTP:
    page = client.post("/work/account/totp", data={"do": "begin", "password": PASSWORD})
    assert "<svg" in page.text and 'class="lx-qr"' in page.text and "style=" not in page.text
    totp = pyotp.TOTP(secret_shown(page.text))
    done = client.post("/work/account/totp", data={"do": "confirm", "code": totp.at(clock.now())})
    assert done.location == "/work/account"
    return totp


def test_a_second_factor_is_enrolled_and_asked_for(client: FlaskClient, clock: FixedClock, account: int) -> None:
    enter(client)
    totp = enrol(client, clock)
    client.post("/logout")
    clock.advance(timedelta(minutes=1))
    step = enter(client)
    assert step.status_code == 200 and 'id="code"' in step.text and PASSWORD not in step.text
    sealed = re.search(r'name="step" value="([^"]+)"', step.text)
    assert sealed
    wrong = client.post("/login", data={"step": sealed.group(1), "code": "000000"})
    assert wrong.status_code == 401 and "动态口令不正确" in wrong.text
    right = client.post("/login", data={"step": sealed.group(1), "code": totp.at(clock.now())})
    assert right.status_code == 302
    assert client.get("/work/account").status_code == 200


def test_the_first_step_grows_old(client: FlaskClient, clock: FixedClock, account: int) -> None:
    enter(client)
    totp = enrol(client, clock)
    client.post("/logout")
    step = re.search(r'name="step" value="([^"]+)"', enter(client).text)
    assert step
    clock.advance(timedelta(minutes=6))
    answer = client.post("/login", data={"step": step.group(1), "code": totp.at(clock.now())})
    assert answer.status_code == 400 and "停留太久" in answer.text


def test_enrolling_needs_the_password_and_the_right_code(client: FlaskClient, city: Any, account: int) -> None:
    enter(client)
    assert client.post("/work/account/totp", data={"do": "begin", "password": "wrong"}).status_code == 400
    client.post("/work/account/totp", data={"do": "begin", "password": PASSWORD})
    wrong = client.post("/work/account/totp", data={"do": "confirm", "code": "000000"})
    assert wrong.status_code == 400 and "<svg" in wrong.text
    with city.db.read() as session:
        assert session.scalars(select(Authenticator)).one().confirmed_at is None


def test_a_role_can_demand_a_second_factor(client: FlaskClient, city: Any, clock: FixedClock, account: int) -> None:
    with city.db.write() as session:
        security.require_totp(session, admin(city), clock.now(), "agent", True)
    enter(client)
    assert client.get("/work/account").location == "/work/account/totp"
    enrol(client, clock)
    assert client.get("/work/account").status_code == 200


def admin(city: Any) -> Any:
    """Whoever administers accounts in the demonstration city."""
    from organisations.people import actor_for
    from tests.conftest import AT

    with city.db.read() as session:
        for account_id in session.scalars(select(Account.id)):
            actor = actor_for(session, account_id, AT)
            if actor.can("admin.accounts"):
                return actor
    raise AssertionError("no security administrator")


def test_a_reset_link_works_once(client: FlaskClient, city: Any, clock: FixedClock, account: int) -> None:
    with city.db.write() as session:
        token = accounts.issue_reset_link(session, admin(city), clock.now(), account)
    page = client.get(f"/reset/{token}")
    assert page.status_code == 200 and page.headers["Referrer-Policy"] == "no-referrer"
    form = {"password": "quiet-harbour-31", "again": "quiet-harbour-31"}
    short = client.post(f"/reset/{token}", data={"password": "x", "again": "x"})
    assert short.status_code == 400 and "至少 10 位" in short.text
    assert client.post(f"/reset/{token}", data=form).location == "/login"
    used = client.post(f"/reset/{token}", data=form)
    assert used.status_code == 410 and "重置链接已失效" in used.text
    assert client.get(f"/reset/{token}").status_code == 410
    assert enter(client, "quiet-harbour-31").status_code == 302


def test_a_reset_link_ends_after_a_day(client: FlaskClient, city: Any, clock: FixedClock, account: int) -> None:
    with city.db.write() as session:
        token = accounts.issue_reset_link(session, admin(city), clock.now(), account)
    clock.advance(timedelta(hours=24))
    assert client.get(f"/reset/{token}").status_code == 410


def test_signing_out_everywhere(app: flask.Flask, client: FlaskClient, city: Any, account: int) -> None:
    other = app.test_client()
    enter(client), enter(other)
    client.post("/work/account/sign-out")
    assert other.get("/work/account").status_code == 302
    with city.db.read() as session:
        assert all(row.ended_at for row in session.scalars(select(WebSession)))


def test_own_settings_are_kept_and_shown(client: FlaskClient, city: Any, account: int) -> None:
    enter(client)
    client.post("/work/account/settings", data={"dark": "1", "keys_off": "1"})
    page = client.get("/work/account").text
    assert 'data-lx-theme="dark"' in page and 'data-lx-keys="off"' in page
    client.post("/work/account/settings", data={})
    assert 'data-lx-theme="dark"' not in client.get("/work/account").text


def test_what_was_typed_before_the_session_ended_can_be_sent_after(
    app: flask.Flask, client: FlaskClient, clock: FixedClock, account: int
) -> None:
    enter(client)
    clock.advance(timedelta(minutes=61))
    headers = {"Sec-Fetch-Site": "same-origin"}
    ended = client.post("/work/account/settings", data={"dark": "1"}, headers=headers)
    assert ended.status_code == 401 and "您填的内容都在" in ended.text
    kept = re.search(r'name="kept" value="([^"]+)"', ended.text)
    assert kept
    again = enter(client, kept=kept.group(1))
    assert again.status_code == 200 and 'action="/work/account/settings"' in again.text
    assert '<input type="hidden" name="dark" value="1">' in again.text
    assert client.post("/work/account/settings", data={"dark": "1"}).status_code == 302


def test_forms_need_their_token(app: flask.Flask, account: int) -> None:
    browser = app.test_client()
    assert enter(browser).status_code == 400
    page = browser.get("/login").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    assert enter(browser, csrf_token=token.group(1)).status_code == 302
    assert browser.post("/logout").status_code == 400
