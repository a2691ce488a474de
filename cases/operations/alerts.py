"""Danger to life: an alert stays up, and is sent again, until the duty officer says that it was seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from cases import clocks, history, visibility
from cases.errors import Forbidden, NotFound
from cases.models import Alert, Case
from cases.operations import base
from organisations.people import Actor

DANGERS = {"gas": "燃气泄漏", "fire": "火情", "collapse": "坍塌", "life": "生命危险"}
_DUTY = ("case.review", "call.register", "case.supervise")


def raise_(session: Session, at: datetime, case: Case, kind: str, *, again: bool = False) -> Alert:
    """Put a case at the head of the queue and an alert up; its clock runs in elapsed minutes.

    A case has one alert. `again`, for words that came later: one that was acknowledged goes up anew.
    """
    alert = session.scalar(select(Alert).where(Alert.case_id == case.id).execution_options(populate_existing=True))
    if alert is not None and not (again and alert.acknowledged_at is not None):
        return alert
    if alert is None:
        alert = Alert(case_id=case.id)
        session.add(alert)
    alert.kind, alert.raised_at, alert.sent_count, alert.next_at = kind, at, 0, None
    alert.acknowledged_at = alert.acknowledged_by_id = None
    case.danger, case.urgent, case.priority = kind, True, 0
    session.flush()
    history.append(session, case, "alert_raised", at, data={"kind": kind, "alert": alert.id})
    if not session.info.get("quiet"):
        clocks.start(session, case, subject="case", subject_id=case.id, kind="danger", at=at, cause="alert_raised")
    return alert


def acknowledge(session: Session, actor: Actor, at: datetime, alert_id: int) -> Alert:
    """Say that the alert was seen; the first who says it stands. Raises NotFound, Forbidden."""
    _require_duty(actor)
    found = session.get(Alert, alert_id)
    if found is None:
        raise NotFound()
    case = base.lock_case(session, found.case_id)
    alert = session.scalar(
        select(Alert)
        .join(Case, Case.id == Alert.case_id)
        .where(Alert.id == alert_id, visibility.not_excluded(actor))
        .execution_options(populate_existing=True)
    )
    if alert is None:
        raise NotFound()
    if alert.acknowledged_at is None:
        alert.acknowledged_at, alert.acknowledged_by_id = at, actor.account_id
        clocks.end(session, "case", case.id, "danger", at, "alert_acknowledged")
        history.append(
            session, case, "alert_acknowledged", at, actor_id=actor.account_id, data={"alert": alert.id}
        )  # fmt: skip
    return alert


def unseen(session: Session, case: Case) -> str:
    """The danger to life of a case that nobody on duty has acknowledged; "" when there is none."""
    query = select(Alert.kind).where(Alert.case_id == case.id, Alert.acknowledged_at.is_(None))
    return session.scalar(query) or ""


def carry(session: Session, actor: Actor, at: datetime, case: Case, into: Case) -> None:
    """Raise the danger of a case that is merged on the one that takes it in, unless somebody has seen it already.

    The merged case's own alert and clock end: whoever merges has seen it, and the other's stands until duty has.
    """
    query = select(Alert).where(Alert.case_id == case.id, Alert.acknowledged_at.is_(None))
    alert = session.scalar(query)
    if alert is None:
        return
    raise_(session, at, into, alert.kind, again=True)
    alert.acknowledged_at, alert.acknowledged_by_id = at, actor.account_id
    clocks.end(session, "case", case.id, "danger", at, "merged")


@dataclass(frozen=True)
class OpenAlert:
    """An alert that nobody acknowledged; `title` is empty when the case is not this person's to read."""

    id: int
    case_id: int
    number: str
    kind: str
    raised_at: datetime
    title: str


def open_alerts(session: Session, actor: Actor, *, limit: int = 50) -> list[OpenAlert]:
    """The alerts that nobody acknowledged, oldest first, for whoever is on duty for the city.

    Danger does not wait: a case not yet classified, or one that may be an accusation, is listed with its number and
    kind of danger alone, never to somebody who is kept away from it.
    """
    if not actor.is_system and not any(actor.can(permission) for permission in _DUTY):
        return []
    query = (
        select(Alert, Case.number, case((visibility.visible(actor), Case.title), else_=""))
        .join(Case, Case.id == Alert.case_id)
        .where(Alert.acknowledged_at.is_(None), visibility.not_excluded(actor))
        .order_by(Alert.raised_at, Alert.id)
        .limit(limit)
    )
    rows = session.execute(query).all()
    return [OpenAlert(a.id, a.case_id, number, a.kind, a.raised_at, title) for a, number, title in rows]


def _require_duty(actor: Actor) -> None:
    if not actor.is_system and not any(actor.can(permission) for permission in _DUTY):
        raise Forbidden(operation="acknowledge")
