"""Who asks and what time it is, for the request in hand; the cookie that holds a staff session's token; messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import flask

from core.clock import Clock
from core.config import Settings
from core.errors import Forbidden
from core.web.parts import part

LOGIN = "/login"
_COOKIE = "lx_staff"


@dataclass(frozen=True)
class SignedInPerson:
    """One signed-in member of staff. `actor` is what operations take; it answers `can(permission)`.

    `owes`: what has to be done before anything else, such as "password" or "totp". `settings`: dark, keys_off.
    """

    account_id: int
    actor: Any
    name: str = ""
    role_names: tuple[str, ...] = ()
    owes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    def can_any(self, permissions: tuple[str, ...]) -> bool:
        """Whether this person holds one of these permissions; none asked: yes."""
        return not permissions or any(self.actor.can(permission) for permission in permissions)


Resolve = Callable[[str], SignedInPerson | None]


def person() -> SignedInPerson | None:
    """Who is signed in in this browser, looked up once a request."""
    if "lx_person" not in flask.g:
        token = session_token()
        resolve: Resolve = flask.current_app.extensions["lx_resolve"]
        flask.g.lx_person = resolve(token) if token else None
    found: SignedInPerson | None = flask.g.lx_person
    return found


def known_person() -> SignedInPerson | None:
    """The person if already looked up; for pages that must not touch the database."""
    found: SignedInPerson | None = flask.g.get("lx_person")
    return found


def actor() -> Any:
    """The acting person (organisations.people.Actor) in a view for staff. Raises Forbidden when nobody is signed in."""
    found = person()
    if found is None:
        raise Forbidden()
    return found.actor


def now() -> datetime:
    """What the hub's clock says, in UTC."""
    return part(Clock).now()  # type: ignore[type-abstract]


def is_https() -> bool:
    """Whether citizens reach the hub by https."""
    return part(Settings).public_url.startswith("https://")


def cookie_name() -> str:
    """The cookie of a staff session; with https bound to this host by its prefix."""
    return f"__Host-{_COOKIE}" if is_https() else _COOKIE


def session_token() -> str:
    """The token of the staff session in this request, or ""."""
    return flask.request.cookies.get(cookie_name(), "")


def give_session(response: Any, token: str) -> None:
    """Hand a staff session's token to the browser; it ends with the browser, and with its row."""
    response.set_cookie(cookie_name(), token, httponly=True, secure=is_https(), samesite="Lax", path="/")


def take_session(response: Any) -> None:
    """Take the token away from the browser."""
    response.delete_cookie(cookie_name(), httponly=True, secure=is_https(), samesite="Lax", path="/")


def safe_next(target: str | None) -> str:
    """An address within the hub to go on to, or "": other hosts and odd forms are dropped."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return ""
    parts = urlsplit(target)
    bad = parts.scheme or parts.netloc or any(ord(letter) < 32 for letter in target)
    return "" if bad else target


def same_origin() -> bool:
    """Whether the browser says that a form was sent from one of our own pages."""
    site = flask.request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = flask.request.headers.get("Origin") or flask.request.headers.get("Referer") or ""
    return bool(origin) and urlsplit(origin).netloc == flask.request.host


def tell(text: str, *, undo_url: str | None = None, bad: bool = False) -> None:
    """Show a message on the next page (a toast). It travels in a readable cookie: numbers and names of units only."""
    flask.flash({"text": text, "undo_url": undo_url, "bad": bad}, "toast")  # type: ignore[arg-type]


def settle_at(app: flask.Flask, debt: str, endpoint: str, *others: str) -> None:
    """Say where a person who owes something is sent (`SignedInPerson.owes`); the other pages stay open to them."""
    steps = app.extensions.setdefault("lx_debts", {})
    steps[debt] = (endpoint, frozenset({endpoint, *others}))
