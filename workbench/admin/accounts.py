"""Accounts: list, make, roles, lock and unlock, reset link (shown once), second factors by role."""

from __future__ import annotations

from typing import Any

import flask
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from core.database import Database
from core.errors import NotFound
from core.web import context
from core.web.access import staff
from core.web.forms import ticked, typed, whole
from core.web.paging import paged
from core.web.parts import part
from organisations import accounts as operations
from organisations import totp
from organisations.administration import security
from organisations.errors import Conflict, Forbidden, HubError, Invalid
from organisations.models import Account, Area, Organisation, Post, RoleGrant
from organisations.roles import PERMISSIONS, ROLES

PERMISSION = "admin.accounts"
_ROLE_CHOICES = [(role.code, role.name) for role in ROLES.values()]


def register(blueprint: flask.Blueprint) -> None:
    """Add the routes."""
    add = blueprint.add_url_rule
    add("/work/admin/accounts", "accounts", listing)
    add("/work/admin/accounts/new", "account_new", create, methods=["GET", "POST"])
    add("/work/admin/accounts/roles", "account_roles", roles, methods=["GET", "POST"])
    add("/work/admin/accounts/<int:account_id>", "account_edit", edit, methods=["GET", "POST"])


@staff(PERMISSION)
def listing() -> str:
    """Accounts by name, by role, by state."""
    q, role, state = (flask.request.args.get(name, "").strip()[:60] for name in ("q", "role", "state"))
    query = select(Account).order_by(Account.username)
    for condition in _conditions(q, role, state):
        query = query.where(condition)
    with part(Database).read() as session:
        page = paged(session, query)
        held = _roles_of(session, [account.id for account in page.items])
    return flask.render_template("workbench/admin/accounts.html", page=page, held=held, q=q, role=role, state=state,
                                 roles=ROLES, role_choices=_ROLE_CHOICES)  # fmt: skip


def _conditions(q: str, role: str, state: str) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if q:
        found.append(
            or_(Account.username.startswith(q.lower(), autoescape=True), Account.name.startswith(q, autoescape=True))
        )
    if role in ROLES:
        held = select(RoleGrant.account_id).where(RoleGrant.role == role, RoleGrant.revoked_at.is_(None))
        found.append(Account.id.in_(held))
    if state == "disabled":
        found.append(Account.disabled_at.is_not(None))
    elif state == "open":
        found.append(Account.disabled_at.is_(None))
    return found


def _roles_of(session: Session, account_ids: list[int]) -> dict[int, list[str]]:
    rows = session.execute(
        select(RoleGrant.account_id, RoleGrant.role)
        .where(RoleGrant.account_id.in_(account_ids), RoleGrant.revoked_at.is_(None))
        .order_by(RoleGrant.id)
    )
    held: dict[int, list[str]] = {}
    for account_id, role in rows:
        name = ROLES[role].name if role in ROLES else role
        if name not in held.setdefault(account_id, []):
            held[account_id].append(name)
    return held


@staff(PERMISSION)
def create() -> Any:
    """A new account; it waits for a reset link to be handed over."""
    errors: dict[str, str] = {}
    if flask.request.method == "POST":
        try:
            with part(Database).write() as session:
                row = operations.create_account(
                    session, context.actor(), context.now(), typed("username", 60), typed("name", 60)
                )
        except Invalid as error:
            errors = error.fields
        else:
            context.tell(_("账号已建好。请给他分配角色，并发一个重置链接。"))
            return flask.redirect(flask.url_for("workbench.account_edit", account_id=row.id))
    page = flask.render_template("workbench/admin/account_new.html", errors=errors, form=flask.request.form)
    return flask.make_response(page, 400 if errors else 200)


@staff(PERMISSION)
def edit(account_id: int) -> Any:
    """One account and what may be done with it; `do` names the button."""
    errors: dict[str, str] = {}
    link = ""
    if flask.request.method == "POST":
        try:
            link = _do(flask.request.form.get("do", ""), account_id)
        except (Invalid, Conflict, Forbidden) as error:
            errors = error.fields if isinstance(error, Invalid) else {"do": error.message}
        except HubError as error:
            if error.status == 404:
                raise
            errors = {"do": error.message}
        else:
            if not link:
                return flask.redirect(flask.url_for("workbench.account_edit", account_id=account_id))
    return flask.make_response(_page(account_id, errors, link), 400 if errors else 200)


def _do(what: str, account_id: int) -> str:
    """Do what the button says; gives the address of a reset link when one was made, else ""."""
    actor, at = context.actor(), context.now()
    with part(Database).write() as session:
        if what == "grant":
            operations.grant_role(session, actor, at, account_id, typed("role", 30), area_id=whole(typed("area_id")))
            told = _("角色已分配，他的登录已退出，重新登录后生效。")
        elif what.startswith("revoke:"):
            operations.revoke_role(session, actor, at, whole(what.removeprefix("revoke:")) or 0)
            told = _("角色已收回，他的登录已退出。")
        elif what == "disable":
            operations.disable_account(session, actor, at, account_id)
            told = _("账号已停用，他的登录已全部退出。")
        elif what == "enable":
            operations.enable_account(session, actor, at, account_id)
            told = _("账号已启用。")
        elif what == "totp":
            security.remove_totp(session, actor, at, account_id)
            told = _("动态口令已解除，他下次登录后可以重新绑定。")
        elif what == "phone":
            operations.set_phone(session, actor, at, account_id, typed("phone", 40))
            told = _("手机号已保存。")
        elif what == "link":
            token = operations.issue_reset_link(session, actor, at, account_id)
            return flask.url_for("workbench.reset", token=token, _external=True)
        else:
            raise Invalid({"do": _("请按页面上的按钮操作。")})
    context.tell(told)
    return ""


def _page(account_id: int, errors: dict[str, str], link: str) -> str:
    with part(Database).read() as session:
        account = session.get(Account, account_id)
        if account is None:
            raise NotFound()
        grants = session.execute(
            select(RoleGrant, Organisation.short_name, Area.name)
            .outerjoin(Organisation, Organisation.id == RoleGrant.organisation_id)
            .outerjoin(Area, Area.id == RoleGrant.area_id)
            .where(RoleGrant.account_id == account_id, RoleGrant.revoked_at.is_(None))
            .order_by(RoleGrant.id)
        ).all()
        posts = session.execute(
            select(Post, Organisation.name)
            .join(Organisation, Organisation.id == Post.organisation_id)
            .where(Post.account_id == account_id, Post.to_date.is_(None))
            .order_by(Post.id)
        ).all()
        areas = session.execute(
            select(Area.id, Area.name).where(Area.level.in_(("city", "county"))).order_by(Area.code)
        ).all()
        return flask.render_template(
            "workbench/admin/account.html", account=account, grants=grants, posts=posts, areas=areas, errors=errors,
            link=link, roles=ROLES, role_choices=_ROLE_CHOICES,
            enrolled=totp.enrolled(session, account_id), form=flask.request.form,
            own=account_id == context.actor().account_id,
            locked=account.locked_until is not None and account.locked_until > context.now(),
        )  # fmt: skip


@staff(PERMISSION)
def roles() -> Any:
    """Every role, what it may do, and whether its holders must have a second factor."""
    if flask.request.method == "POST":
        return _save_policy()
    with part(Database).read() as session:
        required = security.roles_with_totp(session)
    return flask.render_template("workbench/admin/roles.html", roles=ROLES, permissions=PERMISSIONS, required=required)


def _save_policy() -> Response:
    role = typed("role", 30)
    with part(Database).write() as session:
        security.require_totp(session, context.actor(), context.now(), role, ticked("required"))
    context.tell(_("已保存，下次打开页面时生效。"))
    return flask.redirect(flask.url_for("workbench.account_roles"))
