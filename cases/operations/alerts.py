"""Danger to life: an alert stays up, and is sent again, until the duty officer says that it was seen."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cases import clocks, history, visibility
from cases.errors import Forbidden, NotFound
from cases.models import Alert, Case
from cases.operations import base
from organisations.people import Actor

DANGERS = {"gas": "燃气泄漏", "fire": "火情", "collapse": "坍塌", "life": "生命危险"}
_DUTY = ("case.review", "call.register", "case.supervise")


def raise_(session: Session, at: datetime, case: Case, kind: str) -> Alert:
    """Put a case at the head of the queue and an alert up, once a case; its clock runs in elapsed minutes."""
    alert = session.scalar(select(Alert).where(Alert.case_id == case.id))
    if alert is not None:
        return alert
    alert = Alert(case_id=case.id, kind=kind, raised_at=at)
    session.add(alert)
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


def open_alerts(session: Session, actor: Actor, *, limit: int = 50) -> list[tuple[Alert, Case]]:
    """The alerts that nobody acknowledged, oldest first, for whoever is on duty for the city.

    A case not classified yet counts too: danger does not wait. What the case says is shown only to who may see it.
    """
    if not actor.is_system and not any(actor.can(permission) for permission in _DUTY):
        return []
    query = (
        select(Alert, Case)
        .join(Case, Case.id == Alert.case_id)
        .where(Alert.acknowledged_at.is_(None), or_(visibility.not_excluded(actor)))
        .order_by(Alert.raised_at, Alert.id)
        .limit(limit)
    )
    return [(alert, case) for alert, case in session.execute(query).all()]


def _require_duty(actor: Actor) -> None:
    if not actor.is_system and not any(actor.can(permission) for permission in _DUTY):
        raise Forbidden(operation="acknowledge")
