"""What the desk's script asks for while somebody types: the same parts of the page that the buttons bring."""

from __future__ import annotations

from typing import Any

import flask

from callcenter import advice, names
from callcenter.call import from_request
from callcenter.desk import DESK, look_up
from core.database import Database
from core.web.access import staff
from core.web.context import now
from core.web.parts import part
from intake.brain import Brain
from search.service import SearchService


def register(blueprint: flask.Blueprint) -> None:
    """Put the endpoints into the desk's blueprint."""
    blueprint.add_url_rule("/desk/live/caller", "live_caller", caller, methods=["POST"])
    blueprint.add_url_rule("/desk/live/advice", "live_advice", suggest, methods=["POST"])
    blueprint.add_url_rule("/desk/live/knowledge", "live_knowledge", search, methods=["POST"])


@staff(DESK)
def caller() -> Any:
    """Who is calling; also when the call began, for the form."""
    at = now()
    call = from_request(at)
    found, wrong = look_up(call.number)
    html = flask.render_template(
        "callcenter/_caller.html", found=found, call=call, faults=wrong, kinds=names.kinds(),
        channels=names.channels(),
    )  # fmt: skip
    return flask.jsonify(
        caller=html, began=(call.started or at).isoformat(), error=wrong.get("number", ""),
        unfinished=found.unfinished if found else 0,
    )  # fmt: skip


@staff(DESK)
def suggest() -> Any:
    """What the words typed so far lead to: danger, category and department, a title, similar replies."""
    at = now()
    call = from_request(at)
    told = advice.tell(part(Database), part(Brain), at, call)
    shown: dict[str, Any] = {
        "danger": flask.render_template("callcenter/_danger.html", danger=told.danger),
        "advice": flask.render_template("callcenter/_advice.html", told=told, call=call),
        "title": told.title, "area": told.area, "began": (call.started or at).isoformat(),
    }  # fmt: skip
    if not call.words:
        shown["knowledge"] = _knowledge_html()
    return flask.jsonify(shown)


@staff(DESK)
def search() -> Any:
    """Published replies for what the agent looks for."""
    return flask.jsonify(knowledge=_knowledge_html())


def _knowledge_html() -> str:
    call = from_request(now())
    found = advice.knowledge(part(SearchService), call)
    return flask.render_template("callcenter/_knowledge.html", knowledge=found, call=call)
