"""查答复: searching the published replies, and the page of one."""

from __future__ import annotations

from typing import Any

import flask
from flask_babel import gettext as _
from sqlalchemy import update

from cases.models import PublishedReply
from core.database import Database
from core.errors import NotFound
from core.logging import get_logger
from core.web import paging
from core.web.access import public
from core.web.context import tell
from core.web.limits import limited
from core.web.parts import part
from portal.categories import category
from portal.home import beginning
from portal.similar import as_item
from search.engine import Page, SearchUnavailable
from search.loading import Reply, newest_replies, replies_by_id
from search.query import LONGEST
from search.service import Found, SearchService

SIZE = 10
SHOWN_FACETS = 6
MOST_VALUES = 20
FILTERS = {"category": "category1", "organisation": "organisation", "year": "year"}
_HELPED = "lx_helped"
_log = get_logger(__name__)


def add_to(blueprint: flask.Blueprint) -> None:
    """Register the views of this module."""
    blueprint.add_url_rule("/replies", "replies", replies_page)
    blueprint.add_url_rule("/replies/<public_id>", "reply", reply_page)
    blueprint.add_url_rule("/replies/<public_id>/helped", "helped", helped, methods=["POST"])


@public
def replies_page() -> Any:
    """The results for what was typed, narrowed by the chosen values; the newest when nothing was typed."""
    args = flask.request.args
    typed = args.get("q", "").strip()[:LONGEST]
    chosen = {name: _values(name) for name in FILTERS}
    newest = args.get("order") == "new"
    number = paging.page_number()
    filters = {FILTERS[name]: values for name, values in chosen.items() if values}
    try:
        found = part(SearchService).search(
            typed, filters, Page(number, SIZE), exact=bool(args.get("exact")), newest=newest
        )
    except SearchUnavailable:
        _log.warning("replies_search_unavailable")
        return flask.render_template("portal/replies_down.html", typed=typed, replies=_newest_items()), 503
    page = paging.Page(found.items, number, min(found.total, SIZE * paging.MOST_PAGES), SIZE)
    items = [as_item(one) for one in found.items]
    for item in items:
        # So that a reply leads back to these results.
        item["href"] += "?" + flask.request.query_string.decode("ascii", "replace") if typed else ""
    return flask.render_template(
        "portal/replies.html", typed=typed, found=found, items=items, page=page, groups=_groups(found, chosen),
        chosen=chosen, newest=newest, picked=_picked(found, chosen),
    )  # fmt: skip


def _values(name: str) -> list[str]:
    return [value[:60] for value in flask.request.args.getlist(name)[:MOST_VALUES] if value]


def _groups(found: Found, chosen: dict[str, list[str]]) -> list[dict[str, Any]]:
    """The filters with their counts: the largest first, those chosen always there, the rest folded away."""
    titles = {"category": _("内容分类"), "organisation": _("答复部门"), "year": _("答复年份")}
    groups = []
    for name, field in FILTERS.items():
        facets = list(found.facets.get(field, ()))
        first = [one for place, one in enumerate(facets) if place < SHOWN_FACETS or one.value in chosen[name]]
        rest = [one for one in facets if one not in first]
        if facets:
            groups.append({"name": name, "title": titles[name], "first": first, "rest": rest, "chosen": chosen[name]})
    return groups


def _picked(found: Found, chosen: dict[str, list[str]]) -> list[tuple[str, str]]:
    """The chosen values as words, each with the address without it."""
    picked = []
    for name, values in chosen.items():
        labels = {facet.value: facet.label for facet in found.facets.get(FILTERS[name], ())}
        for value in values:
            others = [other for other in values if other != value]
            word = category(value) if name == "category" else labels.get(value, value)
            changes: dict[str, Any] = {name: others, "page": None}
            picked.append((word, paging.address_with(**changes)))
    return picked


def _newest_items() -> list[dict[str, Any]]:
    with part(Database).read() as session:
        rows = newest_replies(session, SIZE)
    return [
        {"href": flask.url_for("portal.reply", public_id=one.public_id), "title": one.title, "at": one.replied_at,
         "snippet": beginning(one.reply, 90), "department": one.organisation_name, "useful": one.helped_yes}
        for one in rows
    ]  # fmt: skip


@public
def reply_page(public_id: str) -> Any:
    """One published reply. Raises NotFound when it is not, or no longer, published."""
    reply = _reply(public_id)
    typed = flask.request.args.get("q", "").strip()[:LONGEST]
    back = flask.url_for("portal.replies") + (
        "?" + flask.request.query_string.decode("ascii", "replace") if typed else ""
    )
    try:
        similar = [
            as_item(one) for one in part(SearchService).similar(reply.title, reply.question, leave_out=[public_id])
        ]
    except SearchUnavailable:
        similar = []
    return flask.render_template(
        "portal/reply.html", reply=reply, similar=similar, typed=typed, back=back,
        said=public_id in flask.session.get(_HELPED, []),
    )  # fmt: skip


@public
@limited("60 per minute")
def helped(public_id: str) -> Any:
    """Count that a reply helped, or did not: once a browser, no more than that is known of who said it."""
    reply = _reply(public_id)
    said = list(flask.session.get(_HELPED, []))
    answer = flask.request.form.get("useful")
    if public_id not in said and answer in {"1", "0"}:
        column = PublishedReply.helped_yes if answer == "1" else PublishedReply.helped_no
        with part(Database).write() as session:
            session.execute(
                update(PublishedReply).where(PublishedReply.id == reply.row_id).values({column: column + 1})
            )
        flask.session[_HELPED] = [*said[-30:], public_id]
    if answer == "0":
        tell(_("已记下。没有解决您的问题，可以直接告诉我们。"))
    else:
        tell(_("谢谢，已记下。"))
    return flask.redirect(flask.url_for("portal.reply", public_id=public_id), 303)


def _reply(public_id: str) -> Reply:
    found = None
    if public_id.isascii() and public_id.isalnum():
        with part(Database).read() as session:
            found = replies_by_id(session, [public_id]).get(public_id)
    if found is None:
        raise NotFound(_("没有找到这条答复，它可能已经撤下。您可以查一查类似的答复。"))
    return found
