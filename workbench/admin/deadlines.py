"""Deadline policies: the rows of a policy set; a change is a new version and leaves running clocks alone."""

from __future__ import annotations

from typing import Any

import flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from cases.models import DeadlinePolicy, PolicySet
from cases.operations import policies as operations
from core.database import Database
from core.errors import NotFound
from core.web import context
from core.web.access import staff
from core.web.forms import typed, whole
from core.web.paging import paged
from core.web.parts import part
from organisations.errors import Invalid

PERMISSION = "admin.policies"
TRACKS = {"hotline": _l("热线"), "petition": _l("信访")}
KINDS = {
    "sign": _l("签收"),
    "danger": _l("危急响应"),
    "handle": _l("办理"),
    "decide": _l("转送、交办"),
    "return": _l("退回"),
    "review": _l("分流"),
    "petition_review": _l("复查"),
    "settle": _l("群众不满意后的决定"),
    "re_examination": _l("复核"),
    "promise": _l("对群众的承诺"),
    "ask": _l("等群众评价"),
    "silence": _l("未回应后的回访"),
    "ask_citizen": _l("请群众补充"),
    "call_back": _l("回访"),
}
_FIELDS = ("amount", "remind_before", "yellow_after", "red_after", "extension_max")


def register(blueprint: flask.Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/work/admin/deadlines", "deadlines", listing, methods=["GET", "POST"])
    blueprint.add_url_rule("/work/admin/deadlines/<int:policy_id>", "deadline_edit", edit, methods=["GET", "POST"])


@staff(PERMISSION)
def listing() -> Any:
    """The rows in force of a set; which set new clocks begin under."""
    if flask.request.method == "POST":
        with part(Database).write() as session:
            operations.use_set(session, context.actor(), context.now(), typed("code", 20))
        context.tell(_("已启用，新开始计时的办件按这一套办法；已在计时的不变。"))
        return flask.redirect(flask.url_for("workbench.deadlines", set=typed("code", 20)))
    with part(Database).read() as session:
        sets = list(session.scalars(select(PolicySet).order_by(PolicySet.code)))
        active = next((row.code for row in sets if row.active), "")
        asked = flask.request.args.get("set", "")
        shown = asked if asked in {row.code for row in sets} else active
        query = select(DeadlinePolicy).where(DeadlinePolicy.policy_set == shown, DeadlinePolicy.ended_at.is_(None))
        order = (DeadlinePolicy.track, DeadlinePolicy.kind, DeadlinePolicy.nature, DeadlinePolicy.urgent)
        page = paged(session, query.order_by(*order))
    return flask.render_template("workbench/admin/deadlines.html", page=page, sets=sets, shown=shown, tracks=TRACKS,
                                 kinds=KINDS, unit_name=operations.unit_name)  # fmt: skip


@staff(PERMISSION)
def edit(policy_id: int) -> Any:
    """One policy."""
    errors: dict[str, str] = {}
    if flask.request.method == "POST":
        try:
            given = operations.PolicyGiven(**{name: _number(name) for name in _FIELDS})
            with part(Database).write() as session:
                new = operations.change_policy(session, context.actor(), context.now(), policy_id, given)
        except Invalid as error:
            errors = error.fields
        else:
            context.tell(_("已存为第 %(n)s 版，新开始计时的办件按它计算。", n=new.version))
            return flask.redirect(flask.url_for("workbench.deadlines", set=new.policy_set))
    with part(Database).read() as session:
        row = session.get(DeadlinePolicy, policy_id)
        if row is None:
            raise NotFound()
        earlier = session.scalars(
            select(DeadlinePolicy)
            .where(DeadlinePolicy.policy_set == row.policy_set, DeadlinePolicy.track == row.track,
                   DeadlinePolicy.kind == row.kind, DeadlinePolicy.nature == row.nature,
                   DeadlinePolicy.urgent == row.urgent)
            .order_by(DeadlinePolicy.version.desc()).limit(20)
        ).all()  # fmt: skip
    values = flask.request.form if errors else {name: getattr(row, name) for name in _FIELDS}
    page = flask.render_template("workbench/admin/deadline.html", row=row, values=values, errors=errors, tracks=TRACKS,
                                 kinds=KINDS, unit_name=operations.unit_name, earlier=earlier)  # fmt: skip
    return flask.make_response(page, 400 if errors else 200)


def _number(name: str) -> int | None:
    text = typed(name)
    number = whole(text)
    if text and number is None:
        raise Invalid({name: _("请填整数，不限的留空。")})
    return number
