"""The portal's blueprint, gathered from its view modules."""

from __future__ import annotations

import flask

from portal import access, acts, attachments, categories, figures, guide, home, progress, replies, similar, submit


def make_blueprint() -> flask.Blueprint:
    """All pages of the portal under their promised addresses."""
    blueprint = flask.Blueprint(
        "portal", "portal", template_folder="templates", static_folder="static/portal", static_url_path="/static/portal"
    )
    for room in (categories, home, submit, similar, progress, acts, attachments, replies, figures, guide):
        room.add_to(blueprint)
    blueprint.after_request(access.keep_private)
    return blueprint
