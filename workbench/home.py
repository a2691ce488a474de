"""我的工作台: what waits for a person by due time, whatever their roles; open dangers first."""

from __future__ import annotations

from typing import Any, cast

import flask
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from cases import readerless, visibility
from cases.models import Alert, Case
from cases.operations import alerts
from core.clock import to_local
from core.database import Database
from core.web import navigation
from core.web.access import signed_in, staff
from core.web.context import actor, now, tell
from core.web.navigation import NavEntry
from core.web.parts import part
from organisations.people import Actor
from supervision import lateness
from workbench import notices
from workbench.queries import names, queue, waiting

_DUTY = ("case.review", "call.register", "case.supervise")

ENTRIES = (
    NavEntry("workbench.home", _l("我的工作台"), "home", position=1),
    NavEntry("workbench.review", _l("分流复核"), "inbox", ("case.review",), 2, queue.count,
             others=("workbench.review_do",)),
    NavEntry("workbench.cases", _l("办件"), "list", ("case.read", "case.review", "case.supervise", "call.register"), 3,
             others=("workbench.case*", "workbench.attachment*", "workbench.accusation*")),
    NavEntry("workbench.requests", _l("申请审批"), "pause", ("case.review", "case.approve"), 4,
             lambda s, a, at: waiting.count(s, waiting.requests_query(a))),
    NavEntry("workbench.replies", _l("公开审核"), "book", ("reply.release",), 5,
             lambda s, a, at: waiting.replies_waiting(s), others=("workbench.reply*",)),
    NavEntry("workbench.late", _l("临期和超期"), "glass", ("case.supervise",), 20,
             lateness.count, group="督办", late=True),
)  # fmt: skip


def register(blueprint: flask.Blueprint) -> None:
    """Put this module's pages into the workbench, and the workbench's places into the navigation."""
    blueprint.add_url_rule("/work/", "home", page)
    blueprint.add_url_rule("/work/alerts/<int:alert_id>", "alert_seen", acknowledge, methods=["POST"])
    blueprint.record(lambda state: navigation.register(cast(flask.Flask, state.app), ENTRIES))


@signed_in
def page() -> Any:
    """What waits for this person; each part only where their permissions make it theirs."""
    who, at = actor(), now()
    with part(Database).read() as session:
        works = who.can("case.handle") or who.can("case.approve")
        found = {
            "counts": waiting.hand_counts(session, who, at) if works else {},
            "tasks": waiting.tasks(session, who, at) if works else [],
            "review": _review(session, who) if who.can("case.review") else None,
            "offices": " · ".join(names.organisations(session, who.organisation_ids, short=False).values()),
            "time_left": waiting.time_today(session, who, at),
            "dangers": [(one, names.danger(one.kind)) for one in alerts.open_alerts(session, who, limit=20)],
            "unread": len(readerless.without_reader(session)) if who.can("admin.accounts") else 0,
            "lines": notices.newest(session, who),
            "nothing": _nothing(who),
            **_decisions(session, who),
        }
    return flask.render_template("workbench/home.html", hello=_hello(), near_days=lateness.NEAR.days, **found)


def _nothing(who: Actor) -> tuple[str, str]:
    """Why nothing may ever wait here for this person, and what to do; "" where work can come."""
    if not who.permissions:
        return _("您的账号还没有角色"), _(
            "现在看不到办件，也不能办理。请联系安全管理员，在“账号”里为您分配角色和岗位。"
        )
    if (who.can("case.handle") or who.can("case.approve")) and not who.organisation_ids:
        return _("您还没有岗位"), _(
            "不知道您在哪个单位，交办的件到不了您这里。请联系安全管理员，在“账号”里为您设定岗位。"
        )
    if not who.can("case.read"):
        return _("您的角色不办件"), _("这里没有等您办的件。您能用的功能都在菜单里。")
    return "", ""


def _decisions(session: Session, who: Actor) -> dict[str, Any]:
    at = now()
    confirms = who.can("case.review") or who.can("case.approve")
    shows_cards = who.can("case.supervise") or who.can("case.handle") or who.can("case.approve")
    cards = waiting.cards(session, who, at) if shows_cards else None
    return {
        "to_confirm": waiting.to_confirm(session, who, at) if confirms else [],
        "confirm_count": waiting.count(session, waiting.to_confirm_query(who)) if confirms else 0,
        "asked": waiting.requests_page(session, who, 1, at) if confirms else None,
        "calls": waiting.call_backs(session, at) if who.can("call.register") else None,
        "replies": waiting.replies_waiting(session) if who.can("reply.release") else None,
        "accusations": waiting.accusations(session, who),
        "late": lateness.count(session, who, at) if who.can("case.supervise") else None,
        "cards": cards,
    }


def _review(session: Session, who: Actor) -> dict[str, Any]:
    query = queue.waiting_query(who, now()).limit(5)
    rows = list(session.scalars(query))
    return {"counts": queue.counts(session, who, now()), "first": queue.waiting(session, now(), rows)}


def _hello() -> str:

    hour = to_local(now()).hour
    return str(_("早上好") if hour < 9 else _("上午好") if hour < 12 else _("下午好") if hour < 18 else _("晚上好"))


@staff(*_DUTY)
def acknowledge(alert_id: int) -> Any:
    """Say that a danger was seen; it stops being sent."""
    with part(Database).write() as session:
        alert: Alert = alerts.acknowledge(session, actor(), now(), alert_id)
        case = session.get_one(Case, alert.case_id)
        seen = visibility.may_see(session, actor(), case)
    tell(_("已确认收到险情，请马上联系处置"))
    return flask.redirect(flask.url_for("workbench.case", case_id=case.id) if seen else flask.url_for("workbench.home"))
