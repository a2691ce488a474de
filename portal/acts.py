"""What a citizen does to a submission of their own: add, answer our question, urge, object, rate, withdraw.

Each form carries the number it was shown for, so that a page left open never acts on another submission, and a token,
so that a double click is one message.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import flask
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from cases.errors import AlreadyThere, NotNow
from cases.models import Submission
from cases.operations import accusations, base, closing, messages, submissions
from cases.operations.inputs import FileGiven
from classifier import words
from core import ids
from core.database import Database
from core.errors import Invalid
from core.text.normalise import normalise
from core.web.access import public, takes_files
from core.web.context import now, tell
from core.web.forms import token_of, typed, whole
from core.web.limits import limited
from core.web.parts import part
from intake.answers import danger_advice
from organisations.people import CITIZEN
from portal import access, uploads
from portal.progress import page_of

LONGEST = 2_000
WITHDRAW_REASONS = ("solved", "mistaken", "repeated", "other")
Write = Callable[[Session, datetime, int, tuple[FileGiven, ...]], Any]


def add_to(blueprint: flask.Blueprint) -> None:
    """Register the views of this module."""
    for name, view in (("add", add), ("answer", answer), ("urge", urge), ("object", object_), ("rate", rate),
                       ("withdraw", withdraw)):  # fmt: skip
        blueprint.add_url_rule(f"/progress/{name}", name, view, methods=["POST"])


@public
@takes_files
@limited("60 per minute")
def add() -> Any:
    """Words and files beside the original."""
    return _message("add", messages.add, _("已补充，会转给办理人员。"), files=True)


@public
@takes_files
@limited("60 per minute")
def answer() -> Any:
    """What the citizen says to our question."""
    return _message("answer", messages.answer_question, _("已收到您的回答，会转给办理人员。"), files=True)


@public
@limited("60 per minute")
def urge() -> Any:
    """催办."""
    return _message("urge", messages.urge, _("已催办。办理人员和督办人员都能看到。"))


@public
@limited("60 per minute")
def object_() -> Any:
    """The answer served is not accepted."""
    return _message("object", messages.object_, _("已记下您的异议，工作人员会核对。"))


@public
@limited("60 per minute")
def rate() -> Any:
    """是否联系, 是否解决, 满意度: nothing is chosen beforehand; what was not said stays unknown."""
    said = {"yes": True, "no": False}
    contacted, resolved = said.get(typed("contacted", 4)), said.get(typed("resolved", 4))
    satisfaction, comment = whole(typed("score", 2), 1, 5), typed("comment", 20_000)
    faults = {}
    if resolved is None:
        faults["resolved"] = _("请选择解决了没有。")
    if satisfaction is None:
        faults["score"] = _("请选择您的满意程度。")
    if resolved is False and not comment:
        faults["comment"] = _("请写明还差什么，我们好核对。")
    if len(comment) > LONGEST:
        faults["comment"] = _too_long(comment)

    danger = words.danger(normalise(comment).text)

    def write(session: Session, at: datetime, submission_id: int, files: tuple[FileGiven, ...]) -> str:
        case = base.case_of(session, submission_id)
        said = _("谢谢您的评价。") if resolved else _unresolved(case.track, case.stage)
        closing.rate(session, CITIZEN, at, submission_id, contacted, resolved, satisfaction, comment, danger=danger)
        return said

    return _act("rate", write, "", faults, danger=danger)


def _unresolved(track: str, stage: str) -> str:
    """What follows when it is not resolved: an officer decides, unless it was closed already."""
    if stage == "asking":
        return _("已记下。工作人员会核对没有解决的部分，结果会告诉您；什么时候，见下面“接下来”。")
    if track == "petition":
        return _("已记下您的评价。对处理意见不服的，可以请求复查。")
    return _("已记下您的评价。这件事已经办结，要求重新办理请拨打 12345 报编号。")


@public
@limited("60 per minute")
def withdraw() -> Any:
    """Take the request back, after saying so once more."""
    reason = typed("reason", 20)
    faults = {}
    if typed("sure", 1) != "1":
        faults["sure"] = _("请先勾选“我确定撤回”。")

    def write(session: Session, at: datetime, submission_id: int, files: tuple[FileGiven, ...]) -> None:
        chosen = reason if reason in WITHDRAW_REASONS else ""
        submissions.withdraw(session, CITIZEN, at, submission_id, chosen)

    return _act("withdraw", write, _("已撤回，不再办理。"), faults)


def _message(name: str, operation: Callable[..., Any], done: str, *, files: bool = False) -> Any:
    text, token = typed("text", 20_000), token_of(flask.request.form)
    faults = {"text": _too_long(text)} if len(text) > LONGEST else {}
    danger = words.danger(normalise(text).text)

    def write(session: Session, at: datetime, submission_id: int, given: tuple[FileGiven, ...]) -> Any:
        source = {"origin": "web", "origin_key": f"{name}:{token}", "channel": "web"}
        return operation(session, CITIZEN, at, submission_id, text, files=given, danger=danger, **source)

    return _act(name, write, done, faults, files=files, danger=danger)


def _act(name: str, write: Write, done: str, faults: dict[str, str], *, files: bool = False, danger: str = "") -> Any:
    """Do it for the submission that is open here and was shown in the form; else say why not, with what was typed.

    `done` is said afterwards; "" says what `write` gives.
    Where the words tell of a danger to life, whom to call is said first, also when nothing could be kept.
    """
    submission_id = _own()
    if submission_id is None:
        return _shut(), 403
    taken = uploads.take() if files else uploads.Taken(())
    if taken.error:
        faults = {**faults, "files": taken.error}
    said: Any = ""
    if not faults:
        try:
            with part(Database).write() as session:
                said = write(session, now(), submission_id, taken.files)
                case, row = base.case_of(session, submission_id), session.get_one(Submission, submission_id)
                if accusations.for_readers_alone(case, row):
                    done = _of_readers_alone(name) or done
        except Invalid as error:
            faults = {field if field != "satisfaction" else "score": text for field, text in error.fields.items()}
        except (NotNow, AlreadyThere) as error:
            if danger:
                tell(danger_advice(danger), bad=True)
            tell(_(error.message), bad=True)
            return flask.redirect(flask.url_for("portal.progress"), 303)
    if danger:
        tell(danger_advice(danger), bad=True)
    if faults:
        return page_of(submission_id, faults, _typed(taken), name), 400
    tell(done or str(said))
    return flask.redirect(flask.url_for("portal.progress"), 303)


def _of_readers_alone(name: str) -> str:
    """What is said after something was done to what only its readers see; "" where the usual words fit."""
    return {
        "add": _("已补充，只有指定人员能看到。"), "answer": _("已收到您的回答，只有指定人员能看到。"),
        "urge": _("已催办，只有指定人员能看到。"), "object": _("已记下您的异议，只有指定人员能看到。"),
        "withdraw": _("已撤回，只有指定人员能看到，是否继续核实由他们决定。"),
    }.get(name, "")  # fmt: skip


def _own() -> int | None:
    """The submission that is open here, when the form was shown for it."""
    submission_id = access.opened()
    number = ids.clean_number(typed("number", 40))
    if submission_id is None or number is None:
        return None
    with part(Database).read() as session:
        row = session.get(Submission, submission_id)
        return submission_id if row is not None and row.number == number else None


def _shut() -> str:
    """Nothing is open any more, or something else: what was typed is shown, to be copied after opening it again."""
    return flask.render_template(
        "portal/progress_ask.html", number=typed("number", 40), error="", ended=True,
        typed_text=typed("text", 20_000) or typed("comment", 20_000),
    )  # fmt: skip


def _typed(taken: uploads.Taken) -> dict[str, Any]:
    names = ("text", "contacted", "resolved", "score", "comment", "reason")
    kept: dict[str, Any] = {name: typed(name, 20_000) for name in names}
    kept["form_token"] = token_of(flask.request.form)
    kept["files"] = [
        {"name": one.file.name, "size": one.file.size, "kind": one.file.kind, "token": one.token, "note": _("已传完")}
        for one in taken.kept
    ]
    return kept


def _too_long(text: str) -> str:
    return _("最多 %(most)s 个字，现在有 %(n)s 个字。请精简，或作为附件上传。", most=LONGEST, n=len(text))
