"""Who may read a possible accusation: only those named for it, never the accused, those above or below it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cases import visibility
from cases.errors import Forbidden, Invalid, NotFound, NotNow
from cases.models import Case, CaseExclusion, CaseReader, Event
from cases.operations import accusations, dispatch, handling
from core.audit import AuditEntry
from core.clock import FixedClock
from core.database import Database
from organisations.people import SYSTEM, Actor
from tests.cases.petitions import case_now, classify, ordinary, submit

pytestmark = pytest.mark.usefixtures("city")

READERS = ("bai.zhengxing", "cen.lu")
OTHERS = (
    "pei.zhengyu", "fang.yating", "niu.guoqiang", "shi.lan", "dou.jianping", "yu.chengzhi", "huo.yan", "ju.ning",
)  # fmt: skip


@pytest.fixture
def accusation(city: Any, db: Database, clock: FixedClock) -> int:
    done = submit(db, clock.now(), body="市城管局执法人员收钱不办事")
    return classify(db, clock.now(), done.submission.id, accusation=True, nature="举报")


def _see(db: Database, actor: Actor, case_id: int) -> bool:
    with db.read() as session:
        listed = session.scalar(select(Case.id).where(visibility.visible(actor), Case.id == case_id)) is not None
        assert visibility.may_see(session, actor, session.get_one(Case, case_id)) == listed
        return listed


def _act(db: Database, operation: Any, *args: Any, **kwargs: Any) -> Any:
    with db.write() as session:
        return operation(session, *args, **kwargs)


def _kept_away(db: Database, case_id: int) -> dict[int, str]:
    with db.read() as session:
        query = select(CaseExclusion).where(CaseExclusion.case_id == case_id, CaseExclusion.until.is_(None))
        return {row.organisation_id or row.account_id or 0: row.kind for row in session.scalars(query)}


def test_a_possible_accusation_is_read_by_its_readers_alone(city: Any, db: Database, accusation: int) -> None:
    assert case_now(db, accusation).accusation == "possible"
    assert [_see(db, city.actor(name), accusation) for name in READERS] == [True, True]
    assert not any(_see(db, city.actor(name), accusation) for name in OTHERS)
    with db.read() as session:
        assert {r.username for r in accusations.readers_of(session, accusation)} == set(READERS)
        kinds = list(session.scalars(select(Event.kind).order_by(Event.seq)))
        assert kinds == ["submitted", "classified", "accusation_suspected"]


def test_it_goes_nowhere_by_itself(city: Any, db: Database, clock: FixedClock, accusation: int) -> None:
    with pytest.raises(Exception), db.write() as session:  # noqa: B017
        dispatch.assign(session, city.actor("pei.zhengyu"), clock.now(), accusation, city.organisation("TC-CGJ"))


def test_a_reader_decides_that_it_is_one(city: Any, db: Database, clock: FixedClock, accusation: int) -> None:
    accused, reader = city.organisation("TC-CGJ"), city.actor("cen.lu")
    _act(db, accusations.decide, reader, clock.now(), accusation, True, accused)
    case = case_now(db, accusation)
    assert (case.accusation, case.petition_kind) == ("yes", "检举控告")
    assert (case.accusation_decided_by_id, case.accusation_decided_at) == (reader.account_id, clock.now())
    away = _kept_away(db, accusation)
    assert away[accused] == "accused"
    assert away[city.organisation("TC01-CGJ")] == away[city.organisation("TC-ZF")] == "related"
    assert city.organisation("TC-JW") not in away and city.organisation("TC-RSJ") not in away
    assert _see(db, reader, accusation)


def test_nobody_of_the_accused_sees_it_even_when_named(
    city: Any, db: Database, clock: FixedClock, accusation: int
) -> None:
    reader = city.actor("cen.lu")
    _act(db, accusations.exclude, reader, clock.now(), accusation, organisation_id=city.organisation("TC-CGJ"))
    for name in ("huo.yan", "miao.qingshan", "ju.ning", "yu.chengzhi"):  # the accused, below it, above it
        actor = city.actor(name)
        with pytest.raises(Invalid):
            _act(db, accusations.name_reader, reader, clock.now(), accusation, actor.account_id)
        with db.write() as session:
            session.add(CaseReader(case_id=accusation, account_id=actor.account_id, since=clock.now()))
        assert not _see(db, actor, accusation)
    outsider = city.actor("qu.wenbo")
    _act(db, accusations.name_reader, reader, clock.now(), accusation, outsider.account_id)
    assert _see(db, outsider, accusation)
    with db.read() as session:
        entry = session.scalars(select(AuditEntry)).one()
        assert (entry.action, entry.details) == ("reader_named", {"account": outsider.account_id})


def test_a_reader_decides_that_it_is_none(city: Any, db: Database, clock: FixedClock, accusation: int) -> None:
    reader = city.actor("cen.lu")
    _act(db, accusations.exclude, reader, clock.now(), accusation, organisation_id=city.organisation("TC-CGJ"))
    _act(db, accusations.decide, reader, clock.now() + timedelta(hours=1), accusation, False)
    assert case_now(db, accusation).accusation == "no" and _kept_away(db, accusation) == {}
    assert _see(db, city.actor("pei.zhengyu"), accusation)
    with db.read() as session:
        submission_id = session.scalars(select(Event.submission_id).where(Event.kind == "submitted")).one()
    assert submission_id is not None
    classify(db, clock.now(), submission_id, accusation=True)
    assert case_now(db, accusation).accusation == "no"  # what a reader decided stays


def test_a_reader_carries_it_on_where_diversion_may_see_nothing(
    city: Any, db: Database, clock: FixedClock, accusation: int
) -> None:
    reader, discipline = city.actor("cen.lu"), city.organisation("TC-JW")
    _act(db, accusations.decide, reader, clock.now(), accusation, True, city.organisation("TC-CGJ"))
    with pytest.raises(Invalid):
        _act(db, dispatch.assign, reader, clock.now(), accusation, city.organisation("TC-CGJ"))
    made = _act(db, dispatch.assign, reader, clock.now(), accusation, discipline)
    assert (made.organisation_id, case_now(db, accusation).lead_id) == (discipline, discipline)
    _act(db, handling.sign, reader, clock.now(), made.id)
    assert case_now(db, accusation).status == "doing"
    _done, plain = ordinary(db, clock.now(), "f2", body="普通的")
    with pytest.raises(NotFound):
        _act(db, dispatch.assign, reader, clock.now(), plain, discipline)


def test_only_a_named_reader_decides(city: Any, db: Database, clock: FixedClock, accusation: int) -> None:
    for name in OTHERS:
        with pytest.raises(NotFound):
            _act(db, accusations.decide, city.actor(name), clock.now(), accusation, False)
    with pytest.raises(Forbidden):
        _act(db, accusations.decide, SYSTEM, clock.now(), accusation, False)
    _done, plain = ordinary(db, clock.now(), "f2", body="普通的")
    with pytest.raises(Forbidden):
        _act(db, accusations.decide, city.actor("pei.zhengyu"), clock.now(), plain, True)
    assert case_now(db, accusation).accusation == "possible"


def test_the_last_reader_is_never_cut_off(city: Any, db: Database, clock: FixedClock, accusation: int) -> None:
    discipline, reader = city.organisation("TC-JW"), city.actor("cen.lu")
    with pytest.raises(Invalid):
        _act(db, accusations.decide, reader, clock.now(), accusation, True, discipline)
    assert case_now(db, accusation).accusation == "possible" and _kept_away(db, accusation) == {}
    other = city.actor("qu.wenbo")
    _act(db, accusations.name_reader, reader, clock.now(), accusation, other.account_id)
    _act(db, accusations.decide, reader, clock.now(), accusation, True, discipline)
    assert not _see(db, reader, accusation) and _see(db, other, accusation)
    assert _kept_away(db, accusation)[city.organisation("TC01-JW")] == "related"


@pytest.mark.parametrize("accused", ["TC-SW", "TC01-JW"])
def test_a_discipline_body_above_or_below_the_accused_goes_on_reading(
    city: Any, db: Database, clock: FixedClock, accusation: int, accused: str
) -> None:
    reader = city.actor("cen.lu")
    _act(db, accusations.decide, reader, clock.now(), accusation, True, city.organisation(accused))
    away = _kept_away(db, accusation)
    assert away[city.organisation(accused)] == "accused" and len(away) > 1
    assert _see(db, reader, accusation)


def test_one_person_accused_is_kept_away(city: Any, db: Database, clock: FixedClock, accusation: int) -> None:
    one, other = city.actor("bai.zhengxing"), city.actor("cen.lu")
    _act(db, accusations.exclude, other, clock.now(), accusation, account_id=one.account_id)
    assert not _see(db, one, accusation) and _see(db, other, accusation)
    with pytest.raises(Invalid):
        _act(db, accusations.exclude, other, clock.now(), accusation)


def test_interest_keeps_away_from_an_ordinary_case(city: Any, db: Database, clock: FixedClock) -> None:
    _done, case_id = ordinary(db, clock.now())
    officer, other = city.actor("pei.zhengyu"), city.actor("ji.siyuan")
    with pytest.raises(Forbidden):
        _act(db, accusations.recuse, city.actor("fang.yating"), clock.now(), case_id, account_id=other.account_id)
    _act(db, accusations.recuse, officer, clock.now(), case_id)
    assert not _see(db, officer, case_id) and _see(db, other, case_id)
    _act(db, accusations.recuse, other, clock.now(), case_id, organisation_id=city.organisation("TC-XFJ"))
    assert not _see(db, city.actor("shi.lan"), case_id)
    _act(db, accusations.recuse, other, clock.now(), case_id, organisation_id=city.organisation("TC-XFJ"))
    with db.read() as session:
        assert len(session.scalars(select(CaseExclusion)).all()) == 2


def test_an_unread_case_is_not_decided(city: Any, db: Database, clock: FixedClock) -> None:
    done = submit(db, clock.now())
    reader = city.actor("cen.lu")
    with db.write() as session:
        session.add(CaseReader(case_id=done.case.id, account_id=reader.account_id, since=clock.now()))
    with pytest.raises(NotNow):
        _act(db, accusations.decide, reader, clock.now(), done.case.id, False)
