"""办事指南: what the hotline does and does not do, how it goes and by when, petitions, danger numbers."""

from __future__ import annotations

from typing import Any

import flask

from core.database import Database
from core.web.access import public
from core.web.parts import part
from portal import policies
from portal.view import REVIEW_DAYS


def add_to(blueprint: flask.Blueprint) -> None:
    """Register the views of this module."""
    blueprint.add_url_rule("/guide", "guide", guide)


@public
def guide() -> Any:
    """The guide; its time limits come from the policies in force."""
    with part(Database).read() as session:
        hotline, petition = policies.terms(session, "hotline"), policies.terms(session, "petition")
    return flask.render_template("portal/guide.html", hotline=hotline, petition=petition, review_days=REVIEW_DAYS)
