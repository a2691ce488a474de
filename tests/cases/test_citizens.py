"""Citizens found again by digest, and personal data shown only to whom it may be, on record."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from cases.errors import Forbidden, Invalid, NotFound
from cases.models import ContactPoint
from cases.operations import citizens, dispatch
from cases.operations.submissions import Reporter
from core.audit import AuditEntry, faults
from core.clock import FixedClock
from core.database import Database
from tests.cases.petitions import BODY, classify, ordinary, submit

pytestmark = pytest.mark.usefixtures("city")

ID = "11010519491231002X"


def _audited(db: Database) -> list[AuditEntry]:
    with db.read() as session:
        assert faults(session) == []
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.seq)))


def _citizen(db: Database, clock: FixedClock, **given: Any) -> int:
    with db.write() as session:
        citizen, _points = citizens.ensure_citizen(session, Reporter(**given), clock.now())
        assert citizen is not None
        return citizen.id


def test_the_same_person_is_found_again(db: Database, clock: FixedClock) -> None:
    first = _citizen(db, clock, name="徐晓梅", phone="138 1234 5678")
    assert _citizen(db, clock, name="徐晓梅", phone="+86-13812345678") == first
    assert _citizen(db, clock, phone="１３８１２３４５６７８") == first
    assert _citizen(db, clock, name="徐晓梅", phone="13812345678", id_number=ID.lower()) == first
    assert _citizen(db, clock, name="别名", phone="13500000000", id_number=ID) == first
    assert _citizen(db, clock, openid="o-1") == _citizen(db, clock, openid="o-1", name="徐晓梅")


def test_a_telephone_is_not_a_person(db: Database, clock: FixedClock) -> None:
    mother = _citizen(db, clock, name="徐晓梅", phone="13812345678")
    son = _citizen(db, clock, name="王小明", phone="13812345678")
    assert mother != son
    assert _citizen(db, clock, name="徐晓梅", phone="13812345678") == mother
    with_id = _citizen(db, clock, name="徐晓梅", phone="13812345678", id_number=ID)
    assert with_id == mother
    assert _citizen(db, clock, name="徐晓梅", phone="13812345678", id_number="110105194912310038") != mother


def test_an_address_shared_by_many_makes_no_one_the_same(db: Database, clock: FixedClock) -> None:
    assert _citizen(db, clock, address="湖滨路 8 号") != _citizen(db, clock, address="湖滨路 8 号")


def test_nobody_declared_is_nobody(db: Database, clock: FixedClock) -> None:
    with db.write() as session:
        assert citizens.ensure_citizen(session, Reporter(), clock.now()) == (None, [])


def test_stop_and_start_are_kept(db: Database, clock: FixedClock) -> None:
    with db.write() as session:
        citizens.set_stopped(session, "phone", "13812345678", clock.now(), True)
    with db.read() as session:
        assert citizens.is_stopped(session, "phone", "+86 138 1234 5678")
        assert session.scalars(select(ContactPoint)).one().verified_at == clock.now()
    with db.write() as session:
        citizens.set_stopped(session, "phone", "13812345678", clock.now(), False)
        assert not citizens.is_stopped(session, "phone", "13812345678")


def test_a_reveal_is_on_record(city: Any, db: Database, clock: FixedClock) -> None:
    reporter = Reporter(name="徐晓梅", phone="13812345678", id_number=ID, email="xu@example.com", address="湖滨路 8 号")
    done, case_id = ordinary(db, clock.now(), reporter=reporter, place="湖滨路北段", place_masked="湖滨路北段")
    agent = city.actor("fang.yating")
    expected = {
        "name": "徐晓梅", "phone": "13812345678", "id_number": ID, "email": "xu@example.com", "address": "湖滨路 8 号",
        "place": "湖滨路北段", "body": BODY,
    }  # fmt: skip
    for kind, value in expected.items():
        with db.write() as session:
            assert citizens.reveal(session, agent, clock.now(), kind, done.submission.id) == value
    entries = _audited(db)
    assert [e.details["kind"] for e in entries] == list(expected)
    assert {(e.action, e.actor_id, e.subject_id) for e in entries} == {
        ("revealed", agent.account_id, done.submission.id)
    }
    assert "徐晓梅" not in str([e.details for e in entries])
    with pytest.raises(Invalid), db.write() as session:
        citizens.reveal(session, agent, clock.now(), "salary", done.submission.id)
    with pytest.raises(Forbidden), db.write() as session:
        citizens.reveal(session, city.actor("tan.xiuzhen"), clock.now(), "name", done.submission.id)
    assert case_id and len(_audited(db)) == len(expected)


@pytest.mark.parametrize("disclosure", ["named", "confidential", "anonymous"])
def test_a_department_learns_who_wrote_only_when_named(
    city: Any, db: Database, clock: FixedClock, disclosure: str
) -> None:
    done, case_id = ordinary(db, clock.now(), disclosure=disclosure)
    handler, stranger = city.actor("huo.yan"), city.actor("le.tian")
    with db.write() as session:
        dispatch.assign(session, city.actor("pei.zhengyu"), clock.now(), case_id, city.organisation("TC-CGJ"))
    for kind in citizens.REVEALS:
        with db.write() as session:
            if disclosure == "named":
                citizens.reveal(session, handler, clock.now(), kind, done.submission.id)
            else:
                with pytest.raises(Forbidden):
                    citizens.reveal(session, handler, clock.now(), kind, done.submission.id)
    with pytest.raises(NotFound), db.write() as session:
        citizens.reveal(session, stranger, clock.now(), "name", done.submission.id)
    with db.write() as session:
        if disclosure != "anonymous":
            found = citizens.reveal(session, city.actor("ji.siyuan"), clock.now(), "name", done.submission.id)
            assert found == "徐晓梅"


@pytest.mark.parametrize("kind", ["name", "phone", "id_number", "email", "address"])
@pytest.mark.parametrize("name", ["fang.yating", "pei.zhengyu", "ji.siyuan"])
def test_nobody_learns_who_wrote_without_a_name(
    city: Any, db: Database, clock: FixedClock, name: str, kind: str
) -> None:
    reporter = Reporter(phone="13812345678")
    done, _case_id = ordinary(db, clock.now(), disclosure="anonymous", reporter=reporter)
    with pytest.raises(Forbidden) as refused, db.write() as session:
        citizens.reveal(session, city.actor(name), clock.now(), kind, done.submission.id)
    assert "匿名" in refused.value.message
    assert [entry.action for entry in _audited(db) if entry.action == "revealed"] == []
    with db.write() as session:
        assert citizens.reveal(session, city.actor("pei.zhengyu"), clock.now(), "body", done.submission.id) == BODY
        found = citizens.find_by_number(session, city.actor("fang.yating"), clock.now(), "13812345678")
    assert found == ([], 0)


def test_search_is_by_the_complete_number_and_on_record(city: Any, db: Database, clock: FixedClock) -> None:
    one, _ = ordinary(db, clock.now(), reporter=Reporter(name="徐晓梅", phone="13812345678", id_number=ID))
    two, _ = ordinary(db, clock.now(), "f2", body="另一件", reporter=Reporter(name="徐晓梅", phone="13812345678"))
    hidden = submit(db, clock.now(), "f3", body="检举", reporter=Reporter(name="徐晓梅", phone="13812345678"))
    classify(db, clock.now(), hidden.submission.id, accusation=True)
    ordinary(db, clock.now(), "f4", body="别人的", reporter=Reporter(name="王芳", phone="13698765432"))
    agent = city.actor("fang.yating")
    with db.write() as session:
        found, count = citizens.find_by_number(session, agent, clock.now(), "138-1234-5678")
        assert ({s.id for s in found}, count) == ({one.submission.id, two.submission.id}, 2)
        page, count = citizens.find_by_number(session, agent, clock.now(), "13812345678", page=2, size=1)
        assert (len(page), count) == (1, 2)
        # He gave his identity number once, so his citizen's other submissions are found by it too.
        assert citizens.find_by_number(session, agent, clock.now(), ID)[1] == 2
        assert citizens.find_by_number(session, agent, clock.now(), "13500000000") == ([], 0)
    assert [e.details for e in _audited(db)] == [
        {"by": "phone", "found": 2}, {"by": "phone", "found": 2}, {"by": "id_number", "found": 2},
        {"by": "phone", "found": 0},
    ]  # fmt: skip
    for actor, number, error in (
        (agent, "1381234", Invalid), (agent, "徐晓梅", Invalid), (city.actor("huo.yan"), "13812345678", Forbidden)
    ):  # fmt: skip
        with pytest.raises(error), db.write() as session:
            citizens.find_by_number(session, actor, clock.now(), number)


def test_reading_a_case_is_noted(city: Any, db: Database, clock: FixedClock) -> None:
    _done, case_id = ordinary(db, clock.now())
    with db.write() as session:
        citizens.note_read(session, city.actor("ji.siyuan"), clock.now(), case_id)
    entry = _audited(db)[-1]
    assert (entry.action, entry.subject, entry.subject_id) == ("case_read", "case", case_id)
