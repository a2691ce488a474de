"""One's own account: password, second factor, settings, sign out everywhere; and what is owed at the first sign-in."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import flask
import segno
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response

from core.clock import Clock
from core.database import Database
from core.web import context, navigation
from core.web.access import signed_in
from core.web.forms import ticked
from core.web.limits import limited
from core.web.parts import part
from organisations import accounts, passwords, presence, signing_in, totp
from organisations.errors import CodeWrong, Invalid
from organisations.models import Account


def register(blueprint: flask.Blueprint) -> None:
    """Add the routes, and where people are sent who owe a password or a second factor."""
    blueprint.add_url_rule("/work/account", "account", account)
    blueprint.add_url_rule("/work/account/settings", "save_settings", save_settings, methods=["POST"])
    blueprint.add_url_rule("/work/account/password", "password", password, methods=["GET", "POST"])
    blueprint.add_url_rule("/work/account/totp", "totp", second_factor, methods=["GET", "POST"])
    blueprint.add_url_rule("/work/account/sign-out", "sign_out_everywhere", sign_out_everywhere, methods=["POST"])
    blueprint.record_once(_debts)


def _debts(state: Any) -> None:
    context.settle_at(state.app, presence.PASSWORD, "workbench.password", "workbench.sign_out")
    context.settle_at(state.app, presence.TOTP, "workbench.totp", "workbench.sign_out", "workbench.password")


def _me() -> context.SignedInPerson:
    person = context.person()
    if person is None:  # the access mark has seen to it
        raise RuntimeError("nobody is signed in")
    return person


@signed_in
def account() -> str:
    """What is mine, and what I may change about it."""
    with part(Database).read() as session:
        row = session.get_one(Account, _me().account_id)
        return flask.render_template(
            "workbench/account.html",
            account=row,
            enrolled=totp.enrolled(session, row.id),
            units=presence.units_of(session, _me().actor.organisation_ids),
        )


@signed_in
def save_settings() -> Response:
    """Dark theme, single keys off."""
    with part(Database).write() as session:
        presence.save_settings(session, _me().actor, dark=ticked("dark"), keys_off=ticked("keys_off"))
    context.tell(_("设置已保存。"))
    return flask.redirect(flask.url_for("workbench.account"))


@signed_in
@limited("20 per minute")
def password() -> Any:
    """Change one's own password; at the first sign-in nothing else opens before."""
    me, errors = _me(), {}
    if flask.request.method == "POST":
        form = flask.request.form
        try:
            if form.get("password", "") != form.get("again", ""):
                raise Invalid({"again": _("两次输入的新密码不一样，请重新输入。")})
            done = accounts.change_password(
                part(Database), part(Clock), me.account_id, form.get("old", ""), form.get("password", "")
            )
        except Invalid as error:
            errors = error.fields
        else:
            return _changed(done)
    forced = presence.PASSWORD in me.owes
    page = flask.render_template("workbench/password.html", errors=errors, forced=forced, least=passwords.MIN_LENGTH)
    return flask.make_response(page, 400 if errors else 200)


def _changed(done: signing_in.SignedIn) -> Response:
    person = flask.current_app.extensions["lx_resolve"](done.token)
    flask.session.clear()
    context.tell(_("密码已修改，其他地方的登录都已退出。"))
    target = navigation.home_of(person) or flask.url_for("workbench.account")
    response = flask.make_response(flask.redirect(target))
    context.give_session(response, done.token)
    return response


@signed_in
@limited("20 per minute")
def second_factor() -> Any:
    """Enrol an authenticator: password, then a picture to scan, then the first code."""
    me, errors = _me(), {}
    if flask.request.method == "POST":
        try:
            if flask.request.form.get("do") == "begin":
                _begin(me.account_id)
            else:
                return _confirmed(me.account_id)
        except CodeWrong as error:
            errors = {"code": error.message}
        except Invalid as error:
            errors = error.fields
    with part(Database).read() as session:
        row = session.get_one(Account, me.account_id)
        address = totp.pending(session, row) if flask.request.method == "POST" else None
        enrolled = totp.enrolled(session, row.id)
    page = flask.render_template(
        "workbench/totp.html", errors=errors, picture=picture_of(address) if address else "", enrolled=enrolled,
        secret=secret_of(address) if address else "", forced=presence.TOTP in me.owes,
    )  # fmt: skip
    return flask.make_response(page, 400 if errors else 200)


def _begin(account_id: int) -> None:
    """A new secret, after the password was typed again."""
    with part(Database).read() as session:
        stored = session.get_one(Account, account_id).password_hash
    if not passwords.matches(stored, flask.request.form.get("password", "")[:1000]):
        raise Invalid({"password": _("密码不正确，请重新输入。")})
    with part(Database).write() as session:
        totp.enrol(session, session.get_one(Account, account_id), context.now())


def _confirmed(account_id: int) -> Response:
    with part(Database).write() as session:
        code = flask.request.form.get("code", "")
        totp.confirm(session, session.get_one(Account, account_id), code, context.now())
    context.tell(_("动态口令已启用，下次登录时要用。"))
    return flask.redirect(flask.url_for("workbench.account"))


def picture_of(address: str) -> Markup:
    """The QR code of an otpauth address as an inline picture without styles."""
    svg = segno.make(address, error="m").svg_inline(svgclass="lx-qr", lineclass="", omitsize=True, border=2)
    return Markup(svg)  # noqa: S704 - made by us from our own address


def secret_of(address: str) -> str:
    """The secret in groups of four, for typing by hand."""
    secret = parse_qs(urlsplit(address).query)["secret"][0]
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


@signed_in
def sign_out_everywhere() -> Response:
    """End every session of mine, this one too."""
    with part(Database).write() as session:
        accounts.sign_out_everywhere(session, _me().actor, context.now())
    flask.session.clear()
    context.tell(_("所有地方的登录都已退出。"))
    response = flask.make_response(flask.redirect(context.LOGIN))
    context.take_session(response)
    return response
