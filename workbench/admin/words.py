"""Dictionaries that staff choose from, and the grounds for refusing or guiding elsewhere."""

from __future__ import annotations

from typing import Any

import flask
from flask_babel import gettext as _
from sqlalchemy import select

from core.database import Database
from core.errors import NotFound
from core.web import context
from core.web.access import staff
from core.web.forms import ticked, typed, whole
from core.web.paging import paged
from core.web.parts import part
from organisations.administration import words as operations
from organisations.errors import Invalid
from organisations.models import Ground, Term

PERMISSION = "admin.policies"
KINDS = operations.KINDS


def register(blueprint: flask.Blueprint) -> None:
    """Add the routes."""
    add = blueprint.add_url_rule
    add("/work/admin/words", "words", listing)
    add("/work/admin/words/terms/new", "word_term_new", term, methods=["GET", "POST"])
    add("/work/admin/words/terms/<int:term_id>", "word_term", term, methods=["GET", "POST"])
    add("/work/admin/words/grounds", "word_grounds", grounds)
    add("/work/admin/words/grounds/new", "word_ground_new", ground, methods=["GET", "POST"])
    add("/work/admin/words/grounds/<int:ground_id>", "word_ground", ground, methods=["GET", "POST"])


@staff(PERMISSION)
def listing() -> str:
    """The words of one dictionary, or of all."""
    kind = flask.request.args.get("kind", "")[:40]
    query = select(Term).order_by(Term.kind, Term.position, Term.code)
    with part(Database).read() as session:
        kinds = operations.kinds(session)
        page = paged(session, query.where(Term.kind == kind) if kind in kinds else query)
    return flask.render_template("workbench/admin/terms.html", page=page, kind=kind, kinds=KINDS,
                                 kind_choices=_choices(kinds))  # fmt: skip


@staff(PERMISSION)
def grounds() -> str:
    """Every ground, by track and use."""
    with part(Database).read() as session:
        page = paged(session, select(Ground).order_by(Ground.track, Ground.operation, Ground.position, Ground.code))
    return flask.render_template("workbench/admin/grounds.html", page=page, tracks=operations.TRACKS,
                                 uses=operations.OPERATIONS)  # fmt: skip


@staff(PERMISSION)
def term(term_id: int | None = None) -> Any:
    """One word, or a new one."""
    errors: dict[str, str] = {}
    if flask.request.method == "POST":
        try:
            with part(Database).write() as session:
                row = operations.save_term(
                    session, context.actor(), context.now(), term_id, kind=typed("kind", 60), code=typed("code", 60),
                    name=typed("name", 300), position=whole(typed("position"), 0, 9999) or 0, active=ticked("active"),
                )  # fmt: skip
        except Invalid as error:
            errors = error.fields
        else:
            context.tell(_("“%(name)s”已保存。", name=row.name))
            return flask.redirect(flask.url_for("workbench.words", kind=row.kind))
    with part(Database).read() as session:
        found = session.get(Term, term_id) if term_id is not None else None
        known = operations.kinds(session)
    if term_id is not None and found is None:
        raise NotFound()
    values = flask.request.form if errors else _values(found, ("kind", "code", "name", "position", "active"))
    page = flask.render_template("workbench/admin/term.html", row=found, values=values, errors=errors,
                                 kinds=KINDS, choices=_choices(known))  # fmt: skip
    return flask.make_response(page, 400 if errors else 200)


@staff(PERMISSION)
def ground(ground_id: int | None = None) -> Any:
    """One ground, or a new one."""
    errors: dict[str, str] = {}
    if flask.request.method == "POST":
        try:
            with part(Database).write() as session:
                operations.save_ground(session, context.actor(), context.now(), ground_id, _ground_given())
        except Invalid as error:
            errors = error.fields
        else:
            context.tell(_("依据已保存。"))
            return flask.redirect(flask.url_for("workbench.word_grounds"))
    with part(Database).read() as session:
        found = session.get(Ground, ground_id) if ground_id is not None else None
    if ground_id is not None and found is None:
        raise NotFound()
    names = ("track", "operation", "code", "text", "basis", "article", "position", "active")
    values = flask.request.form if errors else _values(found, names)
    page = flask.render_template("workbench/admin/ground.html", row=found, values=values, errors=errors,
                                 tracks=operations.TRACKS, uses=operations.OPERATIONS)  # fmt: skip
    return flask.make_response(page, 400 if errors else 200)


def _choices(kinds: list[str]) -> list[tuple[str, str]]:
    return [(code, KINDS.get(code, code)) for code in kinds]


def _ground_given() -> operations.GroundGiven:
    return operations.GroundGiven(
        track=typed("track", 12), operation=typed("operation", 20), code=typed("code", 60), text=typed("text", 2000),
        basis=typed("basis", 2000), article=typed("article", 300),
        position=whole(typed("position"), 0, 9999) or 0, active=ticked("active"),
    )  # fmt: skip


def _values(row: Term | Ground | None, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names} if row is not None else {"active": True, "position": 0}
