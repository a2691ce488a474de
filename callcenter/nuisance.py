"""骚扰号码: the numbers that were counted, for a supervisor, who alone may block one or let it through again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import flask
from flask_babel import gettext as _

from cases.models import BlockedNumber
from cases.operations import contacts
from core.database import Database
from core.errors import Invalid, NotFound
from core.text.numbers import normal_phone
from core.web.access import staff
from core.web.context import actor, now, tell
from core.web.forms import typed
from core.web.paging import Page, page_number
from core.web.parts import part

SIZE = 20


def register(blueprint: flask.Blueprint) -> None:
    """Put the page into the desk's blueprint."""
    blueprint.add_url_rule("/desk/nuisance", "nuisance", page)
    blueprint.add_url_rule("/desk/nuisance", "nuisance_block", block, methods=["POST"])
    blueprint.add_url_rule("/desk/nuisance/<int:row_id>", "nuisance_decide", decide, methods=["POST"])


@staff("call.block")
def page() -> Any:
    """The numbers, most counted first, masked."""
    return _show()


@staff("call.block")
def block() -> Any:
    """Block a number that nobody marked, such as one named by the police; on the audit record."""
    try:
        if normal_phone(typed("number", 60)) is None:
            raise Invalid({"number": _("请输入完整的号码：11 位手机号，或带区号的座机号。")})
        with part(Database).write() as session:
            contacts.block_number(session, actor(), now(), typed("number", 60), typed("reason", 200))
    except Invalid as error:
        return _show(0, error.fields, error.status)
    tell(_("已限制这个号码"))
    return flask.redirect(flask.url_for("callcenter.nuisance"))


@staff("call.block")
def decide(row_id: int) -> Any:
    """Block a number with its reason, or let it through and forget its count; on the audit record."""
    who, at, do = actor(), now(), flask.request.form.get("do", "")
    if do not in ("block", "unblock"):
        raise NotFound()
    try:
        with part(Database).write() as session:
            row = session.get(BlockedNumber, row_id)
            if row is None:
                raise NotFound()
            if do == "block":
                contacts.block_number(session, who, at, row.number or "", typed("reason", 200))
            else:
                contacts.unblock_number(session, who, at, row.number or "")
    except Invalid as error:
        return _show(row_id, error.fields, error.status)
    tell(_("已限制这个号码") if do == "block" else _("已解除限制，次数清零"))
    return flask.redirect(flask.url_for("callcenter.nuisance"))


def _show(row_id: int = 0, faults: Mapping[str, str] | None = None, status: int = 200) -> flask.Response:
    with part(Database).read() as session:
        number = page_number()
        _rows, total = contacts.nuisance_numbers(session, actor(), 1, size=1)
        number = min(number, max(1, -(-total // SIZE)))
        rows, total = contacts.nuisance_numbers(session, actor(), number, size=SIZE)
    html = flask.render_template(
        "callcenter/nuisance.html", page=Page(rows, number, total, SIZE, "callcenter.nuisance"), row_id=row_id,
        faults=faults or {}, reason=typed("reason", 200), number=typed("number", 60),
    )  # fmt: skip
    return flask.make_response(html, status)
