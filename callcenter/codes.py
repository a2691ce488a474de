"""查询码: a new one for whoever lost theirs, after the agent made sure who asks; on the audit record, shown once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flask
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from callcenter import names
from cases.errors import Invalid, NotFound
from cases.models import Citizen, Party, Submission
from cases.operations import citizens, codes
from core import ids
from core.crypto import ring
from core.database import Database
from core.text.numbers import half_width, id_number_ok, normal_phone
from core.web.access import staff
from core.web.context import actor, now
from core.web.forms import typed
from core.web.parts import part

MAY = "call.register"


def register(blueprint: flask.Blueprint) -> None:
    """Put the pages into the desk's blueprint."""
    blueprint.add_url_rule("/desk/code", "code", ask)
    blueprint.add_url_rule("/desk/code", "code_find", find, methods=["POST"])
    blueprint.add_url_rule("/desk/code/<int:submission_id>", "code_of", one)
    blueprint.add_url_rule("/desk/code/<int:submission_id>", "code_issue", issue, methods=["POST"])


def checks() -> list[tuple[str, str, str]]:
    """How the agent may make sure who asks, and what to do for it; the codes are those of operations.codes.CHECKS."""
    return [
        ("registered_phone", _("从登记号码来电"), _("在下面填来电号码，系统核对")),
        ("id_number", _("核对完整身份证号"), _("在下面填来电人报的身份证号，系统核对")),
        ("call_back", _("回拨登记号码核实"), _("挂断后拨打登记的号码，由本人接听")),
        ("matter", _("核对姓名和诉求内容"), _("请来电人说出姓名和反映的内容，与登记的相符")),
        ("id_card", _("当面核对身份证件"), _("本人到场出示证件")),
    ]


@staff(MAY)
def ask() -> Any:
    """Which number is it about?"""
    return flask.render_template("callcenter/code_ask.html", number="", error="")


@staff(MAY)
def find() -> Any:
    """From a number to its page; an unknown number and one that is not this agent's to see answer alike."""
    given = typed("number", 60)
    number = ids.clean_number(given)
    with part(Database).read() as session:
        row = session.scalar(select(Submission.id).where(Submission.number == number)) if number else None
        try:
            submission, _case = citizens.visible_submission(session, actor(), row or 0)
        except NotFound:
            error = _("没有查到这个编号，请核对 13 位诉求编号。") if number else _("编号应是 13 位数字，请核对后重填。")
            return flask.render_template("callcenter/code_ask.html", number=given, error=error), 404
    return flask.redirect(flask.url_for("callcenter.code_of", submission_id=submission.id))


@staff(MAY)
def one(submission_id: int) -> Any:
    """What to check of who asks; nothing is chosen beforehand."""
    return _show(submission_id)


@staff("person.reveal")
def issue(submission_id: int) -> Any:
    """A new code once the check holds; what the system can check itself it does."""
    checked, told = typed("checked", 20), typed("told", 60)
    try:
        with part(Database).write() as session:
            submission, _case = citizens.visible_submission(session, actor(), submission_id)
            _require_match(session, submission, checked, told)
            code = codes.reissue(session, actor(), now(), submission_id, checked)
    except Invalid as error:
        return _show(submission_id, error.fields, status=error.status)
    return _show(submission_id, code=code)


def _require_match(session: Session, submission: Submission, checked: str, told: str) -> None:
    """Compare what was told with what is on record, by digest. Raises Invalid."""
    if checked == "registered_phone":
        phone = normal_phone(told)
        query = select(Party.id).where(
            Party.submission_id == submission.id, Party.phone_digest == citizens.point_digest("phone", phone or "")
        )
        if phone is None or session.scalar(query.limit(1)) is None:
            raise Invalid({"told": _("来电号码与登记的号码不一致，请改用别的核实方式。")})
    if checked == "id_number":
        number = half_width(told).strip().upper()
        query = select(Citizen.id).where(
            Citizen.id == submission.citizen_id, Citizen.id_digest == ring().digest("id_number", number)
        )
        if not id_number_ok(number) or session.scalar(query) is None:
            raise Invalid({"told": _("身份证号与登记的不一致，或登记时没有留，请改用别的核实方式。")})


def _show(
    submission_id: int, faults: Mapping[str, str] | None = None, code: str = "", status: int = 200
) -> flask.Response:
    with part(Database).read() as session:
        submission, case = citizens.visible_submission(session, actor(), submission_id)
        query = select(Party).where(Party.submission_id == submission.id, Party.role == "reporter")
        party = session.scalar(query.limit(1)) if submission.disclosure != "anonymous" else None
    html = flask.render_template(
        "callcenter/code.html", row=submission, case=case, checks=checks(), faults=faults or {}, code=code,
        name=names.masked_name(party.name) if party else "", phone=party.phone if party else "",
        channel=names.channels().get(submission.channel, submission.channel), checked=typed("checked", 20),
        told=typed("told", 60) if faults else "",
    )  # fmt: skip
    return flask.make_response(html, status)
