"""申请审批: the extensions, suspensions and returns that wait for this person's consent."""

from __future__ import annotations

from typing import Any

import flask
from flask_babel import gettext as _

from cases.models import AssignmentRequest
from cases.operations import requests as operations
from core.database import Database
from core.errors import HubError, NotFound
from core.ids import grouped
from core.web.access import signed_in, staff
from core.web.context import actor, now, tell
from core.web.forms import typed
from core.web.paging import page_number
from core.web.parts import part
from workbench import actions, cases, doing
from workbench.queries import waiting


def register(blueprint: flask.Blueprint) -> None:
    """Put this module's pages into the workbench."""
    blueprint.add_url_rule("/work/requests", "requests", page)
    blueprint.add_url_rule("/work/requests/<int:request_id>", "request_decide", decide, methods=["POST"])


@staff("case.review", "case.approve")
def page() -> Any:
    """What waits for a decision, the oldest first."""
    with part(Database).read() as session:
        shown = waiting.requests_page(session, actor(), page_number(), now())
    return flask.render_template("workbench/requests.html", page=shown)


@signed_in
def decide(request_id: int) -> Any:
    """Grant or refuse; the operation checks whose consent it takes. Told what changed when it was overtaken."""
    who, at = actor(), now()
    granted = flask.request.form.get("do") == "grant"
    if not granted and flask.request.form.get("do") != "refuse":
        raise NotFound()
    db, seen = part(Database), actions.seen()
    with db.read() as session:
        row = session.get(AssignmentRequest, request_id)
        if row is None:
            raise NotFound()
        case = cases.load(session, who, row.case_id)
    try:
        with db.write() as session:
            version = seen.version if seen else None
            if granted:
                operations.grant(session, who, at, request_id, version)
            else:
                operations.refuse_request(session, who, at, request_id, version, ground=typed("ground", 40))
    except NotFound:
        raise
    except HubError as error:
        return cases.show(case.id, message=error.message, status=error.status,
                          overtaken=seen.seq if seen and error.code == doing.Overtaken.code else None)  # fmt: skip
    tell(_("%(number)s 已%(what)s", number=grouped(case.number), what=_("同意申请") if granted else _("不同意申请")))
    if flask.request.form.get("back") == "case":
        return flask.redirect(flask.url_for("workbench.case", case_id=case.id))
    return flask.redirect(flask.url_for("workbench.requests"))
