"""A dialogue left with substance in it: reminded once, then listed for an agent, never dropped."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from cases.errors import NotNow
from cases.models import Submission
from core import jobs
from core.clock import FixedClock
from core.errors import Forbidden
from core.jobs import Job
from intake import left
from intake.models import Dialogue
from tests.conftest import City
from tests.intake.talk import Talk, number_and_code


def run(city: City, clock: FixedClock, **after: int) -> None:
    """Let time go by and do what is due then."""
    clock.advance(timedelta(**after))
    registry = jobs.Registry()
    left.register(registry)
    registry.add(left.TELL, lambda work: None)
    with city.db.write() as session:
        jobs.enqueue(session, left.LOOK, clock.now().isoformat(), due=clock.now())
    while jobs.run_due(city.db, clock, registry, "jobs"):
        pass


def reminders(city: City) -> int:
    with city.db.read() as session:
        return session.scalar(select(func.count()).where(Job.name == left.TELL)) or 0


def dialogue(city: City) -> Dialogue:
    with city.db.read() as session:
        return session.scalars(select(Dialogue)).one()


def test_reminded_once_then_listed(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    talk.say("小区停水两天了")
    run(city, clock, minutes=20)
    assert reminders(city) == 0
    run(city, clock, minutes=11)
    assert reminders(city) == 1 and dialogue(city).state == "open"
    run(city, clock, hours=1, minutes=59)
    assert dialogue(city).state == "open"
    run(city, clock, minutes=2)
    assert (dialogue(city).state, reminders(city)) == ("left", 1)
    agent = city.actor("fang.yating")
    with city.db.read() as session:
        found, total = left.left_dialogues(session, agent)
        assert [(row.body, total) for row in found] == [("小区停水两天了", 1)]
        assert [turn.text for turn in left.turns(session, found[0].id)] == ["小区停水两天了"]


def test_going_on_puts_it_off(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    talk.say("小区停水两天了")
    clock.advance(timedelta(minutes=25))
    talk.say("码头路")
    run(city, clock, minutes=10)
    assert reminders(city) == 0
    run(city, clock, minutes=21)
    assert reminders(city) == 1


def test_who_goes_on_after_the_reminder_is_not_listed_yet(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    talk.say("小区停水两天了")
    run(city, clock, minutes=31)
    clock.advance(timedelta(hours=1, minutes=50))
    talk.say("码头路")
    run(city, clock, minutes=15)
    assert dialogue(city).state == "open"
    run(city, clock, hours=2)
    assert (dialogue(city).state, reminders(city)) == ("left", 1)


def test_a_picture_alone_is_not_dropped_either(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    talk.send({"MsgType": "image", "PicUrl": "http://wx.example/p", "MediaId": "media-1"})
    run(city, clock, minutes=31)
    run(city, clock, hours=3)
    assert dialogue(city).state == "left"
    with city.db.write() as session, pytest.raises(NotNow):
        left.submit_left(session, city.actor("fang.yating"), clock.now(), dialogue(city).id)


def test_a_finished_dialogue_is_left_alone(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    for words in ("小区停水两天了", "码头路", "没有", "确认"):
        talk.say(words)
    run(city, clock, hours=1)
    run(city, clock, hours=5)
    assert (dialogue(city).state, reminders(city)) == ("submitted", 0)


def test_who_comes_back_goes_on_where_they_were(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    talk.say("小区停水两天了")
    run(city, clock, minutes=31)
    run(city, clock, hours=3)
    assert "还有要补充的吗" in talk.say("码头路")
    assert dialogue(city).state == "open"
    talk.say("没有")
    number_and_code(talk.say("确认"))
    run(city, clock, hours=5)
    assert reminders(city) == 1


def test_an_agent_hands_it_in_for_the_sender(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    talk.say("小区停水两天了")
    run(city, clock, minutes=31)
    run(city, clock, hours=3)
    handler = city.actor("huo.yan")
    with city.db.write() as session, pytest.raises(Forbidden):
        left.submit_left(session, handler, clock.now(), dialogue(city).id)
    with city.db.write() as session:
        done = left.submit_left(session, city.actor("fang.yating"), clock.now(), dialogue(city).id)
    assert (done.submission.body, done.submission.channel) == ("小区停水两天了", "wechat")
    assert dialogue(city).state == "submitted" and dialogue(city).ended_by_id == city.actor("fang.yating").account_id
    assert "停水" in talk.say("进度")
    with city.db.write() as session, pytest.raises(NotNow):
        left.close_left(session, city.actor("fang.yating"), clock.now(), dialogue(city).id)


def test_an_agent_closes_what_was_settled_by_telephone(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "sms")
    talk.say("小区停水两天了")
    run(city, clock, minutes=31)
    run(city, clock, hours=3)
    with city.db.write() as session:
        left.close_left(session, city.actor("fang.yating"), clock.now(), dialogue(city).id)
    assert dialogue(city).state == "closed"
    with city.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Submission)) == 0


def test_a_second_run_owes_nothing_more(city: City, clock: FixedClock) -> None:
    Talk(city.db, clock, "wechat").say("小区停水两天了")
    clock.advance(timedelta(minutes=31))
    for owed in (True, False):
        with city.db.write() as session:
            assert left.remind(session, dialogue(city).id, clock.now()) is owed
    assert reminders(city) == 1
    clock.advance(timedelta(hours=3))
    for listed in (True, False):
        with city.db.write() as session:
            assert left.list_left(session, dialogue(city).id, clock.now()) is listed
