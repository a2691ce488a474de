"""Numbers counted as 骚扰电话: a supervisor blocks them, or lets them through again."""

from __future__ import annotations

from typing import Any

import flask
from flask_babel import gettext as _

from cases.models import BlockedNumber
from cases.operations import nuisance as operations
from core.database import Database
from core.errors import Invalid, NotFound
from core.web import context
from core.web.access import staff
from core.web.forms import typed, whole
from core.web.paging import SIZE, Page, page_number
from core.web.parts import part

PERMISSION = "call.block"


def register(blueprint: flask.Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/work/admin/numbers", "numbers", listing, methods=["GET", "POST"])


@staff(PERMISSION)
def listing() -> Any:
    """The numbers, most counted first, shown in part."""
    errors: dict[str, str] = {}
    if flask.request.method == "POST":
        try:
            _do(flask.request.form.get("do", ""))
        except Invalid as error:
            errors = error.fields
        else:
            return flask.redirect(flask.url_for("workbench.numbers"))
    with part(Database).read() as session:
        rows, total = operations.nuisance_numbers(session, context.actor(), page_number(), size=SIZE)
    page = Page(rows, page_number(), total)
    shown = flask.render_template("workbench/admin/numbers.html", page=page, errors=errors, form=flask.request.form)
    return flask.make_response(shown, 400 if errors else 200)


def _do(what: str) -> None:
    actor, at = context.actor(), context.now()
    verb, _colon, row_id = what.partition(":")
    with part(Database).write() as session:
        number = typed("number", 30)
        if row_id:
            row = session.get(BlockedNumber, whole(row_id) or 0)
            if row is None:
                raise NotFound()
            number = str(row.number)
        if verb == "unblock":
            operations.unblock_number(session, actor, at, number)
            context.tell(_("已解除限制。"))
        else:
            operations.block_number(session, actor, at, number, typed("reason", 200))
            context.tell(_("号码已限制。"))
