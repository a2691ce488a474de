"""Each classification is a row; the case follows the first, people put it right, suspicion only rises."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from cases import visibility
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.models import Alert, Case, Classification, Event
from cases.operations import classification
from core.clock import FixedClock
from core.database import Database
from tests.cases.petitions import case_now, classify, ordinary, submit

pytestmark = pytest.mark.usefixtures("city")


@given(st.booleans(), st.booleans(), st.booleans())
def test_priority_is_by_what_is_gravest(danger: bool, urgent: bool, sensitive: bool) -> None:
    case = Case(danger="gas" if danger else None, urgent=urgent, sensitive=sensitive)
    assert classification.priority_of(case) == (0 if danger else 1 if urgent else 3 if sensitive else 5)


def test_a_suggestion_is_kept_and_followed(city: Any, db: Database, clock: FixedClock) -> None:
    done = submit(db, clock.now())
    lead = city.organisation("TC-CGJ")
    case_id = classify(
        db, clock.now(), done.submission.id, urgent=True, organisation_id=lead, automatic=False, reasons=("urgent",),
        evidence=(("title", 0, 2, 0.5),), alternatives=(("交通运输", "道路", 0.2),), model_version="m7",
        catalogue_version_id=3,
    )  # fmt: skip
    case = case_now(db, case_id)
    assert (case.level1, case.level2, case.level3, case.nature) == ("城乡建设", "城市建设和市政管理", None, "求助")
    assert (case.urgent, case.priority, case.accusation) == (True, 1, "no")
    with db.read() as session:
        row = session.scalars(select(Classification)).one()
        assert (row.kind, row.model_version, row.catalogue_version_id, row.organisation_id) == (
            "suggested",
            "m7",
            3,
            lead,
        )
        assert (row.reasons, row.evidence) == (["urgent"], [["title", 0, 2, 0.5]])
        assert row.alternatives == [["交通运输", "道路", 0.2]]
        assert [e.kind for e in session.scalars(select(Event).order_by(Event.seq))] == ["submitted", "classified"]


def test_nobody_sees_a_case_before_it_is_classified(city: Any, db: Database, clock: FixedClock) -> None:
    done = submit(db, clock.now())
    people = [city.actor(name) for name in ("pei.zhengyu", "fang.yating", "yu.chengzhi", "cen.lu", "bai.zhengxing")]
    with db.read() as session:
        assert not any(visibility.may_see(session, actor, done.case) for actor in people)
    classify(db, clock.now(), done.submission.id)
    with db.read() as session:
        assert [visibility.may_see(session, a, done.case) for a in people] == [True, True, True, False, False]


def test_an_officer_puts_it_right(city: Any, db: Database, clock: FixedClock) -> None:
    _done, case_id = ordinary(db, clock.now())
    officer, seen = city.actor("pei.zhengyu"), case_now(db, case_id).version
    with db.write() as session:
        row = classification.correct(
            session, officer, clock.now(), case_id, level1="交通运输", level2="出租车管理", urgent=True, version=seen
        )
        assert (row.by_id, row.kind) == (officer.account_id, "corrected")
    case = case_now(db, case_id)
    assert (case.level1, case.level2, case.nature, case.urgent, case.priority) == (
        "交通运输", "出租车管理", "求助", True, 1,
    )  # fmt: skip
    classify(db, clock.now(), _done.submission.id, level1="教育文体", nature="建议")
    case = case_now(db, case_id)
    assert (case.level1, case.nature) == ("交通运输", "求助")
    with db.read() as session:
        kinds = select(Classification.kind).order_by(Classification.at, Classification.id)
        assert list(session.scalars(kinds)) == ["suggested", "corrected", "suggested"]
        latest = classification.latest(session, case_id, "corrected")
        assert latest is not None and latest.level1 == "交通运输"
    for name, changes, error in (
        ("pei.zhengyu", {"level1": ""}, Invalid), ("pei.zhengyu", {"level1": "交通运输", "nature": "抱怨"}, Invalid),
        ("pei.zhengyu", {"level1": "不存在", "level2": "x", "level3": "y"}, Invalid),
        ("pei.zhengyu", {"level1": "交通运输", "level2": "道路"}, Invalid),
        ("pei.zhengyu", {"level1": "交通运输", "level3": "网约车问题"}, Invalid),
        ("pei.zhengyu", {"level1": "x", "version": seen}, Conflict), ("fang.yating", {"level1": "x"}, Forbidden),
        ("huo.yan", {"level1": "x"}, NotFound),
    ):  # fmt: skip
        with pytest.raises(error), db.write() as session:
            classification.correct(session, city.actor(name), clock.now(), case_id, **changes)


def test_danger_found_by_the_classifier_raises_the_alert_once(db: Database, clock: FixedClock) -> None:
    done = submit(db, clock.now(), danger="gas")
    case_id = classify(db, clock.now(), done.submission.id, danger="fire")
    other = submit(db, clock.now(), "f2", body="另一件")
    second = classify(db, clock.now(), other.submission.id, danger="collapse")
    with db.read() as session:
        alerts = {a.case_id: a.kind for a in session.scalars(select(Alert))}
    assert alerts == {case_id: "gas", second: "collapse"}
    assert case_now(db, second).priority == 0


def test_suspicion_rises_and_does_not_fall(db: Database, clock: FixedClock) -> None:
    done = submit(db, clock.now())
    case_id = classify(db, clock.now(), done.submission.id)
    assert case_now(db, case_id).accusation == "no"
    classify(db, clock.now(), done.submission.id, accusation=True)
    assert case_now(db, case_id).accusation == "possible"
    classify(db, clock.now(), done.submission.id)
    assert case_now(db, case_id).accusation == "possible"
