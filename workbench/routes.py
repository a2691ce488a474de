"""The workbench's blueprint: each module of views adds its own routes.

A module has `register(blueprint)`; a new one is added to MODULES. Paths are written out in full: /login and
/reset stand beside /work.
"""

from __future__ import annotations

from types import ModuleType

import flask

from workbench import (
    account,
    accusations,
    actions,
    admin,
    attachments,
    cases,
    home,
    leaders,
    notices,
    replies,
    requests,
    review,
    signin,
)

MODULES: tuple[ModuleType, ...] = (
    signin,
    account,
    home,
    review,
    cases,
    actions,
    attachments,
    requests,
    replies,
    accusations,
    notices,
    leaders,
    admin,
)


def make_blueprint() -> flask.Blueprint:
    """The blueprint `workbench` with every module's routes."""
    blueprint = flask.Blueprint(
        "workbench",
        "workbench",
        template_folder="templates",
        static_folder="static",
        static_url_path="/static/workbench",
    )
    for module in MODULES:
        module.register(blueprint)
    return blueprint
