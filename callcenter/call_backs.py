"""回访: the calls that are owed, each with whom to call, what came of it, and the rating told on the telephone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import flask
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from callcenter import names, owed, taking
from callcenter.call import SCORES, YES_NO
from cases.models import CallBack
from cases.operations import contacts
from core.database import Database
from core.errors import Conflict, HubError, Invalid, NotFound
from core.web.access import staff
from core.web.context import actor, now, tell
from core.web.forms import moment_of, typed, whole
from core.web.paging import Page, page_number
from core.web.parts import part
from organisations.people import Actor

SIZE = 20
FIELDS = ("result", "note", "next_at", "contacted", "resolved", "score", "comment")


def register(blueprint: flask.Blueprint) -> None:
    """Put the pages of call-backs into the desk's blueprint."""
    blueprint.add_url_rule("/desk/callbacks", "call_backs", page)
    blueprint.add_url_rule("/desk/callbacks/<int:call_back_id>", "call_back", one)
    blueprint.add_url_rule("/desk/callbacks/<int:call_back_id>", "call_back_record", record, methods=["POST"])
    blueprint.add_url_rule("/desk/callbacks/<int:call_back_id>/number", "call_back_number", reveal, methods=["POST"])


@staff("call.register")
def page() -> Any:
    """What is owed, the most urgent first; today's alone when the address says so."""
    who, at = actor(), now()
    only_due = flask.request.args.get("tab") == "due"
    with part(Database).read() as session:
        counts = {tab: _some(session, who, 1, until, 1)[1] for tab, until in (("all", None), ("due", at))}
        total = counts["due" if only_due else "all"]
        number = min(page_number(), max(1, -(-total // SIZE)))
        rows, total = _some(session, who, number, at if only_due else None, SIZE)
        shown = Page(owed.lines(session, who, rows), number, total, SIZE)
    return flask.render_template(
        "callcenter/call_backs.html", page=shown, counts=counts, tab="due" if only_due else "all", at=at,
        results=names.results(),
    )  # fmt: skip


def _some(session: Session, who: Actor, number: int, until: datetime | None, size: int) -> tuple[list[CallBack], int]:
    return contacts.due_call_backs(session, who, number, until=until, size=size)


@staff("call.register")
def one(call_back_id: int) -> Any:
    """One call-back, with the number still masked."""
    return _show(call_back_id)


@staff("person.reveal")
def reveal(call_back_id: int) -> Any:
    """Whom to call, in full and on the audit record; the page is the answer to the form, never an address."""
    with part(Database).write() as session:
        person = contacts.whom_to_call(session, actor(), now(), call_back_id)
    return _show(call_back_id, person=person)


@staff("call.register")
def record(call_back_id: int) -> Any:
    """Note one try, and with it the rating that the citizen told. Both stand, or neither."""
    said = {name: typed(name, 2_000) for name in FIELDS}
    try:
        with part(Database).write() as session:
            row = _record(session, actor(), now(), call_back_id, said)
    except NotFound:
        raise
    except Invalid as error:
        return _show(call_back_id, said, error.fields, status=error.status)
    except HubError as error:
        return _show(call_back_id, said, message=error.message, status=error.status)
    tell(_("已记录回访") if row.state != "open" else _("已记录，回访仍未完成"))
    return flask.redirect(flask.url_for("callcenter.call_backs"))


def _record(session: Session, who: Actor, at: datetime, call_back_id: int, said: Mapping[str, str]) -> CallBack:
    file = owed.file_of(session, who, call_back_id)
    query = select(CallBack.attempts).where(CallBack.id == call_back_id).with_for_update()
    if session.scalar(query) != whole(typed("seen", 10), 0):
        raise Conflict(_("这次回访刚有人记录过，请看过最新情况后再记；您填写的内容已保留。"))
    next_at = moment_of(said["next_at"])
    if said["next_at"] and (next_at is None or next_at <= at):
        raise Invalid({"next_at": _("下次回访的时间应晚于现在。")})
    if len(said["note"]) > 1_000:
        raise Invalid({"note": _("记录最多 1,000 个字，请精简。")})
    rated = said["score"] in SCORES or said["contacted"] in YES_NO or said["resolved"] in YES_NO or said["comment"]
    if rated and said["result"] != "reached":
        raise Invalid({"result": _("填写了评价的，回访结果应是“已接通”。")})
    row = contacts.record_attempt(session, who, at, call_back_id, said["result"], said["note"], next_at=next_at)
    if rated and file.line.matter is not None:
        taking.rate(session, who, at, file.line.matter.submission_id, said, way="callback")
    return row


def _show(
    call_back_id: int,
    said: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
    message: str = "",
    person: tuple[str, str] | None = None,
    status: int = 200,
) -> flask.Response:
    with part(Database).read() as session:
        file = owed.file_of(session, actor(), call_back_id)
    html = flask.render_template(
        "callcenter/call_back.html", file=file, said=said or {}, faults=faults or {}, message=message, whom=person,
        results=names.results(), at=now(),
    )  # fmt: skip
    return flask.make_response(html, status)
