"""话务台: one page for a call, from the number to the number that is read out; what was typed is never lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import flask
from flask_babel import gettext as _

from callcenter import advice, callers, names, owed, taking
from callcenter.call import Call, from_request
from cases.operations import contacts
from cases.operations.messages import KINDS as MESSAGE_KINDS
from core.clock import Clock
from core.database import Database
from core.errors import HubError, Invalid
from core.web.access import staff
from core.web.context import actor, now
from core.web.forms import form_token
from core.web.parts import part
from intake.answers import danger_advice
from intake.brain import Brain
from search.service import SearchService

DESK = "call.register"
NEXT = 3  # call-backs shown beside the form


def register(blueprint: flask.Blueprint) -> None:
    """Put the desk into its blueprint."""
    blueprint.add_url_rule("/desk", "desk", page)
    blueprint.add_url_rule("/desk/", "desk_slash", page)
    blueprint.add_url_rule("/desk", "take", take, methods=["POST"])


@staff(DESK)
def page() -> Any:
    """A fresh desk, waiting for a call."""
    return show(Call(form_token()))


@staff(DESK)
def take() -> Any:
    """One button of the desk: look the caller up, suggest, search, read out, or register the call."""
    call, do = from_request(now()), flask.request.form.get("do", "find")
    call = replace(call, started=call.started or now())
    if do.startswith("read:"):
        return show(_read_out(call, do.removeprefix("read:")))
    if do not in ("send", "register", "answer"):
        return show(call)
    try:
        done = taking.register(
            part(Database), part(Clock), part(Brain), actor(), call, do  # type: ignore[type-abstract]
        )  # fmt: skip
    except Invalid as error:
        return show(call, error.fields, status=error.status)
    except HubError as error:
        return show(call, message=error.message, status=error.status)
    return flask.render_template(
        "callcenter/done.html", done=done, kinds=names.kinds(), words=MESSAGE_KINDS,
        danger=danger_advice(done.danger) if done.danger else "",
    )  # fmt: skip


def _read_out(call: Call, public_id: str) -> Call:
    """The call with one more reply read out: marked as used, its text beneath what is answered already."""
    with part(Database).read() as session:
        found = advice.read_replies(session, [public_id])
    if not found or public_id in call.used:
        return call
    answer = "\n".join(text for text in (call.answer, found[0]["text"]) if text)
    return replace(call, used=(*call.used, public_id), answer=answer)


def show(call: Call, faults: Mapping[str, str] | None = None, message: str = "", status: int = 200) -> flask.Response:
    """The desk with a call as it was typed, what is known of the caller and what is suggested."""
    who, at, db = actor(), now(), part(Database)
    caller, wrong = look_up(call.number)
    told = advice.tell(db, part(Brain), at, call)
    with db.read() as session:
        due, waiting = contacts.due_call_backs(session, who, 1, size=NEXT)
        context = {
            "areas": names.area_options(session), "used": advice.read_replies(session, call.used),
            "due": owed.lines(session, who, due), "waiting": waiting,
        }  # fmt: skip
    html = flask.render_template(
        "callcenter/desk.html", call=call, found=caller, told=told, faults={**wrong, **(faults or {})},
        message=message, failed=bool(faults), knowledge=advice.knowledge(part(SearchService), call),
        kinds=names.kinds(), flags=names.flags(), channels=names.channels(), **context,
    )  # fmt: skip
    return flask.make_response(html, status)


def look_up(number: str) -> tuple[callers.Caller | None, dict[str, str]]:
    """Who uses a number, on the audit record; or what is wrong with it. Nobody for no number."""
    if not number:
        return None, {}
    try:
        with part(Database).write() as session:
            return callers.find(session, actor(), now(), number), {}
    except Invalid as error:
        return None, {"number": error.fields.get("number") or _("请核对来电号码。")}
