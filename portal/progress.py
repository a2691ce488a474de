"""查进度: number and code open a submission for half an hour; its page, and closing it again."""

from __future__ import annotations

from typing import Any

import flask
from flask_babel import gettext as _

from cases.errors import TooManyTries, WrongCode
from core.database import Database
from core.web.access import public
from core.web.context import now
from core.web.forms import form_token, typed
from core.web.limits import limited
from core.web.parts import part
from intake.answers import danger_advice
from portal import access
from portal.submit import sentence_of
from portal.view import REVIEW_DAYS, View, view_of


def add_to(blueprint: flask.Blueprint) -> None:
    """Register the views of this module."""
    blueprint.add_url_rule("/progress", "progress", progress_page, methods=["GET", "POST"])
    blueprint.add_url_rule("/progress/leave", "leave", leave, methods=["POST"])


@public
@limited("60 per minute")
def progress_page() -> Any:
    """The page of the submission that is open here; else number and code are asked."""
    if flask.request.method == "POST":
        return _look_up()
    submission_id = access.opened()
    if submission_id is None or flask.request.args.get("other"):
        return flask.render_template(
            "portal/progress_ask.html", number="", error="", ended="ended" in flask.request.args
        )
    return page_of(submission_id)


def _look_up() -> Any:
    number = typed("number", 40)
    try:
        access.enter(number, typed("query_code", 40))
    except (WrongCode, TooManyTries) as failed:
        page = flask.render_template("portal/progress_ask.html", number=number, error=sentence_of(failed), ended=False)
        return page, failed.status
    return flask.redirect(flask.url_for("portal.progress"), 303)


def page_of(
    submission_id: int, faults: dict[str, str] | None = None, kept: dict[str, Any] | None = None, part_of: str = ""
) -> str:
    """The whole page; after a fault with what was typed in the form `part_of`, and the sentences beside the fields."""
    with part(Database).read() as session:
        view: View = view_of(session, submission_id, now())
        page = flask.render_template(
            "portal/progress.html", view=view, faults=faults or {}, kept=kept or {}, part_of=part_of,
            danger=danger_advice(view.danger) if view.danger else "", review_days=REVIEW_DAYS,
            fault_links={_id_of(part_of, name): text for name, text in (faults or {}).items()},
            token=form_token(),
        )  # fmt: skip
    return page


def _id_of(part_of: str, name: str) -> str:
    """The id of a field: several forms on the page have a text and files."""
    return f"{part_of}-{name}" if name in {"text", "files"} else name


@public
def leave() -> Any:
    """Close what is open: on a borrowed computer nobody else sees it."""
    access.leave()
    flask.flash({"text": _("已退出查询。再看请重新输入编号和查询码。"), "undo_url": None, "bad": False}, "toast")  # type: ignore[arg-type]
    return flask.redirect(flask.url_for("portal.progress"), 303)
