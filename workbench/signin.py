"""Signing in and out, and the one-time link to a new password."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import flask
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from core import audit
from core.clock import Clock
from core.crypto import CannotOpen, ring
from core.database import Database
from core.web import context, kept, navigation
from core.web.access import public, signed_in
from core.web.limits import limited
from core.web.parts import part
from organisations import accounts, sessions, signing_in
from organisations.errors import CodeNeeded, CodeWrong, Invalid, LinkUnusable, SignInRefused

_STEP_VALID = timedelta(minutes=5)
_WHERE = "sign_in_step"
NO_ACCOUNT_PAGE = "/"


def register(blueprint: flask.Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/login", "sign_in", sign_in, methods=["GET", "POST"])
    blueprint.add_url_rule("/logout", "sign_out", sign_out, methods=["POST"])
    blueprint.add_url_rule("/reset/<token>", "reset", reset, methods=["GET", "POST"])


@public
@limited("30 per minute")
def sign_in() -> Any:
    """Name and password, then a code where one is enrolled; goes on to where the person wanted to go."""
    if flask.request.method == "GET":
        person = context.person()
        if person is not None:
            return flask.redirect(_onward(person))
        return _page()
    username, password = _typed()
    code = flask.request.form.get("code", "").strip()
    if not username or not password:
        return _page(errors=_missing(username, password), status=400)
    try:
        done = signing_in.sign_in(
            part(Database), part(Clock), username, password, code or None, flask.request.remote_addr or ""
        )
    except (CodeNeeded, CodeWrong) as error:
        wrong = error.message if isinstance(error, CodeWrong) else ""
        step = _seal_step(username, password, context.now())
        return _page(step=step, errors={"code": wrong} if wrong else {}, status=401 if wrong else 200)
    except SignInRefused as error:
        return _page(errors={"username": error.message}, status=error.status)
    return _started(done)


def _typed() -> tuple[str, str]:
    """Name and password: from the form, or sealed from its first step while that is fresh."""
    step = flask.request.form.get("step", "")
    if not step:
        return flask.request.form.get("username", "").strip(), flask.request.form.get("password", "")
    try:
        username, password, at = json.loads(ring().open(step, _WHERE))
    except (CannotOpen, ValueError):
        return "", ""
    fresh = context.now() - datetime.fromisoformat(at) < _STEP_VALID
    return (username, password) if fresh else ("", "")


def _seal_step(username: str, password: str, at: datetime) -> str:
    return ring().seal(json.dumps([username, password, at.isoformat()]), _WHERE)


def _missing(username: str, password: str) -> dict[str, str]:
    if flask.request.form.get("step"):
        return {"username": _("停留太久，请重新输入用户名和密码。")}
    errors = {} if username else {"username": _("请填写用户名。")}
    return errors if password else {**errors, "password": _("请填写密码。")}


def _page(*, step: str = "", errors: dict[str, str] | None = None, status: int = 200) -> Response:
    form = flask.request.form
    page = flask.render_template(
        "workbench/sign_in.html",
        step=step,
        errors=errors or {},
        username=form.get("username", ""),
        kept=form.get("kept", ""),
        next=context.safe_next(flask.request.args.get("next") or form.get("next")),
    )
    return flask.make_response(page, status)


def _started(done: signing_in.SignedIn) -> Response:
    """Hand over the session; form tokens of before end with the old browser session."""
    flask.session.clear()
    flask.g.pop("csrf_token", None)
    form = kept.unseal(flask.request.form["kept"]) if flask.request.form.get("kept") else None
    person = flask.current_app.extensions["lx_resolve"](done.token)
    if form is not None:
        response = flask.make_response(flask.render_template("send_again.html", form=form, signed=True))
    else:
        response = flask.make_response(flask.redirect(_onward(person)))
    context.give_session(response, done.token)
    return response


def _onward(person: context.SignedInPerson | None) -> str:
    """Where somebody goes after signing in: where they wanted to, else the first page that is theirs."""
    wanted = context.safe_next(flask.request.args.get("next") or flask.request.form.get("next"))
    if wanted or person is None:
        return wanted or NO_ACCOUNT_PAGE
    return navigation.home_of(person) or flask.url_for("workbench.account")


@signed_in
def sign_out() -> Response:
    """End this browser's session."""
    at = context.now()
    with part(Database).write() as session:
        account_id = sessions.end(session, context.session_token(), at)
        if account_id is not None:
            audit.record(session, at=at, actor_id=account_id, action="signed_out", subject="account",
                         subject_id=account_id)  # fmt: skip
    flask.session.clear()
    context.tell(_("已退出登录。"))
    response = flask.make_response(flask.redirect(context.LOGIN))
    context.take_session(response)
    return response


@public
@limited("20 per minute")
def reset(token: str) -> Any:
    """A new password by a one-time link from an administrator."""
    errors: dict[str, str] = {}
    if flask.request.method == "POST":
        password = flask.request.form.get("password", "")
        try:
            if password != flask.request.form.get("again", ""):
                raise Invalid({"again": _("两次输入的密码不一样，请重新输入。")})
            accounts.use_reset_link(part(Database), part(Clock), token, password)
        except Invalid as error:
            errors = error.fields
        else:
            context.tell(_("新密码已设好，请登录。"))
            return flask.redirect(context.LOGIN)
    elif not _usable(token):
        raise LinkUnusable()
    response = flask.make_response(flask.render_template("workbench/reset.html", errors=errors), 400 if errors else 200)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def _usable(token: str) -> bool:
    with part(Database).read() as session:
        return accounts.link_usable(session, token, context.now())
