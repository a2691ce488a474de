"""Danger to life: listed for whoever is on duty until one of them says that it was seen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cases.errors import DangerUnseen, Forbidden, NotFound
from cases.models import Case, CaseClock, CaseExclusion, Event
from cases.operations import alerts, deciding, submissions
from core.clock import FixedClock
from core.database import Database
from organisations.people import CITIZEN, SYSTEM
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


def _endings() -> dict[str, Any]:
    return {
        "refuse": lambda s, who, at, case_id: deciding.refuse(s, who, at, case_id, ground="?"),
        "guide": lambda s, who, at, case_id: deciding.guide(s, who, at, case_id, ground="?"),
        "direct_answer": lambda s, who, at, case_id: deciding.direct_answer(
            s, who, at, case_id, "已经派人到现场处理完毕。"
        ),
        "forward": lambda s, who, at, case_id: deciding.forward(s, who, at, case_id, 1),
    }


@pytest.mark.parametrize("operation", sorted(_endings()))
def test_nobody_closes_a_danger_that_nobody_has_seen(
    city: Any, db: Database, clock: FixedClock, operation: str
) -> None:
    done = submit(db, clock.now(), danger="gas")
    classify(db, clock.now(), done.submission.id)
    officer, close = city.actor("pei.zhengyu"), _endings()[operation]
    with pytest.raises(DangerUnseen) as refused, db.write() as session:
        close(session, officer, clock.now(), done.case.id)
    assert "先在首页确认已看到险情" in refused.value.message
    with db.write() as session:
        assert session.get_one(Case, done.case.id).stage == "review"
        [alert] = alerts.open_alerts(session, SYSTEM)
        alerts.acknowledge(session, officer, clock.now(), alert.id)
    if operation == "direct_answer":
        with db.write() as session:
            close(session, officer, clock.now(), done.case.id)
            assert session.get_one(Case, done.case.id).stage == "closed"


def test_what_a_citizen_takes_back_leaves_the_danger_standing(city: Any, db: Database, clock: FixedClock) -> None:
    done = submit(db, clock.now(), danger="gas")
    with db.write() as session:
        submissions.withdraw(session, CITIZEN, clock.now(), done.submission.id)
    with db.read() as session:
        assert len(alerts.open_alerts(session, SYSTEM)) == 1
        clock_of = session.scalars(select(CaseClock).where(CaseClock.kind == "danger")).one()
        assert clock_of.ended_at is None
