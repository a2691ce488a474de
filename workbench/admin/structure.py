"""Organisations as a tree list, one organisation with its posts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flask
from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.database import Database
from core.errors import NotFound
from core.web import context
from core.web.access import staff
from core.web.forms import ticked, typed, whole
from core.web.paging import paged
from core.web.parts import part
from organisations.administration import structure as operations
from organisations.errors import Invalid
from organisations.models import Account, Area, Organisation, OrganisationLink, Post
from organisations.models.places import AREA_LEVELS, ORGANISATION_KINDS, TERRITORIAL

PERMISSION = "admin.organisations"


def register(blueprint: flask.Blueprint) -> None:
    """Add the routes."""
    add = blueprint.add_url_rule
    add("/work/admin/organisations", "organisations", listing)
    add("/work/admin/organisations/new", "organisation_new", new, methods=["GET", "POST"])
    add("/work/admin/organisations/<int:organisation_id>", "organisation_edit", edit, methods=["GET", "POST"])
    add("/work/admin/organisations/<int:organisation_id>/posts", "organisation_posts", posts, methods=["POST"])


@staff(PERMISSION)
def listing() -> str:
    """Organisations under one superior (the top when none is named), or found by name."""
    q = flask.request.args.get("q", "").strip()[:60]
    under = whole(flask.request.args.get("under"))
    query = select(Organisation).order_by(Organisation.active.desc(), Organisation.code)
    linked = select(OrganisationLink.child_id).where(
        OrganisationLink.kind == TERRITORIAL, OrganisationLink.to_date.is_(None)
    )
    if q:
        alike = f"%{q.replace('%', '').replace('_', '')}%"
        query = query.where(or_(Organisation.name.like(alike), Organisation.code.startswith(q, autoescape=True)))
    elif under is not None:
        query = query.where(Organisation.id.in_(linked.where(OrganisationLink.parent_id == under)))
    else:
        query = query.where(Organisation.id.not_in(linked))
    with part(Database).read() as session:
        page = paged(session, query)
        trail = _trail(session, under) if under is not None and not q else []
        children = _children(session, [row.id for row in page.items])
    return flask.render_template("workbench/admin/organisations.html", page=page, q=q, trail=trail, children=children,
                                 levels=AREA_LEVELS)  # fmt: skip


def _trail(session: Session, organisation_id: int) -> list[Organisation]:
    """The organisation and its superiors, from the top."""
    found: list[Organisation] = []
    at: int | None = organisation_id
    while at is not None and len(found) < 10:
        row = session.get(Organisation, at)
        if row is None:
            raise NotFound()
        found.insert(0, row)
        at = operations.parent_of(session, at)
    return found


def _children(session: Session, ids: list[int]) -> dict[int, int]:
    rows = session.scalars(
        select(OrganisationLink.parent_id).where(
            OrganisationLink.parent_id.in_(ids),
            OrganisationLink.kind == TERRITORIAL,
            OrganisationLink.to_date.is_(None),
        )
    )
    counted: dict[int, int] = {}
    for parent_id in rows:
        counted[parent_id] = counted.get(parent_id, 0) + 1
    return counted


@staff(PERMISSION)
def new() -> Any:
    """A new organisation."""
    return _form(None)


@staff(PERMISSION)
def edit(organisation_id: int) -> Any:
    """One organisation: what it is called, whose it is, who is on duty, who works there."""
    return _form(organisation_id)


def _form(organisation_id: int | None) -> Any:
    errors: dict[str, str] = {}
    if flask.request.method == "POST":
        try:
            with part(Database).write() as session:
                row = operations.save_organisation(session, context.actor(), context.now(), organisation_id, _given())
        except Invalid as error:
            errors = error.fields
        else:
            context.tell(_("%(name)s 已保存。", name=row.short_name))
            return flask.redirect(flask.url_for("workbench.organisation_edit", organisation_id=row.id))
    return flask.make_response(_page(organisation_id, errors), 400 if errors else 200)


def _given() -> operations.OrganisationGiven:
    return operations.OrganisationGiven(
        code=typed("code", 60), name=typed("name", 200), short_name=typed("short_name", 100), kind=typed("kind", 20),
        level=typed("level", 12), area_id=whole(typed("area_id")), parent_id=whole(typed("parent_id")),
        outside=ticked("outside"), active=ticked("active"), duty_account_id=whole(typed("duty_account_id")),
        duty_note=typed("duty_note", 500),
    )  # fmt: skip


def _page(organisation_id: int | None, errors: Mapping[str, str], retyped: bool = True) -> str:
    with part(Database).read() as session:
        row = session.get(Organisation, organisation_id) if organisation_id is not None else None
        if organisation_id is not None and row is None:
            raise NotFound()
        holders = _holders(session, organisation_id)
        values: Mapping[str, Any] = flask.request.form if errors and retyped else _values(session, row)
        return flask.render_template(
            "workbench/admin/organisation.html", row=row, values=values, errors=errors, holders=holders,
            kinds=[(kind, kind) for kind in ORGANISATION_KINDS], levels=list(AREA_LEVELS.items()),
            areas=session.execute(select(Area.id, Area.name).order_by(Area.code).limit(500)).all(),
            units=units(session, leave_out=organisation_id),
            staff=[(post.account_id, account.name) for post, account in holders],
            unreachable=_is_unreachable(session, row),
        )  # fmt: skip


def _is_unreachable(session: Session, row: Organisation | None) -> bool:
    """Whether the officer on duty can't be sent a text message of danger."""
    officer = session.get(Account, row.duty_account_id) if row is not None and row.duty_account_id else None
    return officer is not None and (not officer.phone or officer.disabled_at is not None)


def _values(session: Session, row: Organisation | None) -> dict[str, Any]:
    if row is None:
        return {"active": True}
    names = (
        "code",
        "name",
        "short_name",
        "kind",
        "level",
        "area_id",
        "outside",
        "active",
        "duty_account_id",
        "duty_note",
    )
    return {**{name: getattr(row, name) for name in names}, "parent_id": operations.parent_of(session, row.id)}


def _holders(session: Session, organisation_id: int | None) -> list[Any]:
    query = (
        select(Post, Account)
        .join(Account, Account.id == Post.account_id)
        .where(Post.organisation_id == organisation_id, Post.to_date.is_(None))
        .order_by(Account.username)
        .limit(200)
    )
    return list(session.execute(query)) if organisation_id is not None else []


def units(session: Session, leave_out: int | None = None) -> list[tuple[int, str]]:
    """Every organisation that exists now, for a select."""
    query = select(Organisation.id, Organisation.short_name).where(Organisation.active).order_by(Organisation.code)
    return [(row.id, row.short_name) for row in session.execute(query.limit(2000)) if row.id != leave_out]


@staff(PERMISSION)
def posts(organisation_id: int) -> Any:
    """Give a post by user name, or end one."""
    do = flask.request.form.get("do", "")
    try:
        with part(Database).write() as session:
            if do.startswith("end:"):
                operations.end_post(session, context.actor(), context.now(), whole(do.removeprefix("end:")) or 0)
                context.tell(_("岗位已结束。"))
            else:
                account_id = session.scalar(select(Account.id).where(Account.username == typed("username").lower()))
                operations.add_post(session, context.actor(), context.now(), account_id or 0, organisation_id,
                                    typed("title", 60))  # fmt: skip
                context.tell(_("岗位已分配，下次打开页面时生效。"))
    except Invalid as error:
        errors = {"username": next(iter(error.fields.values()))}
        return flask.make_response(_page(organisation_id, errors, retyped=False), 400)
    return flask.redirect(flask.url_for("workbench.organisation_edit", organisation_id=organisation_id))
