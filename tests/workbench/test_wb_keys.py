"""The review queue by keyboard, in a browser: another department by figure, sent with Enter, taken back with Z."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import flask
import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect, sync_playwright
from sqlalchemy import select
from werkzeug.serving import make_server

from organisations import sessions
from organisations.models import Account
from organisations.people import Actor
from tests.workbench.conftest import Desk

pytestmark = pytest.mark.chromium
SignIn = Callable[[FlaskClient, str], Actor]


@pytest.fixture
def officer_page(wb: Desk, app: flask.Flask, free_port: int) -> Iterator[Page]:
    """A browser in which 裴正宇 is signed in; any error that it reports fails the test."""
    server = make_server("127.0.0.1", free_port, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with wb.db.write() as session:
        account = session.scalars(select(Account).where(Account.username == "pei.zhengyu")).one()
        account.must_change_password = False
        token = sessions.start(session, account.id, wb.clock.now())
    said: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        base = f"http://127.0.0.1:{free_port}"
        context = browser.new_context(base_url=base)
        context.add_cookies([{"name": "lx_staff", "value": token, "url": base}])
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        yield page
        browser.close()
    server.shutdown()
    assert said == []


def test_by_figure_enter_and_undo(wb: Desk, officer_page: Page) -> None:
    first = wb.waiting()
    second = wb.waiting("二环路井盖松动", "二环路口井盖松动，车过就响，夜里吵人。")
    page = officer_page
    page.goto("/work/review")
    page.keyboard.press("1")
    send = page.locator("[data-lx-send]")
    expect(send).to_contain_text("派往市生态环境局")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**case={second}*")
    assert wb.assignment(first).organisation_id == wb.city.organisation("TC-STJ")
    expect(page.locator("button[aria-keyshortcuts=z]")).to_be_visible()
    page.keyboard.press("z")
    page.wait_for_url(f"**case={first}*")
    assert wb.case(first).stage == "review"


def test_next_edit_and_leaving_a_field(wb: Desk, officer_page: Page) -> None:
    first = wb.waiting()
    second = wb.waiting("二环路井盖松动", "二环路口井盖松动，车过就响，夜里吵人。")
    page = officer_page
    page.goto(f"/work/review?case={first}")
    page.keyboard.press("j")
    page.wait_for_url(f"**case={second}*")
    page.keyboard.press("k")
    page.wait_for_url(f"**case={first}*")
    page.keyboard.press("a")
    page.wait_for_url("**do=ask_citizen*")
    page.locator("#text").fill("j")
    page.locator("#text").press("j")
    expect(page.locator("#text")).to_have_value("jj")  # a key in a field is a letter
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    page.wait_for_url("**do=refuse*")
    page.keyboard.press("0")
    page.wait_for_url("**do=assign*")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_contain_text("按建议派单")
