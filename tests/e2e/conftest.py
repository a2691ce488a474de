"""A real hub with the demonstration city, browsers that report what is wrong on a page, and pictures of each step."""

from __future__ import annotations

import io
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, expect, sync_playwright

from tests.conftest import CHROMIUM
from tests.e2e.running import RunningHub, until

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PATIENCE = 30_000  # milliseconds
expect.set_options(timeout=PATIENCE)


@dataclass
class Watched:
    """One person's browser: what the page, its console or the server complains of is kept in `faults`."""

    context: BrowserContext
    base: str
    pictures: Path
    page: Page = field(init=False)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.set_default_timeout(PATIENCE)
        self.context.on("console", self._said)
        self.context.on("weberror", lambda error: self.faults.append(f"{error.page and error.page.url}: {error.error}"))
        self.context.on("response", self._answered)
        self.page = self.context.new_page()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} or "Content Security Policy" in message.text:
            self.faults.append(f"{message.page and message.page.url}: {message.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status} {response.url}")

    def go(self, path: str) -> Page:
        """Open a page of the hub."""
        self.page.goto(self.base + path)
        return self.page

    def picture(self, name: str) -> None:
        """The page as it stands, at 1280 and at 390 pixels; nothing may stick out at either."""
        for size in (NARROW, WIDE):
            self.page.set_viewport_size(size)
            width = self.page.evaluate("scrollTo(0, 0), document.documentElement.scrollWidth")
            self.page.screenshot(
                path=self.pictures / f"{name}-{size['width']}.png", full_page=True, animations="disabled"
            )
            if width > size["width"]:
                self.faults.append(f"{name}: {width} pixels wide on a screen of {size['width']}")

    def sign_in(self, username: str, password: str) -> Page:
        """Sign a member of staff in."""
        page = self.go("/login")
        page.get_by_label("用户名").fill(username)
        page.get_by_label("密码").fill(password)
        page.get_by_role("button", name="登录").click()
        expect(page).to_have_url(re.compile(r"/work/"))
        return page

    def until_shown(self, path: str, text: str) -> Page:
        """Open a page again and again until it shows a text: other processes do their part meanwhile."""

        def shown() -> bool:
            return self.go(path).get_by_text(text).first.is_visible()

        until(shown, f"{text} on {path}")
        return self.page


@dataclass
class Browsers:
    """Makes a browser for each person."""

    browser: Browser
    hub: RunningHub
    pictures: Path
    made: list[Watched] = field(default_factory=list)

    def new(self) -> Watched:
        """A browser with no cookie."""
        context = self.browser.new_context(viewport=WIDE, locale="zh-CN", timezone_id="Asia/Shanghai")
        self.made.append(Watched(context, self.hub.base, self.pictures))
        return self.made[-1]

    def staff(self, username: str) -> Watched:
        """A browser in which somebody of the demonstration city has signed in."""
        watched = self.new()
        watched.sign_in(username, self.hub.password(username))
        return watched


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """Web, worker, search worker and beat, ready, with the demonstration city."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    running = RunningHub(tmp_path_factory.mktemp("hub"), port)
    try:
        running.ready()
        yield running
    finally:
        running.stop()


@pytest.fixture
def browsers(hub: RunningHub, tmp_path: Path) -> Iterator[Browsers]:
    """Browsers for the persons of a test; none may have had anything to complain of."""
    pictures = Path(os.environ.get("HUB_TEST_SCREENSHOTS", "") or tmp_path / "pictures")
    pictures.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--lang=zh-CN"]
        )
        found = Browsers(browser, hub, pictures)
        yield found
        faults = [fault for watched in found.made for fault in watched.faults]
        browser.close()
    assert faults == [], faults


@pytest.fixture
def photo() -> bytes:
    """A photograph as a telephone takes it."""
    image = Image.new("RGB", (1600, 1200), "#9fb4c7")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 760, 1600, 1200), fill="#6f6a60")
    draw.rectangle((520, 300, 1080, 900), fill="#4c6f8f")
    draw.ellipse((640, 420, 960, 740), fill="#d8dde2", outline="#2f3b45", width=18)
    draw.line((800, 580, 900, 500), fill="#b3261e", width=14)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()
