"""Published replies on the matter that somebody is writing about; none when search is down: nobody is held up by it."""

from __future__ import annotations

from typing import Any

import flask

from core.logging import get_logger
from core.web.access import public
from core.web.forms import typed
from core.web.limits import limited
from core.web.parts import part
from search.engine import SearchUnavailable
from search.service import SearchService, Shown

LEAST = 6
_log = get_logger(__name__)


def add_to(blueprint: flask.Blueprint) -> None:
    """Register the views of this module."""
    blueprint.add_url_rule("/submit/similar", "similar", live, methods=["POST"])


def similar_to(title: str, body: str) -> list[dict[str, Any]]:
    """At most three replies as the templates take them."""
    if len(title) + len(body) < LEAST:
        return []
    try:
        found = part(SearchService).similar(title, body)
    except SearchUnavailable:
        _log.info("similar_replies_unavailable")
        return []
    return [as_item(one) for one in found]


def as_item(one: Shown) -> dict[str, Any]:
    """A reply in a list, as templates take it."""
    reply = one.reply
    return {
        "href": flask.url_for("portal.reply", public_id=reply.public_id), "title": reply.title,
        "spans": one.title_spans, "snippet": one.snippet, "snippet_spans": one.snippet_spans,
        "department": reply.organisation_name, "at": reply.replied_at, "useful": reply.helped_yes,
    }  # fmt: skip


@public
@limited("60 per minute")
def live() -> Any:
    """The panel beside the form, asked for while somebody writes; nothing typed is kept or logged."""
    found = similar_to(typed("title", 200), typed("body", 2_000))
    if not found:
        return "", 204
    return flask.render_template("portal/similar_panel.html", similar=found)
