"""Puts the web pieces into an application: access, form tokens, headers, languages, filters, errors, navigation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import flask
from babel import Locale
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_babel import Babel
from flask_wtf import CSRFProtect
from werkzeug.exceptions import RequestEntityTooLarge

from core.clock import to_local
from core.config import Settings
from core.errors import Forbidden, HubError, NotFound
from core.logging import get_logger
from core.web import context, errors, filters, forms, headers, kept, limits, navigation
from core.web.access import Access, access_of
from core.web.paging import address_with
from core.web.parts import Parts
from core.web.requests import PlainRequest

log = get_logger(__name__)

HERE = Path(__file__).parent
_MOST = 2_000_000
_MOST_WITH_FILES = 110_000_000
_MOST_TEXT = 500_000
_LARGEST_ID = 2**63 - 1
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_LANGUAGES = {"zh": "zh_Hans_CN", "en": "en"}
_LOCALES = {language: Locale.parse(name) for language, name in _LANGUAGES.items()}
_LANGUAGE_COOKIE = "lx_lang"


class Unmarked(Exception):
    """A view without a mark of who may use it: a mistake of ours."""


class Site:
    """What a page says about the city: its name, asked for until it is known, then kept."""

    name = "连心"
    hotline = "12345"

    def __init__(self, place: Callable[[], str] | None = None) -> None:
        self._ask = place
        self._place = ""

    @property
    def place(self) -> str:
        """The city's name, "" while there is none."""
        if not self._place and self._ask is not None:
            self._place = self._ask()
        return self._place


def prepare(
    app: flask.Flask, parts: Parts, *, resolve: context.Resolve, place: Callable[[], str] | None = None
) -> None:
    """Install everything that pages stand on. `resolve` gives the person of a staff session's token, or None; `place`
    the city's name. The application's secret key must be set. Blueprints may be registered before or after.

    Raises RuntimeError without a secret key.
    """
    if not app.secret_key:
        raise RuntimeError("the application has no secret key")
    settings = parts.get(Settings)
    app.session_interface = _FormSessions()
    app.request_class = PlainRequest
    app.extensions.update(hub=parts, lx_resolve=resolve)
    _configure(app, settings)
    headers.trust_proxies(app, settings)
    csrf = CSRFProtect(app)
    limits.install(app)
    Babel(app, locale_selector=_locale, default_locale=_LANGUAGES["zh"], default_timezone="Asia/Shanghai",
          default_translation_directories=str(HERE / "translations"))  # fmt: skip
    filters.install(app)
    errors.install(app)
    _templates(app, Site(place))
    app.before_request(lambda: _before(app, settings, csrf))
    app.after_request(_keep_language)
    app.after_request(lambda response: headers.add_headers(response, settings))


class _FormSessions(SecureCookieSessionInterface):
    """Flask's own; a request without the cookie costs nothing."""

    def open_session(self, app: flask.Flask, request: flask.Request) -> SecureCookieSession | None:
        """The session in the cookie, or a new one."""
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)


def _configure(app: flask.Flask, settings: Settings) -> None:
    app.config.update(
        MAX_CONTENT_LENGTH=_MOST,
        MAX_FORM_MEMORY_SIZE=_MOST_TEXT,
        SESSION_COOKIE_NAME="lx_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_CHECK_DEFAULT=False,
        PROPAGATE_EXCEPTIONS=False,
    )
    core = flask.Blueprint("core", "core.web", static_folder="static", static_url_path="/static/core",
                           template_folder="templates")  # fmt: skip
    app.register_blueprint(core)


# --- who may ----------------------------------------------------------------------------------------------------------


def _before(app: flask.Flask, settings: Settings, csrf: CSRFProtect) -> Any:
    """Check, in this order: the view's mark, the host, size, who asks, the rate, the form's token."""
    endpoint = flask.request.endpoint
    access = access_of(app, endpoint) if endpoint else None
    if access is None or access.kind != "operations":
        headers.check_host(settings)
    if endpoint is None:
        return None  # the 404 or 405 follows
    if any(isinstance(value, int) and value > _LARGEST_ID for value in (flask.request.view_args or {}).values()):
        raise NotFound()  # no row can have it, and the database refuses to look
    if access is None:
        raise Unmarked(endpoint)
    if access.kind in ("provider", "operations"):
        return None
    if getattr(app.view_functions[endpoint], "__takes_files__", False):
        flask.request.max_content_length = _MOST_WITH_FILES
    _check_size(flask.request)
    limits.check(app, endpoint)
    refused = _admit(app, endpoint, access)
    if refused is None and flask.request.method not in _SAFE and app.config["WTF_CSRF_ENABLED"]:
        csrf.protect()
    return refused


def _check_size(request: flask.Request) -> None:
    """Raise 413 before anything is read; a form without files is held to the limit of texts."""
    most = (
        _MOST_TEXT if request.mimetype == "application/x-www-form-urlencoded" else request.max_content_length or _MOST
    )
    if (request.content_length or 0) > most:
        raise RequestEntityTooLarge()


def _admit(app: flask.Flask, endpoint: str, access: Access) -> Any:
    """None when this person may use the view; else what to answer. Raises Forbidden."""
    if access.kind == "public":
        return None
    person = context.person()
    if person is None:
        return _ask_to_sign_in()
    for debt in person.owes:
        target, open_pages = app.extensions.get("lx_debts", {}).get(debt, ("", frozenset()))
        if target and endpoint not in open_pages:
            return flask.redirect(flask.url_for(target))
    if not person.can_any(access.permissions):
        raise Forbidden()
    return None


def _ask_to_sign_in() -> Any:
    """Send a browser to the sign-in page, with what was typed sealed in it; a program gets 401."""
    if errors.wants_json():
        raise NotSignedIn()
    form = kept.from_request()
    if form is not None:
        log.info("session_ended_form_kept", endpoint=flask.request.endpoint)
        page = flask.render_template("sign_in_again.html", sealed=kept.seal(form), form=form, sign_in=context.LOGIN)
        return flask.make_response(page, 401)
    here = context.safe_next(flask.request.full_path.rstrip("?")) if flask.request.method == "GET" else ""
    return flask.redirect(context.LOGIN + ("?" + urlencode({"next": here}) if here else ""))


class NotSignedIn(HubError):
    """A program asks for what only staff may see."""

    code = "not_signed_in"
    message = "登录已过期，请重新登录。"
    status = 401


# --- what templates know ----------------------------------------------------------------------------------------------


def _templates(app: flask.Flask, site: Site) -> None:
    app.jinja_env.globals.update(
        site=site,
        asset=asset,
        url_if=url_if,
        address_with=address_with,
        form_token=forms.form_token,
        places=navigation.places,
        home_of=navigation.home_of,
        to_local=to_local,
    )
    app.context_processor(_context)


def _context() -> dict[str, Any]:
    person = context.known_person()
    return {"person": person, "now": context.now(), "lang": language(), "plain": False,
            "settings_of": dict(person.settings) if person else {}}  # fmt: skip


def url_if(endpoint: str, **values: Any) -> str:
    """The address of a page, or "" when there is no such page: a link is then left out."""
    return flask.url_for(endpoint, **values) if endpoint in flask.current_app.view_functions else ""


def asset(name: str, endpoint: str = "core.static") -> str:
    """A static file's address with a mark of its content, so that browsers take a new one."""
    blueprint = flask.current_app.blueprints[endpoint.split(".")[0]]
    return flask.url_for(endpoint, filename=name, v=_mark(str(Path(blueprint.static_folder or "") / name)))


@lru_cache(maxsize=200)
def _mark(path: str) -> str:
    file = Path(path)
    return hashlib.sha256(file.read_bytes()).hexdigest()[:10] if file.exists() else "0"


# --- languages --------------------------------------------------------------------------------------------------------


def language() -> str:
    """zh, or en when ?lang or the cookie says so."""
    asked = flask.request.args.get("lang") or flask.request.cookies.get(_LANGUAGE_COOKIE) or "zh"
    return asked if asked in _LANGUAGES else "zh"


def _locale() -> Locale:
    return _LOCALES[language()] if flask.has_request_context() else _LOCALES["zh"]


def _keep_language(response: flask.Response) -> flask.Response:
    asked = flask.request.args.get("lang")
    if asked in _LANGUAGES:
        response.set_cookie(_LANGUAGE_COOKIE, asked, max_age=31_536_000, httponly=True, samesite="Lax",
                            secure=context.is_https())  # fmt: skip
    return response
