"""What notices to citizens say: list, change, back to the sentence that ships."""

from __future__ import annotations

from typing import Any

import flask
from flask_babel import gettext as _

from core.database import Database
from core.errors import Invalid
from core.web import context
from core.web.access import staff
from core.web.forms import typed
from core.web.parts import part
from notifications import wordings as operations
from notifications.templates import FIELDS

PERMISSION = operations.PERMISSION


def register(blueprint: flask.Blueprint) -> None:
    """Add the routes."""
    add = blueprint.add_url_rule
    add("/work/admin/notices", "notice_templates", listing)
    add("/work/admin/notices/<code>", "notice_template", edit, methods=["GET", "POST"])


@staff(PERMISSION)
def listing() -> str:
    """Every notice with the sentence in force."""
    with part(Database).read() as session:
        found = operations.wordings(session)
    return flask.render_template("workbench/admin/notice_templates.html", wordings=found)


@staff(PERMISSION)
def edit(code: str) -> Any:
    """One notice: change its sentence, or take the change back."""
    errors: dict[str, str] = {}
    with part(Database).read() as session:
        found = operations.wording_of(session, code)
    if flask.request.method == "POST":
        try:
            _save(code)
        except Invalid as error:
            errors = error.fields
        else:
            return flask.redirect(flask.url_for("workbench.notice_templates"))
    text = flask.request.form.get("text", "") if errors else found.text
    page = flask.render_template("workbench/admin/notice_template.html", wording=found, text=text, errors=errors,
                                 fields=FIELDS, most=operations.LONGEST)  # fmt: skip
    return flask.make_response(page, 400 if errors else 200)


def _save(code: str) -> None:
    with part(Database).write() as session:
        if flask.request.form.get("do") == "restore":
            operations.restore(session, context.actor(), context.now(), code)
        else:
            operations.change(session, context.actor(), context.now(), code, typed("text", 2000))
    context.tell(_("通知用语已保存，新的通知按它发出。"))
