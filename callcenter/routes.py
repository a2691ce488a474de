"""The desk's blueprint and its places in the navigation: each module of views adds its own routes.

A module has `register(blueprint)`; a new one is added to MODULES.
"""

from __future__ import annotations

from datetime import datetime
from types import ModuleType
from typing import cast

import flask
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from callcenter import call_backs, codes, desk, dialogues, live, nuisance
from cases.operations import contacts
from core.web import navigation
from core.web.navigation import NavEntry
from intake import left
from organisations.people import Actor

MODULES: tuple[ModuleType, ...] = (desk, live, call_backs, dialogues, nuisance, codes)


def _due(session: Session, actor: Actor, at: datetime) -> int:
    return contacts.due_call_backs(session, actor, 1, until=at, size=1)[1]


def _left(session: Session, actor: Actor, at: datetime) -> int:
    return left.left_dialogues(session, actor, page=1, size=1)[1]


ENTRIES = (
    NavEntry("callcenter.desk", _l("话务台"), "phone", ("call.register",), 10, group="热线",
             others=("callcenter.take", "callcenter.code*")),
    NavEntry("callcenter.call_backs", _l("回访"), "swap", ("call.register",), 11, _due, group="热线",
             others=("callcenter.call_back*",)),
    NavEntry("callcenter.dialogues", _l("未完对话"), "message", ("call.register",), 12, _left, group="热线",
             others=("callcenter.dialogue*",)),
    NavEntry("callcenter.nuisance", _l("骚扰号码"), "shield", ("call.block",), 13, group="热线",
             others=("callcenter.nuisance*",)),
)  # fmt: skip


def make_blueprint() -> flask.Blueprint:
    """The blueprint `callcenter` with every module's routes."""
    blueprint = flask.Blueprint(
        "callcenter",
        "callcenter",
        template_folder="templates",
        static_folder="static/callcenter",
        static_url_path="/static/callcenter",
    )
    for module in MODULES:
        module.register(blueprint)
    blueprint.record(lambda state: navigation.register(cast(flask.Flask, state.app), ENTRIES))
    return blueprint
