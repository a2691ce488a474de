"""Words beside the matter itself: 匿名 保密, 人工, 谢谢, 退订, and 确认 when nothing waits for it."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from cases.models import Case, ContactPoint, Message, Party, Submission
from cases.operations import citizens
from core.clock import FixedClock
from intake import held
from intake.commands import disclosure_of
from intake.models import Dialogue, Turn
from tests.conftest import City
from tests.intake.talk import Talk, number_and_code

CHANNELS = pytest.mark.parametrize("channel", ["wechat", "sms"])


def submissions(city: City) -> list[Submission]:
    with city.db.read() as session:
        return list(session.scalars(select(Submission).order_by(Submission.received_at)))


def end(talk: Talk) -> str:
    """Say that nothing is to be added and confirm; gives the number."""
    for words in ("书院里小区东门", "没有"):
        assert talk.say(words)
    return number_and_code(talk.say("确认"))[0]


# --- 匿名 保密 --------------------------------------------------------------------------------------------------------


@CHANNELS
@pytest.mark.parametrize(
    ("words", "stored"), [("匿名", "anonymous"), ("我要匿名。", "anonymous"), ("保密", "confidential")]
)
def test_asked_for_in_the_dialogue_it_stands_on_the_submission(
    city: City, clock: FixedClock, channel: str, words: str, stored: str
) -> None:
    talk = Talk(city.db, clock, channel)
    question = talk.say("楼下饭店油烟直排，熏得睡不着，我的电话是13900001111")
    answer = talk.say(words)
    assert "承办部门看不到是谁反映的" in answer and answer.endswith(question) and "不记录" not in answer
    hidden = {"wechat": "工作人员看不到您的微信，", "sms": "工作人员看不到您的号码，只用来给您发送进度。"}[channel]
    assert (hidden in answer) == (stored == "anonymous")
    summary = [talk.say(one) for one in ("书院里小区东门", "没有")][-1]
    assert ("匿名" if stored == "anonymous" else "实名保密") in summary and "“实名”" in summary
    number = number_and_code(talk.say("确认"))[0]
    (made,) = submissions(city)
    assert (made.number, made.disclosure) == (number, stored)
    with city.db.read() as session:
        points = set(session.scalars(select(ContactPoint.kind)))
        assert session.scalars(select(Party.name_sealed)).all() == [None]
        assert not citizens.may_know_writer(city.actor("huo.yan"), made)
    own = {"wechat": {"openid"}, "sms": {"phone"}}[channel]
    assert points == (own if stored == "anonymous" else own | {"phone"})


def test_the_wish_before_any_words_and_taken_back(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    assert "请说说是什么事" in talk.say("我要匿名")
    talk.say("楼下饭店油烟直排，熏得睡不着")
    assert "不再保密" in talk.say("实名")
    end(talk)
    (made,) = submissions(city)
    assert (made.disclosure, made.body) == ("named", "楼下饭店油烟直排，熏得睡不着")


def test_said_in_the_text_itself(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    talk.say("楼下饭店油烟直排，请为我的身份保密")
    end(talk)
    (made,) = submissions(city)
    assert made.disclosure == "confidential"


def test_after_one_was_handed_in_it_is_about_the_next(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    talk.say("楼下饭店油烟直排，熏得睡不着")
    end(talk)
    assert "12345" in talk.say("匿名")
    assert [one.disclosure for one in submissions(city)] == ["named"]
    talk.say("新的事 门口的井盖丢了，车开不过去")
    end(talk)
    assert [one.disclosure for one in submissions(city)] == ["named", "anonymous"]


def test_a_cry_for_help_keeps_the_wish(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    talk.say("匿名")
    number_and_code(talk.say("楼下着火了，浓烟很大"))
    assert [one.disclosure for one in submissions(city)] == ["anonymous"]


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("我想匿名举报楼下饭店", "anonymous"),
        ("请求匿名", "anonymous"),
        ("请帮我保密，不想被报复", "confidential"),
        ("希望不要泄露我的电话", "confidential"),
        ("请勿公开本人信息", "confidential"),
        ("网上有人匿名发帖骂我们小区", ""),
        ("物业把业主信息当保密资料不给看", ""),
        ("路灯不亮", ""),
    ],
)
def test_phrases_that_ask_for_silence(text: str, wish: str) -> None:
    assert disclosure_of(text) == wish


# --- 人工 谢谢 退订 ---------------------------------------------------------------------------------------------------


@CHANNELS
@pytest.mark.parametrize("words", ["人工", "转人工", "人工客服"])
def test_a_person_is_at_the_hotline(city: City, clock: FixedClock, channel: str, words: str) -> None:
    talk = Talk(city.db, clock, channel)
    assert "12345" in talk.say(words)
    question = talk.say("小区门口路灯坏了三天，晚上看不见路")
    answer = talk.say(words)
    assert "12345" in answer and answer.endswith(question)
    with city.db.read() as session:
        assert session.scalars(select(Dialogue.body_sealed).where(Dialogue.state == "open")).one()
    assert submissions(city) == []


@CHANNELS
@pytest.mark.parametrize("words", ["谢谢", "好的，谢谢！", "非常感谢您", "收到，辛苦了", "谢谢你们"])
def test_thanks_get_a_short_answer_and_make_nothing(city: City, clock: FixedClock, channel: str, words: str) -> None:
    talk = Talk(city.db, clock, channel)
    assert talk.say(words).startswith("不客气")
    talk.say("楼下饭店油烟直排，熏得睡不着")
    end(talk)
    assert talk.say(words).startswith("不客气")
    (made,) = submissions(city)
    with city.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0
        assert session.scalar(select(func.count()).select_from(Case)) == 1
    assert "谢" not in (made.body or "")


def test_thanks_while_a_question_waits_add_nothing(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    for words in ("楼下饭店油烟直排，熏得睡不着", "书院里小区东门", "没有"):
        question = talk.say(words)
    answer = talk.say("好的，谢谢")
    assert answer.startswith("不客气") and answer.endswith(question)
    assert submissions(city) == []


def test_thanks_with_a_matter_behind_are_a_matter(city: City, clock: FixedClock) -> None:
    assert "在哪里" in Talk(city.db, clock, "wechat").say("感谢你们上次修路灯，现在井盖又丢了")


def test_stopping_says_what_still_comes_and_the_way_back(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    answer = talk.say("退订")
    assert all(word in answer for word in ("已退订", "不主动发通知", "照常办理", "“进度”", "“恢复”"))
    with city.db.read() as session:
        assert citizens.is_stopped(session, "openid", talk.sender)
    assert talk.say("恢复").startswith("已恢复")
    with city.db.read() as session:
        assert not citizens.is_stopped(session, "openid", talk.sender)


# --- 确认 when nothing waits for it -----------------------------------------------------------------------------------


@CHANNELS
@pytest.mark.parametrize("words", ["确认", "没有", "好的"])
def test_after_a_cry_for_help_it_leads_on(city: City, clock: FixedClock, channel: str, words: str) -> None:
    talk = Talk(city.db, clock, channel)
    number, _ = number_and_code(talk.say("我家厨房有很重的燃气味"))
    answer = talk.say(words)
    assert number_and_code(answer)[0] == number and "119" in answer and "请直接说说是什么事" not in answer
    assert len(submissions(city)) == 1


@CHANNELS
@pytest.mark.parametrize("words", ["确认", "没有"])
def test_after_handing_in_it_names_the_number(city: City, clock: FixedClock, channel: str, words: str) -> None:
    talk = Talk(city.db, clock, channel)
    talk.say("楼下饭店油烟直排，熏得睡不着")
    number = end(talk)
    answer = talk.say(words)
    assert number_and_code(answer)[0] == number and "不用再回复" in answer
    assert len(submissions(city)) == 1


# --- what is held -----------------------------------------------------------------------------------------------------


def test_what_was_sent_is_counted_for_the_submission(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    for number in range(2):
        talk.send({"MsgType": "image", "PicUrl": "http://wx.example/p", "MediaId": f"media-{number}"})
    talk.say("井盖丢了，车开不过去")
    talk.send({"MsgType": "voice", "Format": "amr", "MediaId": "media-3"})
    end(talk)
    (made,) = submissions(city)
    with city.db.read() as session:
        kept = held.of_submissions(session, [made.id])[made.id]
        turns = session.scalars(select(Turn.delivery_id).where(Turn.role == "material").order_by(Turn.at)).all()
    assert (dict(kept.count), kept.deliveries) == ({"picture": 2, "voice": 1}, tuple(turns))
    talk.send({"MsgType": "image", "PicUrl": "http://wx.example/p", "MediaId": "media-4"})
    talk.say("补充 又拍了一张")
    with city.db.read() as session:
        kept = held.of_submissions(session, [made.id])[made.id]
        text = session.scalars(select(Message)).one().text
    assert kept.count["picture"] == 3
    assert text == "又拍了一张\n（另发来图片 1 件，已原样留存）"


def test_a_text_message_with_pictures(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "sms")
    media = {"NumMedia": "2"} | {
        f"{name}{at}": value
        for at in range(2)
        for name, value in (("MediaUrl", f"https://api.twilio.com/m{at}"), ("MediaContentType", "image/jpeg"))
    }
    talk.say("书院里小区门口的井盖丢了，车开不过去", **media)
    assert "材料：" in talk.say("没有")
    talk.say("确认")
    (made,) = submissions(city)
    with city.db.read() as session:
        assert held.of_submissions(session, [made.id])[made.id].count["file"] == 2
