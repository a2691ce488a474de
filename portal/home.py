"""The first page: search first, then one thing to do, a few true figures, the newest replies, what happens next."""

from __future__ import annotations

from typing import Any

import flask

from core.database import Database
from core.logging import get_logger
from core.web.access import public
from core.web.context import now
from core.web.parts import part
from portal import policies
from portal.figures import figures
from search.engine import Page, SearchUnavailable
from search.loading import newest_replies
from search.service import SearchService

NEWEST, TOPICS = 4, 6
_log = get_logger(__name__)


def add_to(blueprint: flask.Blueprint) -> None:
    """Register the views of this module."""
    blueprint.add_url_rule("/", "home", home)


@public
def home() -> Any:
    """The first page."""
    with part(Database).read() as session:
        replies = [
            {"href": flask.url_for("portal.reply", public_id=one.public_id), "title": one.title, "at": one.replied_at,
             "snippet": beginning(one.reply), "department": one.organisation_name, "useful": one.helped_yes}
            for one in newest_replies(session, NEWEST)
        ]  # fmt: skip
        terms = policies.terms(session, "hotline")
    return flask.render_template(
        "portal/home.html", replies=replies, figures=figures(part(Database), now()), topics=_topics(), terms=terms
    )


def beginning(text: str, length: int = 60) -> str:
    """The first words of a text in one line."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[:length] + "……"


def _topics() -> list[tuple[str, int]]:
    """The categories with most published replies, and how many."""
    try:
        found = part(SearchService).search("", page=Page(size=1))
    except SearchUnavailable:
        return []
    return [(facet.value, facet.count) for facet in found.facets.get("category1", ())[:TOPICS]]
