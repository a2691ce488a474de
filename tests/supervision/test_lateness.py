"""What is late, why, and the cards for it; as one person may see it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from cases import sweep
from cases.models import Card, Case, CaseClock
from cases.operations import handling, requests, supervising
from core.clock import LOCAL, FixedClock
from supervision import lateness
from tests.conftest import City
from tests.workbench.conftest import Desk

SUPERVISOR = "dou.jianping"


@pytest.fixture
def desk(city: City, clock: FixedClock) -> Desk:
    return Desk(city, clock)


def late(desk: Desk, tab: str = "late", who: str = SUPERVISOR, code: str = "") -> list[tuple[str, int]]:
    """The kinds and cases of what is late now."""
    with desk.db.read() as session:
        office = desk.city.organisation(code) if code else None
        actor, at = desk.city.actor(who), desk.clock.now()
        found = [(one.kind, one.case_id) for one in session.scalars(lateness.query_of(actor, at, tab, office))]
        assert lateness.count(session, actor, at, tab, office) == len(found)
    return found


def reason(desk: Desk, case_id: int) -> str:
    with desk.db.read() as session:
        query = select(CaseClock).where(CaseClock.case_id == case_id, CaseClock.kind.in_(lateness.KINDS),
                                        CaseClock.ended_at.is_(None))  # fmt: skip
        first = session.scalars(query.order_by(CaseClock.due_at)).first()
        assert first is not None
        return lateness.reason(first, desk.assignment(case_id))


def overdue(desk: Desk) -> None:
    desk.clock.set(datetime(2026, 12, 30, 10, tzinfo=LOCAL))


def test_late_and_near(desk: Desk) -> None:
    case_id = desk.sent()
    assert (late(desk), late(desk, "near")) == ([], [("sign", case_id)])
    desk.later(days=1)
    assert (late(desk), late(desk, "near")) == ([("sign", case_id)], [])
    assert late(desk, code="TC-CGJ") == [("sign", case_id)]
    assert late(desk, code="TC-GAJ") == []


def test_only_what_the_person_may_see(desk: Desk) -> None:
    case_id = desk.sent()
    desk.later(days=1)
    assert late(desk, who="ming.zhe") == []
    with desk.db.write() as session:
        session.execute(update(Case).where(Case.id == case_id).values(accusation="possible"))
    assert late(desk) == []


def test_what_is_paused_or_over_is_not_late(desk: Desk) -> None:
    case_id = desk.in_hand()
    with desk.db.write() as session:
        row = requests.ask_suspension(
            session, desk.handler(), desk.clock.now(), desk.assignment(case_id).id, reason="等设备"
        )
        requests.grant(session, desk.officer(), desk.clock.now(), row.id)
    desk.fed_back(title="另一处", body="另一处工地夜里打桩。")
    overdue(desk)
    assert late(desk) == []


def asked(desk: Desk, assignment_id: int) -> None:
    with desk.db.write() as session:
        requests.ask_extension(session, desk.handler(), desk.clock.now(), assignment_id, days=2, reason="等设备")


def claimed(desk: Desk, assignment_id: int) -> None:
    with desk.db.write() as session:
        handling.claim(session, desk.handler(), desk.clock.now(), assignment_id)


def contacted(desk: Desk, assignment_id: int) -> None:
    claimed(desk, assignment_id)
    with desk.db.write() as session:
        handling.first_contact(session, desk.handler(), desk.clock.now(), assignment_id)


@pytest.mark.parametrize(
    ("step", "wanted"), [(asked, "extension_asked"), (claimed, "not_contacted"), (contacted, "no_extension")]
)
def test_why(desk: Desk, step: Callable[[Desk, int], None], wanted: str) -> None:
    case_id = desk.sent()
    assert reason(desk, case_id) == "unsigned"
    with desk.db.write() as session:
        handling.sign(session, desk.handler(), desk.clock.now(), desk.assignment(case_id).id)
    step(desk, desk.assignment(case_id).id)
    assert reason(desk, case_id) == wanted


def test_pressed_last(desk: Desk) -> None:
    first, second = desk.in_hand(), desk.in_hand(title="另一处", body="另一处工地夜里打桩。")
    for _ in range(2):
        desk.later(hours=1)
        with desk.db.write() as session:
            supervising.press(session, desk.city.actor(SUPERVISOR), desk.clock.now(), first, "请今天联系")
    with desk.db.read() as session:
        assert lateness.pressed(session, [first, second]) == {first: desk.clock.now()}


def test_cards_of_this_month_by_organisation(desk: Desk) -> None:
    desk.sent()
    desk.later(days=1)
    sweep.sweep(desk.db, desk.clock)
    count = lateness.CardCount(desk.city.organisation("TC-CGJ"), 1, 0)
    who = desk.city.actor(SUPERVISOR)
    with desk.db.write() as session:
        assert lateness.cards_by_organisation(session, who, desk.clock.now()) == [count]
        assert lateness.cards_by_organisation(session, who, desk.clock.now() + timedelta(days=20)) == []
        assert lateness.cards_by_organisation(session, desk.city.actor("ming.zhe"), desk.clock.now()) == []
        session.execute(update(Card).values(withdrawn_at=desk.clock.now()))
        assert lateness.cards_by_organisation(session, who, desk.clock.now()) == []
