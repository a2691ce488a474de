"""A small application on core/web alone, with a page of every kind of access."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flask

from core import crypto
from core.clock import Clock, FixedClock
from core.config import Settings
from core.database import Database
from core.errors import Conflict
from core.web import context
from core.web.access import operations, provider, public, signed_in, staff, takes_files
from core.web.limits import limited
from core.web.navigation import NavEntry, register
from core.web.parts import Parts
from core.web.setup import prepare


@dataclass(frozen=True)
class Somebody:
    """Stands for an acting person."""

    permissions: frozenset[str] = frozenset()

    def can(self, permission: str) -> bool:
        return permission in self.permissions


@dataclass
class WebRoom:
    """The application, and whom its tokens stand for."""

    folder: Path
    clock: FixedClock
    settings: dict[str, Any] = field(default_factory=dict)
    people: dict[str, context.SignedInPerson] = field(default_factory=dict)
    got: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        crypto.use(crypto.KeyRing((("k1", b"1" * 32),), ("i1", b"2" * 32)))
        self.people["anna"] = context.SignedInPerson(1, Somebody(frozenset({"see"})), "安娜", ("承办人",))
        parts = Parts()
        parts.add(Settings, Settings(_env_file=None, data_dir=self.folder, **self.settings))
        parts.add(Clock, self.clock)
        parts.add(Database, Database(f"sqlite:///{self.folder / 'web.db'}"))
        self.app = flask.Flask("web_room", static_folder=None)
        self.app.secret_key = "a secret for tests, long enough for anything"
        prepare(self.app, parts, resolve=self.people.get, place=lambda: "棠川市")
        self._pages()

    def client(self, who: str = "") -> Any:
        client = self.app.test_client()
        if who:
            client.set_cookie("lx_staff", who)
        return client

    def _pages(self) -> None:
        def page(rule: str, view: Any, **options: Any) -> None:
            self.app.add_url_rule(rule, view.__name__, view, **options)

        @public
        def home() -> str:
            return flask.render_template("portal_base.html")

        @public
        def write() -> str:
            self.got.append(dict(flask.request.form))
            return "taken"

        @public
        @takes_files
        def send() -> str:
            return f"{len(flask.request.files)} files"

        @public
        @limited("2 per minute")
        def often() -> str:
            return "yes"

        @provider
        def hook() -> str:
            return flask.request.get_data(as_text=True)

        @operations
        def healthz() -> str:
            return "ok"

        @signed_in
        def own() -> str:
            return flask.render_template("work_base.html")

        @staff("see")
        def seen() -> str:
            self.got.append(dict(flask.request.form))
            return "seen"

        @staff("rule")
        def ruled() -> str:
            return "ruled"

        def unmarked() -> str:
            return "never"

        @public
        def broken() -> str:
            raise ZeroDivisionError("secret 13812345678")

        @public
        def clash() -> str:
            raise Conflict()

        @signed_in
        def settle() -> str:
            return "settle here"

        for view in (home, broken, clash, own, unmarked, ruled, healthz, settle):
            page("/" if view is home else f"/{view.__name__}", view)
        for view in (write, send, often, hook):
            page(f"/{view.__name__}", view, methods=["POST"])
        page("/seen", seen, methods=["GET", "POST"])
        context.settle_at(self.app, "password", "settle")
        entries = [("seen", "看得到", ("see",)), ("ruled", "看不到", ("rule",)), ("absent", "没有这页", ())]
        register(self.app, [NavEntry(endpoint, label, "list", asked) for endpoint, label, asked in entries])
