"""A call registered in a real browser by keyboard alone, and the pages in it without a complaint of the browser."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.serving import make_server

from cases.models import CallBack, Contact, Submission
from cases.operations import call_backs
from tests.callcenter.conftest import PHONE, Room

pytestmark = [pytest.mark.chromium]
CHROMIUM = "/usr/bin/chromium"


@pytest.fixture
def page(room: Room, free_port: int) -> Iterator[Any]:
    """A browser page with the agent signed in; every console error and refused content is a failure."""
    from playwright.sync_api import sync_playwright

    room.app.config["WTF_CSRF_ENABLED"] = True
    server = make_server("127.0.0.1", free_port, room.app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    complaints: list[str] = []
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
            )  # fmt: skip
            context = browser.new_context(
                base_url=f"http://127.0.0.1:{free_port}", viewport={"width": 1280, "height": 900}
            )
            token = room.client.get_cookie("lx_staff")
            assert token is not None
            context.add_cookies([{"name": "lx_staff", "value": token.value, "url": f"http://127.0.0.1:{free_port}"}])
            opened = context.new_page()
            opened.set_default_timeout(20_000)
            opened.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
            opened.on("pageerror", lambda error: complaints.append(str(error)))
            yield opened
            browser.close()
    finally:
        server.shutdown()
    assert complaints == []


def shoot(page: Any, name: str) -> None:
    """Keep a picture when a folder for pictures is named."""
    folder = os.environ.get("HUB_TEST_SHOTS")
    if folder:
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_call_by_keyboard_alone(room: Room, page: Any) -> None:
    from playwright.sync_api import expect

    public_id = room.published()
    earlier = len(room.all(Submission))
    keys = page.keyboard
    page.goto("/desk")
    expect(page.locator("#number")).to_be_focused()
    keys.type(PHONE)
    keys.press("Enter")
    expect(page.locator("#caller")).to_contain_text("路灯坏了")
    expect(page.locator("#body")).to_be_focused()
    keys.press("F2")
    keys.type("翠湖花园三栋昨天上午九点开始停水，到现在没有来水。")
    expect(page.locator("#advice")).to_contain_text("城管执法")
    expect(page.locator("#title")).to_have_value(re.compile("翠湖花园三栋"))
    expect(page.locator("#knowledge")).to_contain_text("停水了去哪里问")
    shoot(page, "desk-typing")
    keys.press("Escape")
    keys.press("1")
    expect(page.locator("#answer")).to_have_value("请拨打供水热线，2 小时内有人联系您。")
    keys.press("F7")
    expect(page.locator("[name=lead]").nth(1)).to_be_checked()
    keys.press("F7")
    expect(page.locator("[name=lead]").nth(0)).to_be_checked()
    keys.press("F8")
    expect(page.locator("[name=flag][value=needed]")).to_be_checked()
    keys.press("F4")
    expect(page.locator("#words")).to_be_focused()
    keys.press("F2")
    keys.press("Control+Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("已登记，请念给来电人")
    shoot(page, "desk-done")
    submission = room.all(Submission)[-1]
    contact, (owed,) = room.all(Contact)[-1], room.all(CallBack)
    assert len(room.all(Submission)) == earlier + 1
    assert submission.body.startswith("翠湖花园三栋")
    assert room.case(submission.id).stage == "assigned"
    assert (contact.kind, contact.callback_flag, owed.contact_id) == ("new", "needed", contact.id)
    assert "停水了去哪里问" in contact.note
    assert public_id
    page.wait_for_load_state()  # the heading stands before the script that hears the keys
    keys.press("F2")
    expect(page.locator("#number")).to_be_focused()


def test_an_earlier_one_chosen_makes_it_urging_and_f9_registers(room: Room, page: Any) -> None:
    from playwright.sync_api import expect

    submission_id = room.classified()
    page.goto("/desk")
    page.keyboard.type(PHONE)
    page.keyboard.press("Enter")
    page.locator(f"[name=earlier][value='{submission_id}']").focus()
    page.keyboard.press("Space")
    expect(page.locator("[name=kind][value=urge]")).to_be_checked()
    expect(page.locator("#title")).to_be_hidden()
    page.keyboard.press("F2")
    page.keyboard.type("还是没修")
    page.keyboard.press("F9")
    expect(page.get_by_role("heading", level=1)).to_have_text("已记下：催办")
    assert [one.kind for one in room.all(Contact)] == ["urge"]


@pytest.mark.parametrize("width", [1280, 390])
def test_the_pages_fit_and_the_browser_has_nothing_to_say(room: Room, page: Any, width: int) -> None:
    room.published()
    room.app.config["WTF_CSRF_ENABLED"] = False
    room.call("register", kind="enquiry", body="问几点送水", flag="needed", callback_person="孙丽丽")
    room.call("register", kind="nuisance", body="")
    room.classified()
    room.app.config["WTF_CSRF_ENABLED"] = True
    page.set_viewport_size({"width": width, "height": 900})
    rated, dialogue_id = room.answered(body="井盖翘起来了，晚上有人绊倒"), room.left_dialogue()
    with room.db.write() as session:
        row = call_backs.open_call_back(session, room.clock.now(), reason="silence", submission_id=rated)
        row_id = row.id
    for name, path in {
        "desk": "/desk", "callbacks": "/desk/callbacks", "callback": f"/desk/callbacks/{row_id}",
        "dialogues": "/desk/dialogues", "dialogue": f"/desk/dialogues/{dialogue_id}", "code": f"/desk/code/{rated}",
    }.items():  # fmt: skip
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        shoot(page, f"{name}-{width}")
    page.goto("/desk")
    page.fill("#number", PHONE)
    page.press("#number", "Enter")
    page.wait_for_selector("#earlier")
    page.fill("#body", "翠湖花园三栋昨天上午九点开始停水，到现在没有来水，家里闻到煤气味，怕是燃气泄漏")
    page.wait_for_selector(".lx-kb")
    page.wait_for_selector("#danger h2")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    shoot(page, f"desk-full-{width}")
    room.sign(room.client, "dou.jianping")
    token = room.client.get_cookie("lx_staff")
    page.context.add_cookies([{"name": "lx_staff", "value": token.value, "url": page.url}])  # type: ignore[union-attr]
    page.goto("/desk/nuisance")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    shoot(page, f"nuisance-{width}")
