"""Danger to life: listed for whoever is on duty until one of them says that it was seen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cases.errors import Forbidden, NotFound
from cases.models import CaseClock, CaseExclusion, Event
from cases.operations import alerts
from core.clock import FixedClock
from core.database import Database
from organisations.people import SYSTEM
from tests.cases.petitions import TITLE, classify, submit

pytestmark = pytest.mark.usefixtures("city")


def test_an_alert_is_listed_until_it_was_seen(city: Any, db: Database, clock: FixedClock) -> None:
    first = submit(db, clock.now(), danger="gas")
    clock.advance(timedelta(minutes=3))
    submit(db, clock.now(), "f2", body="另一件", danger="fire")
    duty = city.actor("niu.guoqiang")
    with db.read() as session:
        listed = alerts.open_alerts(session, duty)
        assert [(a.kind, a.number == first.submission.number, a.title) for a in listed] == [
            ("gas", True, ""), ("fire", False, ""),
        ]  # fmt: skip
        assert alerts.open_alerts(session, city.actor("huo.yan")) == []
        assert len(alerts.open_alerts(session, SYSTEM)) == 2
    classify(db, clock.now(), first.submission.id)
    with db.read() as session:
        assert [a.title for a in alerts.open_alerts(session, duty)] == [TITLE, ""]
    with db.write() as session:
        alerts.acknowledge(session, duty, clock.now(), listed[0].id)
    clock.advance(timedelta(minutes=3))
    with db.write() as session:
        again = alerts.acknowledge(session, city.actor("yan.kai"), clock.now(), listed[0].id)
        assert again.acknowledged_by_id == duty.account_id and again.acknowledged_at != clock.now()
    with db.read() as session:
        assert [a.kind for a in alerts.open_alerts(session, duty)] == ["fire"]
        query = select(CaseClock).where(CaseClock.kind == "danger", CaseClock.case_id == first.case.id)
        assert session.scalars(query).one().end_cause == "alert_acknowledged"
        kinds = list(session.scalars(select(Event.kind).where(Event.case_id == first.case.id)))
        assert kinds.count("alert_acknowledged") == 1


def test_who_is_kept_away_hears_nothing_of_it(city: Any, db: Database, clock: FixedClock) -> None:
    done = submit(db, clock.now(), danger="life")
    duty = city.actor("niu.guoqiang")
    with db.write() as session:
        session.add(
            CaseExclusion(case_id=done.case.id, kind="accused", organisation_id=duty.organisation_ids[0],
                          since=clock.now())
        )  # fmt: skip
    with db.read() as session:
        assert alerts.open_alerts(session, duty) == []
        alert_id = alerts.open_alerts(session, SYSTEM)[0].id
    with pytest.raises(NotFound), db.write() as session:
        alerts.acknowledge(session, duty, clock.now(), alert_id)
    with pytest.raises(NotFound), db.write() as session:
        alerts.acknowledge(session, duty, clock.now(), 1)
    with pytest.raises(Forbidden), db.write() as session:
        alerts.acknowledge(session, city.actor("huo.yan"), clock.now(), alert_id)
