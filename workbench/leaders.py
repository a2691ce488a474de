"""临期和超期: what is late and why, the cards by organisation, pressing for a case; for supervisors and leaders."""

from __future__ import annotations

from typing import Any

import flask
from flask_babel import gettext as _

from core import audit
from core.database import Database
from core.errors import HubError, Invalid, NotFound
from core.ids import grouped
from core.web.access import staff
from core.web.context import actor, now, tell
from core.web.forms import whole
from core.web.paging import page_number
from core.web.parts import part
from supervision import lateness
from workbench import cases, doing
from workbench.queries import late, listing, names
from workbench.steps import BY_OPERATION
from workbench.typed import Typed


def register(blueprint: flask.Blueprint) -> None:
    """Put this module's pages into the workbench."""
    blueprint.add_url_rule("/work/late", "late", page)
    blueprint.add_url_rule("/work/late/export", "late_export", export, methods=["POST"])
    blueprint.add_url_rule("/work/late/<int:case_id>/press", "late_press", press, methods=["POST"])


@staff("case.supervise")
def page() -> Any:
    """What is late, longest first, with its reason; the month's cards by organisation beside it."""
    who, at = actor(), now()
    tab = "near" if flask.request.args.get("tab") == "near" else "late"
    office = whole(flask.request.args.get("organisation"), 1)
    with part(Database).read() as session:
        shown = late.page(session, who, at, page_number(), tab, office)
        counts = {one: lateness.count(session, who, at, one) for one in ("late", "near")}
        cards = late.cards_by_office(session, who, at)
        offices = listing.organisation_options(session)
    return flask.render_template(
        "workbench/late.html",
        page=shown,
        counts=counts,
        cards=cards,
        tab=tab,
        office=office,
        offices=offices,
        near_days=lateness.NEAR.days,
    )


@staff("case.supervise")
def press(case_id: int) -> Any:
    """Press for one case from the list, in the supervisor's words."""
    who, at = actor(), now()
    try:
        doing.perform(part(Database), who, at, "press", case_id, Typed(flask.request.form))
    except NotFound:
        raise
    except Invalid as error:
        return cases.show(case_id, step=BY_OPERATION["press"], typed=flask.request.form, errors=error.fields,
                          message=error.message, status=error.status)  # fmt: skip
    except HubError as error:
        return cases.show(case_id, message=error.message, status=error.status)
    with part(Database).read() as session:
        number = cases.load(session, who, case_id).number
    tell(_("%(number)s 已催办", number=grouped(number)))
    return flask.redirect(flask.url_for("workbench.late"))


@staff("export")
def export() -> flask.Response:
    """The late work as a workbook; on the audit record."""
    who, at = actor(), now()
    with part(Database).write() as session:
        shown = late.page(
            session, who, at, 1, "late", whole(flask.request.form.get("organisation"), 1), listing.EXPORTED
        )
        audit.record(session, at=at, actor_id=who.account_id, action="exported", subject="late",
                     details={"rows": len(shown.items)})  # fmt: skip
    heads = [_("编号"), _("事项"), _("单位"), _("承办人"), _("环节"), _("到期"), _("超期"), _("原因")]
    rows = [
        [one["case"].number, one["case"].title, one["office"], one["who"], names.clock_kind(one["clock"].kind),
         one["clock"].due_at, one["due"].get("text", ""), one["why"]]
        for one in shown.items
    ]  # fmt: skip
    return cases.sheet([heads, *rows], _("超期办件"), at)
