"""未完对话: WeChat and SMS dialogues that were left with substance in them, for an agent to take up; never dropped."""

from __future__ import annotations

from typing import Any

import flask
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from callcenter import desk, names, taking
from callcenter.call import Call
from core import audit
from core.database import Database
from core.errors import Forbidden, HubError, NotFound
from core.text.masking import mask
from core.text.numbers import normal_phone
from core.web.access import staff
from core.web.context import actor, now, tell
from core.web.forms import form_token
from core.web.paging import Page, page_number
from core.web.parts import part
from intake import left
from intake.answers import danger_advice
from intake.models import STEPS, Dialogue

SIZE = 20


def register(blueprint: flask.Blueprint) -> None:
    """Put the pages into the desk's blueprint."""
    blueprint.add_url_rule("/desk/dialogues", "dialogues", page)
    blueprint.add_url_rule("/desk/dialogues/<int:dialogue_id>", "dialogue", one)
    blueprint.add_url_rule("/desk/dialogues/<int:dialogue_id>", "dialogue_do", take_up, methods=["POST"])


@staff("call.register")
def page() -> Any:
    """The dialogues that wait for an agent, longest first."""
    with part(Database).read() as session:
        _rows, total = left.left_dialogues(session, actor(), page=1, size=1)
        number = min(page_number(), max(1, -(-total // SIZE)))
        rows, total = left.left_dialogues(session, actor(), page=number, size=SIZE)
    shown = [{"row": row, "text": mask(row.body or "").text[:80]} for row in rows]
    return flask.render_template(
        "callcenter/dialogues.html", page=Page(shown, number, total, SIZE), channels=names.channels(), steps=STEPS
    )


@staff("call.register")
def one(dialogue_id: int) -> Any:
    """What was said so far, masked."""
    return _show(dialogue_id)


@staff("call.register")
def take_up(dialogue_id: int) -> Any:
    """Hand it in for its sender, register a call about it, see the sender's number, or close it."""
    do = flask.request.form.get("do", "")
    steps = {"submit": _submit, "call": _call, "number": _number, "close": _close}
    if do not in steps:
        raise NotFound()
    try:
        return steps[do](dialogue_id)
    except NotFound:
        raise
    except HubError as error:
        return _show(dialogue_id, message=error.message, status=error.status)


def _submit(dialogue_id: int) -> Any:
    who, at = actor(), now()
    with part(Database).write() as session:
        done = left.submit_left(session, who, at, dialogue_id)
        shown = taking.Registered(
            "new", done.submission.number, done.code, done.repeated, done.case.danger or "", done.case.promise_at,
            taking.Where("waiting"),
        )  # fmt: skip
    return flask.render_template(
        "callcenter/done.html", done=shown, kinds=names.kinds(), danger=danger_advice(shown.danger)
        if shown.danger else "",
    )  # fmt: skip


def _call(dialogue_id: int) -> Any:
    """The desk, filled in with what the dialogue holds; registering the call closes the dialogue."""
    row = _named(dialogue_id)
    sender = row.sender or "" if row.channel == "sms" else ""
    _note_reveal(row)
    return desk.show(Call(
        form_token(), started=now(), number=sender if normal_phone(sender) else "", body=row.body or "",
        place=row.place or "", dialogue=str(row.id),
    ))  # fmt: skip


def _number(dialogue_id: int) -> Any:
    """The sender in full, on the audit record."""
    row = _named(dialogue_id)
    _note_reveal(row)
    return _show(dialogue_id, sender=row.sender or "")


def _close(dialogue_id: int) -> Any:
    with part(Database).write() as session:
        left.close_left(session, actor(), now(), dialogue_id)
    tell(_("已关闭这段对话"))
    return flask.redirect(flask.url_for("callcenter.dialogues"))


def _note_reveal(row: Dialogue) -> None:
    actor().require("person.reveal")
    with part(Database).write() as session:
        audit.record(session, at=now(), actor_id=actor().account_id, action="revealed", subject="dialogue",
                     subject_id=row.id, details={"kind": "sender"})  # fmt: skip


def _named(dialogue_id: int) -> Dialogue:
    """The dialogue, of a sender who did not ask to be 匿名: of theirs nobody sees the number. Raises Forbidden."""
    row = _left(dialogue_id)
    if row.disclosure == "anonymous":
        raise Forbidden(message=_("对方要求匿名，号码不显示给任何工作人员。"))
    return row


def _left(dialogue_id: int) -> Dialogue:
    with part(Database).read() as session:
        return _load(session, dialogue_id)


def _load(session: Session, dialogue_id: int) -> Dialogue:
    """A dialogue that was listed for an agent. Raises NotFound for one that goes on: it is its sender's alone."""
    row = session.get(Dialogue, dialogue_id)
    if row is None or row.listed_at is None:
        raise NotFound()
    return row


def _show(dialogue_id: int, message: str = "", sender: str = "", status: int = 200) -> flask.Response:
    with part(Database).read() as session:
        row = _load(session, dialogue_id)
        said = [
            {"at": turn.at, "role": turn.role, "kind": turn.kind, "text": mask(turn.text or "").text}
            for turn in left.turns(session, dialogue_id)
        ]
    html = flask.render_template(
        "callcenter/dialogue.html", row=row, said=said, message=message, sender=sender, body=mask(row.body or "").text,
        place=mask(row.place or "").text, channels=names.channels(), steps=STEPS,
    )  # fmt: skip
    return flask.make_response(html, status)
