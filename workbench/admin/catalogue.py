"""派单目录: the edition in force and its draft, edited row by row in the table, published by a second person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flask
from flask_babel import gettext as _
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from core.database import Database
from core.errors import NotFound
from core.web import context
from core.web.access import staff
from core.web.forms import typed, whole
from core.web.paging import SIZE, Page, page_number
from core.web.parts import part
from organisations.administration import catalogue as operations
from organisations.catalogue import in_force
from organisations.errors import Conflict, HubError, Invalid
from organisations.models import Account, Area, CatalogueCoHandler, CatalogueRow, CatalogueVersion, Organisation
from organisations.models.catalogue import STATES
from workbench.admin.structure import units

PERMISSION = "admin.catalogue"


@dataclass(frozen=True)
class Shown:
    """A row of the table: `change` is "", new, changed or gone; `was` is the row in force that it replaces."""

    row: CatalogueRow
    change: str = ""
    was: CatalogueRow | None = None


def register(blueprint: flask.Blueprint) -> None:
    """Add the routes."""
    add = blueprint.add_url_rule
    add("/work/admin/catalogue", "catalogue", listing)
    add("/work/admin/catalogue/versions", "catalogue_versions", versions)
    add("/work/admin/catalogue/draft", "catalogue_draft", draft, methods=["POST"])
    add("/work/admin/catalogue/rows", "catalogue_row", save, methods=["POST"])


@staff(PERMISSION)
def listing() -> str:
    """The draft when there is one, else what is in force; ?version= shows an earlier edition, ?edit= a row's fields."""
    return _page({}, {})


@staff(PERMISSION)
def versions() -> str:
    """Every edition there was."""
    with part(Database).read() as session:
        rows = list(session.scalars(select(CatalogueVersion).order_by(CatalogueVersion.number.desc()).limit(200)))
        names = _names(session, rows)
    return flask.render_template("workbench/admin/catalogue_versions.html", rows=rows, names=names, states=STATES)


@staff(PERMISSION)
def draft() -> Any:
    """Open, discard or publish the draft."""
    what, actor, at = flask.request.form.get("do", ""), context.actor(), context.now()
    version_id, version = whole(typed("version_id")) or 0, whole(typed("version")) or 0
    try:
        with part(Database).write() as session:
            if what == "publish":
                row = operations.publish(session, actor, at, version_id, version)
                context.tell(_("第 %(n)s 版已发布，从现在起按它派单。", n=row.number))
            elif what == "discard":
                operations.discard_draft(session, actor, at, version_id, version)
                context.tell(_("草稿已放弃，生效的目录没有变。"))
            else:
                operations.open_draft(session, actor, at)
                context.tell(_("草稿已建好，改动发布后才生效。"))
    except HubError as error:
        fields = error.fields if isinstance(error, Invalid) else {}
        context.tell(next(iter(fields.values()), error.message), bad=True)
    return flask.redirect(flask.url_for("workbench.catalogue"))


@staff(PERMISSION)
def save() -> Any:
    """Save, take out or bring back a row of the draft; on an error the row stays open with what was typed."""
    what, row_id = flask.request.form.get("do", ""), whole(typed("row_id"))
    version_id, version = whole(typed("version_id")) or 0, whole(typed("version")) or 0
    actor, at = context.actor(), context.now()
    try:
        with part(Database).write() as session:
            if what == "remove" and row_id is not None:
                operations.remove_row(session, actor, at, version_id, row_id, version)
                context.tell(_("已在草稿里停用这一条。"))
            elif what == "restore" and row_id is not None:
                operations.restore_row(session, actor, at, version_id, row_id, version)
                context.tell(_("已在草稿里恢复这一条。"))
            else:
                operations.save_row(session, actor, at, version_id, row_id, _given(), version)
                context.tell(_("已存入草稿。"))
    except (Invalid, Conflict) as error:
        fields = error.fields if isinstance(error, Invalid) else {"row": error.message}
        return flask.make_response(_page(fields, flask.request.form), error.status)
    kept: dict[str, Any] = {name: typed(f"keep_{name}", 60) or None for name in ("q", "level1", "changed", "page")}
    return flask.redirect(flask.url_for("workbench.catalogue", **kept))


def _given() -> operations.RowGiven:
    co_ids = tuple(found for text in flask.request.form.getlist("co_ids") if (found := whole(text)) is not None)
    return operations.RowGiven(
        level1=typed("level1", 60), level2=typed("level2", 100), level3=typed("level3", 100),
        area_id=whole(typed("area_id")), lead_id=whole(typed("lead_id")), co_ids=co_ids,
        legal_basis=typed("legal_basis", 500), sign_hours=whole(typed("sign_hours")),
        handle_days=whole(typed("handle_days")), track=typed("track", 12) or "hotline", note=typed("note", 500),
    )  # fmt: skip


def _page(errors: Mapping[str, str], form: Mapping[str, str]) -> str:
    args = flask.request.args
    shown = {name: args.get(name, "").strip()[:60] for name in ("q", "level1", "changed", "version", "edit")}
    with part(Database).read() as session:
        published, open_draft = in_force(session), operations.draft_of(session)
        version = _version(session, shown["version"]) or open_draft or published
        rows = _rows(session, version, published, shown) if version is not None else []
        edit_id = whole(form.get("row_id") if errors else shown["edit"])
        at = min(_page_with(rows, edit_id) or page_number(), max(1, -(-len(rows) // SIZE)))
        page = Page(rows[(at - 1) * SIZE : at * SIZE], at, len(rows), endpoint="workbench.catalogue")
        editable = version is not None and open_draft is not None and version.id == open_draft.id
        return flask.render_template(
            "workbench/admin/catalogue.html", page=page, version=version, published=published, draft=open_draft,
            editable=editable, shown=shown, errors=errors, form=form, **_around(session, published, open_draft, page),
            edit_id=edit_id,
            adding=(bool(errors) and not form.get("row_id")) or shown["edit"] == "new", tracks=operations.TRACKS,
        )  # fmt: skip


def _page_with(rows: Sequence[Shown], row_id: int | None) -> int | None:
    """The page on which a row stands: what was typed into it has to be shown again."""
    places = (place for place, item in enumerate(rows) if item.row.id == row_id)
    return next((place // SIZE + 1 for place in places), None)


def _version(session: Session, number: str) -> CatalogueVersion | None:
    if not number:
        return None
    found = session.scalar(select(CatalogueVersion).where(CatalogueVersion.number == (whole(number) or 0)))
    if found is None:
        raise NotFound()
    return found


def _rows(
    session: Session, version: CatalogueVersion, published: CatalogueVersion | None, shown: Mapping[str, str]
) -> list[Shown]:
    """The edition's rows that fit the filters, each with what differs from those in force. A few hundred."""
    mine = _fitting(session, version.id, shown)
    if version.state != "draft" or published is None:
        return [Shown(row) for row in mine]
    before = {operations.key_of(row): row for row in _fitting(session, published.id, {})}
    now_keys = {operations.key_of(row) for row in _fitting(session, version.id, {})}
    co = _co_handlers(session, [row.id for row in [*mine, *before.values()]])
    found = [_compared(row, before.get(operations.key_of(row)), co) for row in mine]
    gone = [row for row in _fitting(session, published.id, shown) if operations.key_of(row) not in now_keys]
    found += [Shown(row, "gone") for row in gone]
    found.sort(key=lambda item: (item.row.level1, item.row.level2, item.row.level3, item.row.area_id or 0))
    return [item for item in found if item.change] if shown["changed"] else found


def _compared(row: CatalogueRow, was: CatalogueRow | None, co: Mapping[int, list[int]]) -> Shown:
    if was is None:
        return Shown(row, "new")
    names = ("lead_id", "legal_basis", "sign_hours", "handle_days", "track", "note")
    same = all(getattr(row, name) == getattr(was, name) for name in names) and co.get(row.id) == co.get(was.id)
    return Shown(row, "" if same else "changed", was)


def _fitting(session: Session, version_id: int, shown: Mapping[str, str]) -> list[CatalogueRow]:
    query = select(CatalogueRow).where(CatalogueRow.version_id == version_id)
    if shown.get("level1"):
        query = query.where(CatalogueRow.level1 == shown["level1"])
    if shown.get("q"):
        alike = "%" + shown["q"].replace("%", "").replace("_", "") + "%"
        leads = select(Organisation.id).where(or_(Organisation.name.like(alike), Organisation.short_name.like(alike)))
        query = query.where(
            or_(CatalogueRow.level1.like(alike), CatalogueRow.level2.like(alike), CatalogueRow.level3.like(alike),
                CatalogueRow.legal_basis.like(alike), CatalogueRow.lead_id.in_(leads))
        )  # fmt: skip
    order = (CatalogueRow.level1, CatalogueRow.level2, CatalogueRow.level3, CatalogueRow.area_id, CatalogueRow.id)
    return list(session.scalars(query.order_by(*order)))


def _co_handlers(session: Session, row_ids: list[int]) -> dict[int, list[int]]:
    query = (
        select(CatalogueCoHandler).where(CatalogueCoHandler.row_id.in_(row_ids)).order_by(CatalogueCoHandler.position)
    )
    found: dict[int, list[int]] = {}
    for co in session.scalars(query):
        found.setdefault(co.row_id, []).append(co.organisation_id)
    return found


def _around(
    session: Session, published: CatalogueVersion | None, draft: CatalogueVersion | None, page: Page[Shown]
) -> dict[str, Any]:
    """What the page needs besides the rows: names, counts, choices."""
    seen = [found for item in page.items for found in (item.row, item.was) if found is not None]
    editions = [edition for edition in (published, draft) if edition is not None]
    names = _names(session, editions)
    counted = select(CatalogueRow.version_id, func.count()).group_by(CatalogueRow.version_id)
    level1s = session.scalars(
        select(CatalogueRow.level1).where(CatalogueRow.version_id.in_([e.id for e in editions])).distinct()
    )
    return {
        "co": _co_handlers(session, [row.id for row in seen]),
        "unit_names": dict(session.execute(select(Organisation.id, Organisation.short_name)).tuples().all()),
        "area_names": dict(session.execute(select(Area.id, Area.name)).tuples().all()),
        "counts": dict(
            session.execute(counted.where(CatalogueRow.version_id.in_([e.id for e in editions]))).tuples().all()
        ),
        "level1s": sorted(level1s),
        "names": names,
        "units": units(session),
        "areas": session.execute(select(Area.id, Area.name).order_by(Area.code).limit(500)).tuples().all(),
        "may_publish": draft is not None and context.actor().account_id not in operations.writers(draft),
        "writers": [names[one] for one in sorted(operations.writers(draft))] if draft is not None else [],
    }


def _names(session: Session, editions: list[CatalogueVersion]) -> dict[int, str]:
    ids = {one for e in editions for one in (*operations.writers(e), e.published_by_id)}
    return dict(session.execute(select(Account.id, Account.name).where(Account.id.in_(ids - {None}))).tuples().all())
