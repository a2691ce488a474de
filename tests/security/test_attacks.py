"""Guessing in parallel, two at once, a token used again, a session handed over, an address that leads away."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import flask
import pyotp
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app import create_app
from cases.models import Assignment, CodeAttempt, Submission
from cases.operations import codes
from core.clock import FixedClock
from core.config import Settings
from core.database import Database
from organisations import passwords, sessions, signing_in
from organisations.errors import CodeWrong, SignInLocked, SignInRefused
from organisations.models import Account, Authenticator, WebSession
from organisations.people import Actor
from tests.portal.conftest import form
from tests.security.routes import routes
from tests.workbench.conftest import Desk

SignIn = Callable[[FlaskClient, str], Actor]
PASSWORD, USER = "green-lantern-77", "geng.hao"


def at_once(count: int, do: Callable[[int], Any]) -> list[Any]:
    """What came of doing something so often at the same moment; an error is what came of it as well."""
    start = threading.Barrier(count)

    def one(number: int) -> Any:
        start.wait()
        try:
            return do(number)
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.fixture
def account(wb: Desk) -> int:
    with wb.db.write() as session:
        row = session.scalars(select(Account).where(Account.username == USER)).one()
        row.password_hash, row.must_change_password = passwords.hash_password(PASSWORD), False
        return row.id


# --- guessing ---------------------------------------------------------------------------------------------------------


def test_a_code_guessed_from_many_places_at_once(wb: Desk, app: flask.Flask) -> None:
    """Twelve askers, each from an address of its own: the number itself is slowed after five."""
    app.config["WTF_CSRF_ENABLED"] = False
    submission = wb.submission(wb.in_hand())
    with wb.db.write() as session:
        code = codes.issue(session, wb.clock.now(), session.get_one(Submission, submission.id))
    wrong = f"{(int(code) + 1) % 10**8:08d}"

    def guess(number: int) -> tuple[int, str]:
        answer = app.test_client().post(
            "/progress", data={"number": submission.number, "query_code": wrong},
            environ_base={"REMOTE_ADDR": f"10.1.0.{number}"},
        )  # fmt: skip
        return answer.status_code, answer.text

    said = at_once(12, guess)
    assert all(isinstance(one, tuple) and one[0] in (404, 429) for one in said), [one[0] for one in said]
    with wb.db.read() as session:
        failures = session.scalars(select(CodeAttempt.failures).where(CodeAttempt.kind == "number")).one()
    assert failures == codes.FREE_TRIES + 1  # the others were turned away unjudged
    late = app.test_client().post("/progress", data={"number": submission.number, "query_code": code})
    assert late.status_code != 303 and "请" in late.text  # not even the right one, from a stranger


def test_passwords_guessed_at_once_lock_the_name(wb: Desk, account: int) -> None:
    def guess(number: int) -> Any:
        return signing_in.sign_in(wb.db, wb.clock, USER, f"wrong-{number}", None, f"10.2.0.{number}")

    said = at_once(10, guess)
    assert all(isinstance(one, SignInRefused) for one in said)
    with pytest.raises(SignInLocked):
        signing_in.sign_in(wb.db, wb.clock, USER, PASSWORD, None, "10.9.9.9")


def test_one_address_that_tries_many_names_is_locked(wb: Desk, account: int) -> None:
    for number in range(signing_in._ADDRESS_FAILURES):
        with pytest.raises(SignInRefused):
            signing_in.sign_in(wb.db, wb.clock, f"nobody.{number}", "wrong-password", None, "10.3.0.1")
    with pytest.raises(SignInRefused):
        signing_in.sign_in(wb.db, wb.clock, USER, PASSWORD, None, "10.3.0.1")
    assert signing_in.sign_in(wb.db, wb.clock, USER, PASSWORD, None, "10.3.0.2").account_id == account


def test_a_one_time_code_works_once_even_at_once(wb: Desk, account: int) -> None:
    from organisations import totp

    secret = pyotp.random_base32()
    with wb.db.write() as session:
        row = Authenticator(account_id=account, kind="totp", created_at=wb.clock.now())
        row.secret, row.last_used_step = secret, 0
        row.confirmed_at = wb.clock.now()
        session.add(row)
    with wb.db.read() as session:
        assert totp.enrolled(session, account)
    code = pyotp.TOTP(secret).at(wb.clock.now())
    said = at_once(4, lambda number: signing_in.sign_in(wb.db, wb.clock, USER, PASSWORD, code, f"10.4.0.{number}"))
    assert len([one for one in said if isinstance(one, signing_in.SignedIn)]) == 1, said
    assert all(isinstance(one, (signing_in.SignedIn, CodeWrong, SignInRefused)) for one in said)
    with pytest.raises((CodeWrong, SignInRefused)):
        signing_in.sign_in(wb.db, wb.clock, USER, PASSWORD, code, "10.4.0.9")


# --- two at once ------------------------------------------------------------------------------------------------------


def test_two_officers_on_one_case(wb: Desk, app: flask.Flask, sign_in: SignIn) -> None:
    """Both send it on at the same moment: one does, the other is told what changed and keeps what was typed."""
    app.config["WTF_CSRF_ENABLED"] = False
    case_id = wb.waiting()
    clients = [app.test_client(), app.test_client()]
    for client, username in zip(clients, ("pei.zhengyu", "ji.siyuan"), strict=True):
        sign_in(client, username)
    seen, lead = wb.seen(case_id), wb.city.organisation("TC-CGJ")

    def send(number: int) -> Any:
        form = {**seen, "lead": lead, "instruction": f"第{number}位：请从速办理"}
        return clients[number].post(f"/work/cases/{case_id}/do/assign", data=form)

    said = at_once(2, send)
    codes_ = sorted(answer.status_code for answer in said)
    assert codes_ in ([302, 409], [303, 409]), [(answer.status_code, answer.text[-800:]) for answer in said]
    loser = next(answer for answer in said if answer.status_code == 409)
    assert "位：请从速办理" in loser.text
    with wb.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Assignment).where(Assignment.case_id == case_id)) == 1


def test_a_form_token_used_again_with_other_words(wb: Desk, client: FlaskClient) -> None:
    """What was sent first stands; the second is told its number and changes nothing, and nobody else gets its code."""
    given = form()
    assert client.post("/submit", data=given).status_code == 303
    other = {**given, "body": "换了一段完全不同的话，说的是河水发黑发臭的事情，请派人来看。", "title": "河水发黑"}
    assert client.post("/submit", data=other).status_code in (303, 400, 409)
    with wb.db.read() as session:
        rows = session.scalars(select(Submission)).all()
    first = next(row for row in rows if row.origin_key == given["form_token"])
    assert first.body == given["body"]
    assert len([row for row in rows if row.origin_key == given["form_token"]]) == 1


def test_one_form_sent_twelve_times_at_once_is_one(wb: Desk, app: flask.Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    given = form()
    said = at_once(12, lambda _number: app.test_client().post("/submit", data=given).status_code)
    assert said == [303] * 12
    with wb.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Submission)) == 1


# --- sessions and addresses -------------------------------------------------------------------------------------------


def test_a_session_brought_along_is_not_the_one_that_begins(wb: Desk, client: FlaskClient, account: int) -> None:
    planted = "planted-by-somebody-else-0000000000000000000"
    client.set_cookie("lx_staff", planted)
    answer = client.post("/login", data={"username": USER, "password": PASSWORD})
    assert answer.status_code == 302
    mine = client.get_cookie("lx_staff")
    assert mine is not None and mine.value != planted and len(mine.value) >= 40
    with wb.db.read() as session:
        digests = session.scalars(select(WebSession.digest)).all()
    assert sessions.digest_of(planted) not in digests and mine.value not in digests
    client.set_cookie("lx_staff", planted)
    assert client.get("/work/account").status_code == 302


@pytest.mark.parametrize("secure", [False, True])
def test_cookies_are_for_this_hub_alone(
    settings: Settings, clock: FixedClock, wb: Desk, account: int, secure: bool
) -> None:
    url = "https://12345.example.cn" if secure else ""
    app = create_app(settings.model_copy(update={"public_url": url}), clock=clock)
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    base = url or "http://localhost"
    answers = [client.get(path, base_url=base) for path in ("/submit", "/login", "/guide?lang=en")]
    answers.append(client.post("/login", base_url=base, data={"username": USER, "password": PASSWORD}))
    cookies = [cookie for answer in answers for cookie in answer.headers.getlist("Set-Cookie")]
    assert len(cookies) >= 2
    for cookie in cookies:
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Domain=" not in cookie, cookie
        assert ("Secure" in cookie) == secure, cookie
    assert any(cookie.startswith("__Host-lx_staff=" if secure else "lx_staff=") for cookie in cookies)
    app.extensions["hub"].get(Database).dispose()


AWAY = (
    "//evil.example", "/\\evil.example", "https://evil.example", "\\\\evil.example", "/\t/evil.example",
    "javascript:alert(1)",
    "/%0d%0aSet-Cookie:a=b", "/work\r\nSet-Cookie: a=b", "///evil.example", " //evil.example", "/..//evil.example/",
    "http:evil.example", "/\u2028/evil.example", "/x@evil.example",
)  # fmt: skip


@pytest.mark.parametrize("target", AWAY)
def test_nobody_is_led_away_after_signing_in(client: FlaskClient, account: int, target: str) -> None:
    page = client.get("/login", query_string={"next": target})
    hidden = re.search(r'name="next" value="([^"]*)"', page.text)
    assert hidden is None or not re.match(r"(//|\\|https?:|javascript:|\s)", hidden[1])
    answer = client.post("/login", query_string={"next": target},
                         data={"username": USER, "password": PASSWORD, "next": target})  # fmt: skip
    assert answer.status_code == 302
    assert re.fullmatch(r"/(?![/\\])[^\r\n\t\\]*", answer.headers["Location"]), answer.headers["Location"]
    assert not any("a=b" in cookie for cookie in answer.headers.getlist("Set-Cookie"))


def test_no_argument_makes_a_header(app: flask.Flask, client: FlaskClient, sign_in: SignIn, wb: Desk) -> None:
    sign_in(client, "shangguan.min")
    value = "en\r\nX-Made: yes"
    for route in routes(app, "GET"):
        answer = client.get(route.of(), query_string={"lang": value, "next": f"/x{value}", "q": value, "name": value})
        assert "X-Made" not in answer.headers, route.rule
        assert not any("\n" in part or "\r" in part for _name, part in answer.headers), route.rule
