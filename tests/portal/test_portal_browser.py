"""The portal in Chromium: the whole way without JavaScript at phone width, no scrolling sideways, no policy broken."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import flask
import pytest
from werkzeug.serving import make_server

from search.service import SearchService
from tests.portal.conftest import FORM, Petitions

pytestmark = pytest.mark.chromium


@pytest.fixture
def address(app: flask.Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()


def no_wider(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url


@pytest.fixture
def reply(petitions: Petitions, search: SearchService) -> str:
    given = petitions.submit()
    petitions.answer(given)
    public_id = petitions.publish(given, "工地夜间施工打桩", "工地夜间施工到凌晨，打桩声大。", "已责令停止夜间施工。")
    search.ensure()
    return public_id


def fill(page: Any, address: str) -> None:
    page.goto(f"{address}/submit")
    for name in ("title", "body", "place", "name", "phone"):
        page.fill(f"#{name}", FORM[name])
    page.check("input[name=disclosure][value=named]")


def test_the_whole_way_without_javascript_on_a_phone(browser: Any, address: str, reply: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = context.new_page()
    fill(page, address)
    page.click("button[value=send]")
    assert "还没有提交" in page.inner_text("h1")
    assert page.get_by_role("link", name="工地夜间施工打桩").is_visible()
    page.click("button[value=send]")
    number, code = page.locator(".lx-receipt dd").all_inner_texts()
    context.clear_cookies()
    page.goto(f"{address}/progress")
    page.fill("#number", number)
    page.fill("#query_code", code)
    page.click(".lx-lookup button")
    assert page.inner_text("h1") == FORM["title"]
    page.fill("#add-text", "昨晚又施工到两点。")
    page.get_by_role("button", name="补充", exact=True).click()
    assert "昨晚又施工到两点。" in page.inner_text("main")


def test_the_step_is_spared_who_saw_the_panel(browser: Any, address: str, reply: str) -> None:
    page = browser.new_page()
    fill(page, address)
    page.wait_for_selector(".lx-similar")
    page.click("button[value=send]")
    page.wait_for_url("**/submit/done")


def test_no_page_breaks_the_policy_or_scrolls_sideways(
    browser: Any, address: str, reply: str, petitions: Petitions
) -> None:
    given = petitions.submit()
    petitions.answer(given)
    page = browser.new_page(viewport={"width": 390, "height": 844})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    visit: Callable[[str], Any] = lambda path: page.goto(address + path)  # noqa: E731
    for path in (
        "/",
        "/submit",
        "/submit/draft",
        "/progress",
        "/replies?q=施工",
        f"/replies/{reply}",
        "/figures",
        "/guide",
    ):
        visit(path)
        no_wider(page)
    visit("/progress")
    page.fill("#number", given.number)
    page.fill("#query_code", given.code)
    page.click(".lx-lookup button")
    page.wait_for_selector(".lx-nodes")
    no_wider(page)
    assert said == []


def test_in_english_no_page_scrolls_sideways_on_a_phone(browser: Any, address: str, reply: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    for path in ("/?lang=en", "/submit", "/progress", "/replies", "/figures", "/guide"):
        page.goto(address + path)
        assert page.locator("html").get_attribute("lang") == "en"
        no_wider(page)
