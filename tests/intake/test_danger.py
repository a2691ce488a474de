"""Danger to life: the answer says at once whom to call, and what is known is handed in."""

from __future__ import annotations

import flask
import pytest
from flask_babel import Babel
from sqlalchemy import func, select

from cases.models import Alert, Case, Message, Submission
from cases.operations import alerts
from core.clock import FixedClock
from intake.answers import danger_advice
from intake.models import Dialogue
from tests.conftest import City
from tests.intake.talk import Talk, number_and_code


def only_case(city: City) -> Case:
    with city.db.read() as session:
        return session.scalars(select(Case)).one()


@pytest.mark.parametrize("channel", ["wechat", "sms"])
@pytest.mark.parametrize(
    ("words", "danger"),
    [("我家厨房有很重的燃气味，人有点头晕", "gas"), ("楼下着火了，浓烟很大", "fire"), ("有人要跳楼，快来", "life")],
)
def test_first_words_are_enough(city: City, clock: FixedClock, channel: str, words: str, danger: str) -> None:
    answer = Talk(city.db, clock, channel).say(words)
    assert all(number in answer for number in ("110", "119", "120"))
    assert answer.index("119") < answer.index("编号")
    number, code = number_and_code(answer)
    case = only_case(city)
    assert (case.number, case.danger, case.priority, case.stage) == (number, danger, 0, "review")
    assert len(code) == 8
    with city.db.read() as session:
        assert session.scalars(select(Alert.kind)).one() == danger


@pytest.mark.parametrize(("code", "named"), [("life", True), ("gas", False), ("fire", False), ("collapse", False)])
def test_the_line_for_those_who_despair_is_named(code: str, named: bool) -> None:
    app = flask.Flask("hub")
    Babel(app)
    with app.test_request_context():
        assert ("12356" in danger_advice(code)) is named


def test_at_any_point_of_a_dialogue(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    talk.say("楼上装修把墙砸了")
    talk.say("书院里小区")
    number, _ = number_and_code(talk.say("墙裂了，楼要塌了"))
    with city.db.read() as session:
        made = session.scalars(select(Submission)).one()
        states = session.scalars(select(Dialogue.state)).all()
    assert (made.number, made.body, made.place) == (number, "楼上装修把墙砸了\n墙裂了，楼要塌了", "书院里小区")
    assert list(states) == ["submitted"]
    assert only_case(city).danger == "collapse"


def test_what_follows_is_added_to_it(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    number, _ = number_and_code(talk.say("我家厨房有很重的燃气味"))
    for words in ("楼道里也闻到煤气味了", "在书院里3栋2单元"):
        answer = talk.say(words)
        assert "119" in answer and number_and_code(answer) == (number, "")
    with city.db.read() as session:
        added = session.scalars(select(Message.text_sealed)).all()
        assert session.scalar(select(func.count()).select_from(Case)) == 1
    assert len(added) == 2


def test_danger_after_the_alert_was_seen_goes_up_anew(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    talk.say("我家厨房有很重的燃气味")
    with city.db.write() as session:
        alert = session.scalars(select(Alert)).one()
        alerts.acknowledge(session, city.actor("niu.guoqiang"), clock.now(), alert.id)
    talk.say("楼道里也闻到煤气味了")
    with city.db.read() as session:
        assert session.scalars(select(Alert)).one().acknowledged_at is None


def test_the_same_cry_again_gets_the_same_number_and_the_advice(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "sms")
    number, _ = number_and_code(talk.say("楼下着火了"))
    again = talk.say("楼下着火了")
    assert "119" in again and number_and_code(again) == (number, "")
    assert only_case(city).number == number


def test_what_is_no_danger_goes_the_ordinary_way(city: City, clock: FixedClock) -> None:
    answer = Talk(city.db, clock, "wechat").say("燃气公司多收了三个月的费用")
    assert "119" not in answer and "在哪里" in answer


@pytest.mark.parametrize("channel", ["wechat", "sms"])
def test_progress_promises_no_ordinary_day_until_somebody_on_duty_has_seen_it(
    city: City, clock: FixedClock, channel: str
) -> None:
    talk = Talk(city.db, clock, channel)
    talk.say("我家厨房有很重的燃气味，人有点头晕")
    unseen = talk.say("进度")
    assert "已提醒值班人员" in unseen and "立即拨打 110" in unseen
    assert "最晚" not in unseen
    assert "最晚" not in talk.say("催办")
    with city.db.write() as session:
        alert = session.scalars(select(Alert)).one()
        alerts.acknowledge(session, city.actor("shangguan.min"), clock.now(), alert.id)
    seen = talk.say("进度")
    assert "最晚" in seen and "110" not in seen
