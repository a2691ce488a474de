"""What is added to a submission stands beside it, once by its origin, and never changes the original."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from cases.errors import Forbidden, Invalid, NotFound, NotNow
from cases.models import Attachment, CaseClock, Event, Message, Submission
from cases.operations import messages, submissions
from cases.operations.submissions import FileGiven
from core.clock import FixedClock
from core.database import Database
from organisations.people import CITIZEN
from tests.cases.petitions import BODY, ordinary, submit

pytestmark = pytest.mark.usefixtures("city")

VIA = {"origin": "sms", "origin_key": "SM1", "channel": "sms"}


def _call(db: Database, operation: Any, *args: Any, **kwargs: Any) -> Any:
    with db.write() as session:
        return operation(session, CITIZEN, *args, **kwargs)


def _events(db: Database) -> list[Event]:
    with db.read() as session:
        return list(session.scalars(select(Event).order_by(Event.case_id, Event.seq)))


def test_an_addition_stands_beside_the_original(db: Database, clock: FixedClock) -> None:
    done, _case = ordinary(db, clock.now())
    file = FileGiven("现场.jpg", "image", "image/jpeg", 10, "b" * 64, "files/2")
    text = "补充：联系人张伟，电话 13900002222"
    for kind in ("addition", "correction"):
        via = {**VIA, "origin_key": kind}
        message = _call(db, messages.add, clock.now(), done.submission.id, text, kind=kind, files=[file], **via)
        assert (message.kind, message.direction, message.text) == (kind, "in", text)
        assert "13900002222" not in message.text_masked and "张伟" not in message.text_masked
    with db.read() as session:
        assert session.get_one(Submission, done.submission.id).body == BODY
        assert {a.message_id is not None for a in session.scalars(select(Attachment))} == {True}
        assert [m.kind for m in messages.of_submission(session, done.submission.id)] == ["correction", "addition"]
    added = [event for event in _events(db) if event.kind == "added"]
    assert [event.data["kind"] for event in added] == ["addition", "correction"]
    assert "13900002222" not in str([event.data for event in added]) and len(added[0].data["digest"]) == 64


def test_what_is_added_does_not_tell_who_wrote(db: Database, clock: FixedClock) -> None:
    done, _case = ordinary(db, clock.now())
    message = _call(db, messages.add, clock.now(), done.submission.id, "徐晓梅，昨晚路灯又灭了", **VIA)
    assert message.text_masked == "***，昨晚路灯又灭了"


def test_the_same_message_again_is_one(db: Database, clock: FixedClock) -> None:
    done, _case = ordinary(db, clock.now())
    other = submit(db, clock.now(), "form-2", body="另一件")
    first = _call(db, messages.urge, clock.now(), done.submission.id, "快一点", **VIA)
    again = _call(db, messages.urge, clock.now() + timedelta(days=1), done.submission.id, "快一点", **VIA)
    assert first.id == again.id and [e.kind for e in _events(db)].count("urged") == 1
    with pytest.raises(NotFound):
        _call(db, messages.urge, clock.now(), other.submission.id, "快一点", **VIA)


def test_a_clash_found_late_gives_the_earlier_message(db: Database, clock: FixedClock, monkeypatch: Any) -> None:
    done, _case = ordinary(db, clock.now())
    first = _call(db, messages.urge, clock.now(), done.submission.id, **VIA)
    looked, blind = messages._earlier, iter([True])
    monkeypatch.setattr(messages, "_earlier", lambda *a: None if next(blind, False) else looked(*a))
    assert _call(db, messages.urge, clock.now(), done.submission.id, **VIA).id == first.id
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 1


def test_an_enquiry_moves_nothing_and_may_come_when_it_is_over(db: Database, clock: FixedClock) -> None:
    done, _case = ordinary(db, clock.now())
    with db.write() as session:
        submissions.withdraw(session, CITIZEN, clock.now(), done.submission.id)
    _call(db, messages.enquire, clock.now(), done.submission.id, "到哪一步了", **VIA)
    assert _events(db)[-1].kind == "enquired"
    for operation, args in ((messages.add, ("补充",)), (messages.urge, ()), (messages.object_, ("不同意",))):
        with pytest.raises(NotNow):
            _call(db, operation, clock.now(), done.submission.id, *args, **{**VIA, "origin_key": "SM2"})


def test_a_question_waits_for_its_answer(city: Any, db: Database, clock: FixedClock) -> None:
    done, case_id = ordinary(db, clock.now())
    with db.write() as session:
        asked = messages.ask_citizen(session, city.actor("pei.zhengyu"), clock.now(), case_id, "请问是哪一栋？")
    assert [(m.direction, m.kind, m.text) for m in asked] == [("out", "question", "请问是哪一栋？")]
    with db.read() as session:
        question = messages.open_question(session, done.submission.id)
        assert question is not None and question.id == asked[0].id
        running = session.scalars(select(CaseClock).where(CaseClock.kind == "ask_citizen")).one()
        assert running.ended_at is None
    clock.advance(timedelta(hours=1))
    _call(db, messages.answer_question, clock.now(), done.submission.id, "在三号楼前面", **VIA)
    with db.read() as session:
        assert messages.open_question(session, done.submission.id) is None
        ended = session.scalars(select(CaseClock).where(CaseClock.kind == "ask_citizen")).one()
        assert ended.ended_at == clock.now()
    assert [e.kind for e in _events(db)][-2:] == ["citizen_asked", "added"]


def test_only_diversion_asks_and_only_with_words(city: Any, db: Database, clock: FixedClock) -> None:
    _done, case_id = ordinary(db, clock.now())
    for name, text, error in (
        ("fang.yating", "请问", Forbidden), ("pei.zhengyu", "  ", Invalid), ("huo.yan", "请问", NotFound)
    ):  # fmt: skip
        with pytest.raises(error), db.write() as session:
            messages.ask_citizen(session, city.actor(name), clock.now(), case_id, text)


def test_nothing_said_is_nothing_added(db: Database, clock: FixedClock) -> None:
    done, _case = ordinary(db, clock.now())
    for operation in (messages.add, messages.answer_question, messages.object_):
        with pytest.raises(Invalid):
            _call(db, operation, clock.now(), done.submission.id, " ", **VIA)
    with pytest.raises(Invalid):
        _call(db, messages.add, clock.now(), done.submission.id, "有话", kind="urge", **VIA)


def test_an_agent_may_add_for_the_citizen_but_no_stranger(city: Any, db: Database, clock: FixedClock) -> None:
    done, _case = ordinary(db, clock.now())
    with db.write() as session:
        agent = city.actor("fang.yating")
        message = messages.add(session, agent, clock.now(), done.submission.id, "来电补充", **VIA)
        assert message.by_id == agent.account_id
    with pytest.raises(NotFound), db.write() as session:
        via = {**VIA, "origin_key": "SM9"}
        messages.add(session, city.actor("huo.yan"), clock.now(), done.submission.id, "补充", **via)
