"""The web process: every page, webhook and probe of the hub in one Flask application."""

from __future__ import annotations

import functools
import sys

import flask

import wiring
from callcenter import routes as callcenter
from channels import webhooks
from channels.registry import Channels
from core import jobs, logging
from core.broker import publisher
from core.broker_probe import BrokerProbe
from core.clock import Clock
from core.config import Settings, load_settings
from core.database import Database
from core.processes import end_with_parent
from core.web import health, setup
from core.web.parts import Parts
from organisations import presence
from portal import routes as portal
from search.service import SearchService
from workbench import routes as workbench


def create_app(
    settings: Settings | None = None, *, clock: Clock | None = None, parts: Parts | None = None
) -> flask.Flask:
    """The application. Without `parts` it makes its own from the settings (default: from the environment).

    Raises SettingsError when a setting is missing or malformed.
    """
    settings = settings or load_settings()
    parts = parts or wiring.build(settings, clock)
    app = flask.Flask("lianxin", static_folder=None)
    app.secret_key = str(parts.get(wiring.WebSecret))
    db, ticking = parts.get(Database), parts.get(Clock)  # type: ignore[type-abstract]
    setup.prepare(
        app, parts, resolve=functools.partial(presence.resolve, db, ticking), place=lambda: presence.place_of(db)
    )
    for room in (portal, workbench, callcenter):
        app.register_blueprint(room.make_blueprint())
    app.register_blueprint(webhooks.make_blueprint(db, ticking, settings, parts.get(Channels), wiring.BINDINGS))
    checks = [
        health.Check("search_engine", parts.get(SearchService).health),
        health.Check("broker", BrokerProbe(settings.broker_url).faults),
    ]
    app.register_blueprint(health.make_blueprint(checks))
    return app


def serve() -> flask.Flask:
    """The application as gunicorn runs it: logs set up, workers told to look after each commit that owes a job."""
    # A thread that writes is called back soon after each statement: the others wait for its turn to end.
    sys.setswitchinterval(0.001)
    end_with_parent()  # a killed gunicorn leaves no worker behind that holds the port
    settings = load_settings()
    logging.configure(settings.log_level)
    jobs.on_commit_nudge(publisher(settings).nudge)
    return create_app(settings)
