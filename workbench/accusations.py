"""检举控告: for the readers named case by case; nobody else finds here, or anywhere, that there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cases import visibility
from cases.models import Case, CaseReader
from cases.operations import accusations, base
from core.database import Database
from core.errors import HubError, Invalid, NotFound
from core.ids import grouped
from core.web.access import signed_in
from core.web.context import actor, now, tell
from core.web.forms import whole
from core.web.paging import SIZE, Page, page_number
from core.web.parts import part
from workbench import actions, cases
from workbench.queries import lines


def register(blueprint: flask.Blueprint) -> None:
    """Put this module's pages into the workbench."""
    blueprint.add_url_rule("/work/accusations", "accusations", page)
    for path, name, view in (
        ("decide", "accusation_decide", decide),
        ("reader", "accusation_reader", name_reader),
        ("exclude", "accusation_exclude", exclude),
    ):
        blueprint.add_url_rule(f"/work/accusations/<int:case_id>/{path}", name, view, methods=["POST"])


@signed_in
def page() -> Any:
    """The (possible) accusations that this person was named to read; undecided ones first."""
    who, at = actor(), now()
    query = (
        select(Case)
        .join(CaseReader, CaseReader.case_id == Case.id)
        .where(CaseReader.account_id == who.account_id, Case.accusation.in_(("possible", "yes")),
               Case.merged_into_id.is_(None), visibility.visible(who))
        .order_by(Case.accusation, Case.received_at.desc(), Case.id.desc())
    )  # fmt: skip
    with part(Database).read() as session:
        ids = query.order_by(None).with_only_columns(Case.id).subquery()
        total = session.scalar(select(func.count()).select_from(ids)) or 0
        number = min(page_number(), max(1, -(-total // SIZE)))
        found = list(session.scalars(query.limit(SIZE).offset((number - 1) * SIZE)))
        shown = lines.lines(session, who, at, found)
        undecided = {case.id for case in found if case.accusation == "possible"}
    return flask.render_template(
        "workbench/accusations.html", page=Page(found, number, total, SIZE), lines=shown, undecided=undecided
    )


@signed_in
def decide(case_id: int) -> Any:
    """Say whether it is an accusation, and against whom."""
    answer = flask.request.form.get("is", "")
    if answer not in ("yes", "no"):
        raise NotFound()
    accused = whole(flask.request.form.get("accused"), 1) if answer == "yes" else None

    def change(session: Session) -> None:
        accusations.decide(session, actor(), now(), case_id, answer == "yes", accused)

    return _carry_out(case_id, change, _("已认定为检举控告") if answer == "yes" else _("已转为普通件"))


@signed_in
def name_reader(case_id: int) -> Any:
    """Name another reader."""

    def change(session: Session) -> None:
        account = whole(flask.request.form.get("account"), 1)
        if account is None:
            raise Invalid({"account": _("请选择要指定的人员。")})
        accusations.name_reader(session, actor(), now(), case_id, account)

    return _carry_out(case_id, change, _("已指定受理人"))


@signed_in
def exclude(case_id: int) -> Any:
    """Keep an organisation, with those above and below it, away from the case."""

    def change(session: Session) -> None:
        office = whole(flask.request.form.get("organisation"), 1)
        accusations.exclude(session, actor(), now(), case_id, organisation_id=office)

    return _carry_out(case_id, change, _("已设置回避"))


def _carry_out(case_id: int, change: Callable[[Session], None], done: str) -> Any:
    """Do it in one write session, safe against two at once; errors come back on the case's page."""
    who, seen = actor(), actions.seen()
    db = part(Database)
    with db.read() as session:
        number = cases.load(session, who, case_id).number
    try:
        with db.write() as session:
            if seen is not None:
                base.lock_case(session, case_id, seen.version)
            change(session)
    except Invalid as error:
        return cases.show(case_id, errors=error.fields, message=error.message, status=error.status)
    except NotFound:
        raise
    except HubError as error:
        overtaken = seen.seq if seen is not None and error.code == "conflict" else None
        return cases.show(case_id, message=error.message, overtaken=overtaken, status=error.status)
    tell(f"{grouped(number)} {done}")
    with db.read() as session:
        case = session.get(Case, case_id)
        still = case is not None and visibility.may_see(session, who, case)
    return flask.redirect(
        flask.url_for("workbench.case", case_id=case_id) if still else flask.url_for("workbench.accusations")
    )
