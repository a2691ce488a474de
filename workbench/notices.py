"""通知: the lines that tell a member of staff what happened and where they must act."""

from __future__ import annotations

from typing import Any, cast

import flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import visibility
from cases.models import Case
from core.database import Database
from core.web import navigation
from core.web.access import signed_in
from core.web.context import actor, now, tell
from core.web.navigation import NavEntry
from core.web.paging import Page, paged
from core.web.parts import part
from notifications import staff as lines
from notifications.models import StaffNotice
from notifications.templates import STAFF_KINDS
from organisations.people import Actor

ENTRY = NavEntry(
    "workbench.notices", _l("通知"), "bell", position=6,
    count=lambda session, who, at: lines.count_unread(session, who.account_id),
)  # fmt: skip


def register(blueprint: flask.Blueprint) -> None:
    """Put the page and its place in the navigation into the workbench."""
    blueprint.add_url_rule("/work/notices", "notices", page)
    blueprint.add_url_rule("/work/notices/read", "notices_read", read_all, methods=["POST"])
    blueprint.add_url_rule("/work/notices/<int:notice_id>/read", "notice_read", read_one, methods=["POST"])
    blueprint.record(lambda state: navigation.register(cast(flask.Flask, state.app), (ENTRY,)))


@signed_in
def page() -> str:
    """A person's lines, newest first: what is unread, or what was read."""
    who, read = actor(), flask.request.args.get("tab") == "read"
    with part(Database).read() as session:
        found = paged(session, lines.lines_of(_own(who), read=read))
        unread = lines.count_unread(session, _own(who))
        shown = Page(_shown(session, who, found.items), found.number, found.total, found.size)
    return flask.render_template("workbench/notices.html", page=shown, read=read, unread=unread)


def newest(session: Session, who: Actor, limit: int = 5) -> list[dict[str, Any]]:
    """The newest lines that a person has not read, for their home page."""
    return _shown(session, who, lines.unread(session, _own(who), limit))


@signed_in
def read_one(notice_id: int) -> Any:
    """Mark one line as read; somebody else's stays as it is."""
    with part(Database).write() as session:
        lines.mark_read(session, _own(actor()), now(), notice_id)
    return flask.redirect(flask.url_for("workbench.notices"))


@signed_in
def read_all() -> Any:
    """Mark every line of mine as read."""
    with part(Database).write() as session:
        lines.mark_read(session, _own(actor()), now())
    tell(_("通知都已标为已读。"))
    return flask.redirect(flask.url_for("workbench.notices"))


def _own(who: Actor) -> int:
    """The account of whoever is signed in."""
    if who.account_id is None:  # the access mark has seen to it
        raise RuntimeError("nobody is signed in")
    return who.account_id


def _shown(session: Session, who: Actor, found: Any) -> list[dict[str, Any]]:
    """Each line with its words, and its case as far as the person may (still) see it."""
    rows: list[StaffNotice] = list(found)
    wanted = [row.case_id for row in rows if row.case_id is not None]
    query = select(Case).where(Case.id.in_(wanted), visibility.visible(who))
    cases = {case.id: case for case in session.scalars(query)} if wanted else {}
    return [
        {"row": row, "words": STAFF_KINDS.get(row.kind, row.kind), "case": cases.get(row.case_id or 0)} for row in rows
    ]
