"""A dialogue on WeChat and SMS by signed payloads: from the first words to number and query code."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from cases.models import Case, ContactPoint, ExtraField, Submission
from core.clock import FixedClock
from intake.models import Dialogue, Turn
from tests.conftest import City
from tests.intake.talk import Talk, number_and_code


def submissions(city: City) -> list[Submission]:
    with city.db.read() as session:
        return list(session.scalars(select(Submission).order_by(Submission.received_at)))


def states(city: City) -> list[str]:
    with city.db.read() as session:
        return list(session.scalars(select(Dialogue.state).order_by(Dialogue.started_at)))


def test_wechat_from_greeting_to_number(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    assert "请直接说说是什么事" in talk.say("你好")
    assert submissions(city) == [] and states(city) == []
    assert "在哪里" in talk.say("小区门口路灯坏了三天，我的电话是13900001111")
    assert "还有要补充的吗" in talk.say("书院里小区东门")
    assert "已记下" in talk.say("晚上有老人摔倒过")
    summary = talk.say("没有")
    assert "小区门口路灯坏了三天" in summary and "书院里小区东门" in summary and "“确认”" in summary
    number, code = number_and_code(talk.say("确认"))
    assert len(code) == 8
    (made,) = submissions(city)
    assert (made.number, made.channel, made.origin, made.disclosure) == (number, "wechat", "wechat", "named")
    assert made.title == "小区门口路灯坏了三天"
    assert made.body == "小区门口路灯坏了三天，我的电话是13900001111\n晚上有老人摔倒过"
    assert "13900001111" not in made.body_masked and len(made.body_masked) == len(made.body)
    assert made.place == "书院里小区东门" and made.area_id == city.area("TC010101")
    with city.db.read() as session:
        points = {point.kind: point for point in session.scalars(select(ContactPoint))}
        case = session.scalars(select(Case)).one()
    assert points["openid"].value == talk.sender and points["openid"].verified_at is not None
    assert points["phone"].value == "+8613900001111" and points["phone"].verified_at is None
    assert (case.stage, case.title) == ("review", "小区门口路灯坏了三天")
    assert states(city) == ["submitted"]


def test_a_place_already_said_is_confirmed_with_one(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    assert "书院里社区" in talk.say("书院里小区门口路灯坏了三天")
    assert "还有要补充的吗" in talk.say("1")
    assert "书院里社区" in talk.say("没有")
    number_and_code(talk.say("确认"))
    (made,) = submissions(city)
    assert made.place is None and made.area_id == city.area("TC010101")


def test_sms_asks_once_for_place_and_additions(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "sms")
    assert "地点" in talk.say("楼下烧烤店油烟熏得开不了窗")
    assert "请核对" in talk.say("织造街12号旁")
    number, code = number_and_code(talk.say("确认"))
    (made,) = submissions(city)
    assert (made.number, made.channel, made.place) == (number, "sms", "织造街12号旁")
    assert made.area_id == city.area("TC0103") and code
    with city.db.read() as session:
        point = session.scalars(select(ContactPoint)).one()
    assert (point.kind, point.value) == ("phone", "+8613800000001") and point.verified_at is not None


def test_sms_may_be_confirmed_at_once(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "sms")
    talk.say("织造街的烧烤店油烟熏得开不了窗")
    number_and_code(talk.say("确认"))
    assert [one.body for one in submissions(city)] == ["织造街的烧烤店油烟熏得开不了窗"]


def test_several_sms_of_one_matter_are_joined(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "sms")
    talk.say("我们单元的电梯上周坏了，物业说在等配件，")
    talk.say("可是等了九天还没有来修，家里有坐轮椅的老人出不了门")
    talk.say("希望尽快修好，或者先装一部临时的爬楼机")
    number_and_code(talk.say("确认"))
    (made,) = submissions(city)
    assert made.body is not None and made.body.count("\n") == 2
    assert "等配件" in made.body and "轮椅" in made.body and "爬楼机" in made.body


def test_written_anew(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    for words in ("写错了的内容不要", "书院里", "没有"):
        talk.say(words)
    assert "重新写" in talk.say("修改")
    assert "在哪里" in talk.say("小区停水两天了")
    talk.say("汇金花园")
    talk.say("没有")
    number_and_code(talk.say("确认"))
    (made,) = submissions(city)
    assert (made.body, made.place) == ("小区停水两天了", "汇金花园")
    with city.db.read() as session:
        said = [turn.text for turn in session.scalars(select(Turn).order_by(Turn.at))]
    assert "写错了的内容不要" in said  # kept, though not submitted


def test_cancelled_by_the_sender(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    talk.say("小区停水两天了")
    assert "没有提交" in talk.say("取消")
    assert submissions(city) == [] and states(city) == ["cancelled"]
    assert "在哪里" in talk.say("小区停水两天了")


@pytest.mark.parametrize("words", ["你好", "在吗？", "👍👍", "谢谢！", "12345", "……"])
def test_what_tells_of_nothing_makes_no_dialogue(city: City, clock: FixedClock, words: str) -> None:
    assert Talk(city.db, clock, "wechat").say(words)
    assert states(city) == [] and submissions(city) == []


def test_follow_greets_and_unfollow_is_silent(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    assert "12345 热线" in talk.send({"MsgType": "event", "Event": "subscribe"})
    assert talk.send({"MsgType": "event", "Event": "unsubscribe"}) == ""
    with city.db.read() as session:
        assert session.scalars(select(ContactPoint)).one().stopped_at is not None
    talk.send({"MsgType": "event", "Event": "subscribe"})
    with city.db.read() as session:
        assert session.scalars(select(ContactPoint)).one().stopped_at is None


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"MsgType": "image", "PicUrl": "http://wx.example/p", "MediaId": "media-1"}, "图片"),
        ({"MsgType": "voice", "Format": "amr", "MediaId": "media-1"}, "语音"),
        ({"MsgType": "video", "MediaId": "media-1", "ThumbMediaId": "thumb"}, "视频"),
        ({"MsgType": "link", "Title": "新闻", "Description": "说明", "Url": "http://example.cn/a"}, "链接"),
    ],
)
def test_a_file_is_kept_and_the_answer_leads_on(
    city: City, clock: FixedClock, fields: dict[str, str], what: str
) -> None:
    talk = Talk(city.db, clock, "wechat")
    answer = talk.send(fields)
    assert what in answer and "请再用文字说说" in answer
    for words in ("井盖丢了", "码头路", "没有"):
        answer = talk.say(words)
    assert "材料：1 件" in answer
    number_and_code(talk.say("确认"))
    with city.db.read() as session:
        kept = session.scalars(select(ExtraField)).one()
        turn = session.scalars(select(Turn).where(Turn.role == "material")).one()
    assert kept.code == "materials"
    assert str(kept.value).endswith(f"delivery={turn.delivery_id}")
    assert ("media-1" in str(kept.value)) == ("MediaId" in fields)


def test_a_position_answers_where(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    talk.say("井盖丢了")
    place = {"MsgType": "location", "Location_X": "23.134521", "Location_Y": "113.358803", "Scale": "20"}
    assert "还有要补充的吗" in talk.send({**place, "Label": "码头路8号"})
    talk.say("没有")
    number_and_code(talk.say("确认"))
    (made,) = submissions(city)
    assert (made.position, made.datum) == ("23.134521,113.358803", "GCJ-02")
    assert "113.358803" not in (made.position_sealed or "")
    assert made.place == "码头路8号" and made.area_id == city.area("TC0102")


def test_a_text_too_long_is_refused_with_a_sentence(city: City, clock: FixedClock) -> None:
    answer = Talk(city.db, clock, "wechat").say("很长" * 3000)
    assert "5000 字" in answer
    assert states(city) == []


def test_the_same_words_again_are_answered_with_the_question(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    first = talk.say("小区停水两天了")
    assert talk.say("小区停水两天了") == first
    with city.db.read() as session:
        assert session.scalars(select(Dialogue)).one().body == "小区停水两天了"


@pytest.mark.parametrize("channel", ["wechat", "sms"])
def test_an_exact_copy_gets_the_earlier_number(city: City, clock: FixedClock, channel: str) -> None:
    talk = Talk(city.db, clock, channel)
    words = "小区停水两天了，没有通知"
    for step in (words, "书院里", "没有"):
        talk.say(step)
    number, code = number_and_code(talk.say("确认"))
    clock.advance(timedelta(hours=3))
    assert number_and_code(talk.say(words)) == (number, "")
    assert code and len(submissions(city)) == 1
    other = Talk(city.db, clock, channel, {"wechat": "oANOTHER", "sms": "+8613800000009"}[channel])
    assert "已经登记过" not in other.say(words)


def test_two_senders_do_not_meet(city: City, clock: FixedClock) -> None:
    first, second = Talk(city.db, clock, "wechat", "oFIRST"), Talk(city.db, clock, "wechat", "oSECOND")
    first.say("小区停水两天了")
    second.say("路灯坏了一个月")
    first.say("书院里")
    second.say("码头路")
    for talk in (first, second):
        talk.say("没有")
        number_and_code(talk.say("确认"))
    assert {(one.body, one.place) for one in submissions(city)} == {
        ("小区停水两天了", "书院里"),
        ("路灯坏了一个月", "码头路"),
    }


def test_help_and_progress_keep_the_question(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    question = talk.say("小区停水两天了")
    assert talk.say("帮助").endswith(question)
    assert talk.say("进度").endswith(question)
    with city.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Dialogue)) == 1
