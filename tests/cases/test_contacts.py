"""Calls registered and flagged, call-backs owed and made, harassment counted and blocked by a supervisor alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from cases.errors import Forbidden, Invalid, NotFound, NotNow
from cases.models import BlockedNumber, CallBack, CallBackAttempt, Contact
from cases.operations import contacts
from cases.operations.contacts import NewContact
from core.audit import AuditEntry
from core.clock import LOCAL, FixedClock
from core.database import Database
from tests.cases.petitions import classify, ordinary

pytestmark = pytest.mark.usefixtures("city")

CALL = {"channel": "hotline", "kind": "new", "number": "138 1234 5678"}


def _act(db: Database, operation: Any, *args: Any, **kwargs: Any) -> Any:
    with db.write() as session:
        return operation(session, *args, **kwargs)


def _register(city: Any, db: Database, clock: FixedClock, **changes: Any) -> Contact:
    new = NewContact(started_at=clock.now(), **{**CALL, **changes})
    return _act(db, contacts.register_contact, city.actor("fang.yating"), clock.now(), new)


def _call_back(db: Database) -> CallBack:
    with db.read() as session:
        return session.scalars(select(CallBack)).one()


@given(st.sampled_from(sorted(contacts.RESULTS)), st.integers(1, 10))
def test_what_a_result_makes_of_a_call_back(result: str, attempts: int) -> None:
    state = contacts.state_after(result, attempts)
    assert state in {"open", "done", "given_up"}
    assert (state == "open") == (result == "no_answer" and attempts < 3)
    assert (state == "done") == (result in {"reached", "refused"})


def test_a_call_is_registered_once_and_belongs_to_submissions(city: Any, db: Database, clock: FixedClock) -> None:
    done, _case = ordinary(db, clock.now())
    contact = _register(city, db, clock, origin_key="call-1", submission_ids=(done.submission.id,), note="声音急")
    again = _register(city, db, clock, origin_key="call-1")
    assert again.id == contact.id
    with db.write() as session:
        contacts.attach(session, contact.id, done.submission.id)
        assert contacts.submissions_of(session, contact.id) == [done.submission.id]
        kept = session.get_one(Contact, contact.id)
        assert (kept.number, kept.note, kept.callback_flag) == ("+8613812345678", "声音急", "not_needed")
        assert kept.citizen_id == done.submission.citizen_id and kept.agent_id == city.actor("fang.yating").account_id
        assert "13812345678" not in str(session.execute(text("select * from contacts")).all())
        assert session.scalar(select(func.count()).select_from(CallBack)) == 0


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"kind": "gossip"}, Invalid), ({"flag": "later"}, Invalid), ({"flag": "needed", "number": ""}, Invalid)],
)
def test_what_is_wrong_is_not_registered(
    city: Any, db: Database, clock: FixedClock, changes: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        _register(city, db, clock, **changes)
    with pytest.raises(Forbidden):
        new = NewContact(started_at=clock.now(), **CALL)
        _act(db, contacts.register_contact, city.actor("huo.yan"), clock.now(), new)
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(Contact)) == 0


def test_a_flagged_call_owes_a_call_back(city: Any, db: Database, clock: FixedClock) -> None:
    contact = _register(city, db, clock, flag="needed", callback_person="徐大海", callback_phone="0513-85512345")
    owed = _call_back(db)
    # Registered on a Tuesday: close of business of the next working day.
    assert owed.due_at == datetime(2026, 11, 25, 17, 0, tzinfo=LOCAL)
    assert (owed.contact_id, owed.reason, owed.state) == (contact.id, "flagged", "open")
    agent = city.actor("qiao.man")
    with db.write() as session:
        assert contacts.whom_to_call(session, agent, clock.now(), owed.id) == ("徐大海", "+8651385512345")
        rows, count = contacts.due_call_backs(session, agent)
        assert ([row.id for row in rows], count) == ([owed.id], 1)
        assert contacts.due_call_backs(session, agent, until=clock.now()) == ([], 0)
    with db.read() as session:
        assert session.scalars(select(AuditEntry)).one().details == {"kind": "phone"}
    with pytest.raises(Forbidden):
        _act(db, contacts.whom_to_call, city.actor("huo.yan"), clock.now(), owed.id)


def test_after_three_tries_it_is_given_up(city: Any, db: Database, clock: FixedClock) -> None:
    _register(city, db, clock, flag="needed")
    agent, owed = city.actor("qiao.man"), _call_back(db)
    for tried in range(1, 4):
        clock.advance(timedelta(hours=1))
        again = clock.now() + timedelta(hours=2)
        _act(db, contacts.record_attempt, agent, clock.now(), owed.id, "no_answer", "没人接", next_at=again)
        now = _call_back(db)
        assert (now.attempts, now.state) == (tried, "open" if tried < 3 else "given_up")
        assert now.last_attempt_at == clock.now() and (now.due_at == again) == (tried < 3)
    assert (now.done_by_id, now.closed_at) == (agent.account_id, clock.now())
    with pytest.raises(NotNow):
        _act(db, contacts.record_attempt, agent, clock.now(), owed.id, "reached")
    with db.read() as session:
        assert [row.note for row in session.scalars(select(CallBackAttempt))] == ["没人接"] * 3


def test_a_reached_citizen_ends_it(city: Any, db: Database, clock: FixedClock) -> None:
    _register(city, db, clock, flag="needed")
    owed = _call_back(db)
    for result, error in (("maybe", Invalid),):
        with pytest.raises(error):
            _act(db, contacts.record_attempt, city.actor("qiao.man"), clock.now(), owed.id, result)
    _act(db, contacts.record_attempt, city.actor("qiao.man"), clock.now(), owed.id, "reached")
    assert (_call_back(db).state, _call_back(db).result) == ("done", "reached")
    with pytest.raises(NotFound):
        _act(db, contacts.record_attempt, city.actor("qiao.man"), clock.now(), 1, "reached")


def test_changing_the_flag_changes_what_is_owed(city: Any, db: Database, clock: FixedClock) -> None:
    contact = _register(city, db, clock, flag="needed")
    agent = city.actor("fang.yating")
    _act(db, contacts.flag, agent, clock.now(), contact.id, "nuisance")
    assert _call_back(db).state == "dropped"
    _act(db, contacts.flag, agent, clock.now(), contact.id, "nuisance")
    with db.read() as session:
        assert session.scalars(select(BlockedNumber.count)).one() == 1
    _act(db, contacts.flag, agent, clock.now(), contact.id, "needed", callback_phone="13900001111")
    assert _call_back(db).state == "open"
    with db.read() as session:
        assert session.scalars(select(BlockedNumber.count)).one() == 0
        assert session.get_one(Contact, contact.id).callback_phone == "+8613900001111"


def test_silence_owes_one_call_back_a_round(db: Database, clock: FixedClock) -> None:
    done, _case = ordinary(db, clock.now())
    for round_ in (1, 1, 2):
        _act(db, contacts.open_call_back, clock.now(), reason="silence", submission_id=done.submission.id, round=round_)
    with db.read() as session:
        assert sorted(session.scalars(select(CallBack.round))) == [1, 2]


def test_a_call_about_an_accusation_is_not_the_desks(city: Any, db: Database, clock: FixedClock) -> None:
    done, _case = ordinary(db, clock.now())
    row = _act(db, contacts.open_call_back, clock.now(), reason="silence", submission_id=done.submission.id)
    agent = city.actor("qiao.man")
    with db.read() as session:
        assert contacts.due_call_backs(session, agent)[1] == 1
    classify(db, clock.now(), done.submission.id, accusation=True)
    with db.read() as session:
        assert contacts.due_call_backs(session, agent) == ([], 0)
    for operation, args in ((contacts.whom_to_call, ()), (contacts.record_attempt, ("reached",))):
        with pytest.raises(NotFound):
            _act(db, operation, agent, clock.now(), row.id, *args)


def test_earlier_calls_of_a_number_are_listed_on_record(city: Any, db: Database, clock: FixedClock) -> None:
    for hour in range(3):
        clock.advance(timedelta(hours=1))
        _register(city, db, clock, note=f"第{hour}次")
    _register(city, db, clock, number="13900001111")
    agent = city.actor("qiao.man")
    found = _act(db, contacts.recent_contacts, agent, clock.now(), "138-1234-5678", limit=2)
    assert [contact.note for contact in found] == ["第2次", "第1次"]
    with db.read() as session:
        assert session.scalars(select(AuditEntry)).one().details == {"by": "calls", "found": 2}
    with pytest.raises(Forbidden):
        _act(db, contacts.recent_contacts, city.actor("huo.yan"), clock.now(), "13812345678")


def test_the_number_of_a_silent_citizen_is_the_one_declared(city: Any, db: Database, clock: FixedClock) -> None:
    done, _case = ordinary(db, clock.now())
    row = _act(db, contacts.open_call_back, clock.now(), reason="silence", submission_id=done.submission.id)
    whom = _act(db, contacts.whom_to_call, city.actor("qiao.man"), clock.now(), row.id)
    assert whom == ("徐晓梅", "138 1234 5678")


def test_harassment_counts_and_only_a_supervisor_blocks(city: Any, db: Database, clock: FixedClock) -> None:
    for _ in range(3):
        _register(city, db, clock, kind="nuisance", flag="nuisance")
    agent, supervisor = city.actor("fang.yating"), city.actor("niu.guoqiang")
    with db.read() as session:
        assert not contacts.is_blocked(session, "13812345678")
        rows, count = contacts.nuisance_numbers(session, supervisor)
        assert (count, rows[0].count, rows[0].number) == (1, 3, "+8613812345678")
    for call in (
        lambda s: contacts.block_number(s, agent, clock.now(), "13812345678", "反复骚扰"),
        lambda s: contacts.nuisance_numbers(s, agent),
        lambda s: contacts.unblock_number(s, agent, clock.now(), "13812345678"),
    ):
        with pytest.raises(Forbidden), db.write() as session:
            call(session)
    with pytest.raises(Invalid):
        _act(db, contacts.block_number, supervisor, clock.now(), "13812345678", " ")
    _act(db, contacts.block_number, supervisor, clock.now(), "+86 13812345678", "反复骚扰")
    with db.read() as session:
        assert contacts.is_blocked(session, "138-1234-5678") and not contacts.is_blocked(session, "13900001111")
    _act(db, contacts.unblock_number, supervisor, clock.now(), "13812345678")
    with db.read() as session:
        assert not contacts.is_blocked(session, "13812345678")
        assert contacts.nuisance_numbers(session, supervisor) == ([], 0)
        actions = [e.action for e in session.scalars(select(AuditEntry).order_by(AuditEntry.seq))]
        assert actions == ["number_blocked", "number_unblocked"]
    with pytest.raises(NotFound):
        _act(db, contacts.unblock_number, supervisor, clock.now(), "13900001111")
