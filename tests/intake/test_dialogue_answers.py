"""What a person means by a word depends on the question that waits: 我要投诉, 没有 and 好的, 确认 after 撤回."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from cases.models import Case, Submission
from cases.operations import messages
from core.clock import FixedClock
from intake.models import Dialogue
from organisations.people import SYSTEM
from tests.conftest import City
from tests.intake.talk import Talk, number_and_code

CHANNELS = pytest.mark.parametrize("channel", ["wechat", "sms"])
OPENINGS = ("我要反映", "我要投诉", "我要举报", "你好，我要投诉")


def submissions(city: City) -> list[Submission]:
    with city.db.read() as session:
        return list(session.scalars(select(Submission).order_by(Submission.received_at)))


def handed_in(talk: Talk, matter: str = "小区停水两天了，没有通知") -> str:
    """The number of a matter told to the end."""
    for words in (matter, "码头路", "没有"):
        talk.say(words)
    return number_and_code(talk.say("确认"))[0]


# --- 我要投诉 ---------------------------------------------------------------------------------------------------------


@CHANNELS
@pytest.mark.parametrize("first", ["匿名", "保密", ""])
@pytest.mark.parametrize("opening", OPENINGS)
def test_that_one_wants_to_complain_is_not_the_matter(
    city: City, clock: FixedClock, channel: str, first: str, opening: str
) -> None:
    talk = Talk(city.db, clock, channel)
    if first:
        talk.say(first)
    assert "请说说是什么事" in talk.say(opening)
    talk.say("小区东门路灯坏了三天没人修")
    for words in ("贡院巷", "没有"):
        summary = talk.say(words)
    assert "事情：小区东门路灯坏了三天没人修\n地点：贡院巷" in summary
    number_and_code(talk.say("确认"))
    (made,) = submissions(city)
    assert (made.body, made.place) == ("小区东门路灯坏了三天没人修", "贡院巷")
    assert made.disclosure == {"匿名": "anonymous", "保密": "confidential", "": "named"}[first]


@CHANNELS
@pytest.mark.parametrize("opening", ["我要投诉", "我要举报"])
def test_amid_a_matter_it_asks_to_finish_that_first(city: City, clock: FixedClock, channel: str, opening: str) -> None:
    talk = Talk(city.db, clock, channel)
    question = talk.say("小区东门路灯坏了三天没人修")
    answer = talk.say(opening)
    assert "“取消”" in answer and answer.endswith(question)
    for words in ("贡院巷", "没有", "确认"):
        talk.say(words)
    (made,) = submissions(city)
    assert (made.body, made.place) == ("小区东门路灯坏了三天没人修", "贡院巷")


def test_where_it_is_asked_whether_it_is_new_it_says_so(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    handed_in(talk)
    assert "还是新的事" in talk.say("电梯里的灯也不亮")
    assert "在哪里" in talk.say("我要投诉")
    with city.db.read() as session:
        current = session.scalars(select(Dialogue).where(Dialogue.state == "open")).one()
    assert current.body == "电梯里的灯也不亮"


# --- the summary ------------------------------------------------------------------------------------------------------


@CHANNELS
@pytest.mark.parametrize("words", ["好的", "对", "是的", "可以", "没错", "没问题。"])
def test_yes_to_the_summary_hands_it_in(city: City, clock: FixedClock, channel: str, words: str) -> None:
    talk = Talk(city.db, clock, channel)
    for said in ("小区东门路灯坏了三天没人修", "贡院巷", "没有"):
        talk.say(said)
    number_and_code(talk.say(words))
    (made,) = submissions(city)
    assert made.body == "小区东门路灯坏了三天没人修"


@CHANNELS
@pytest.mark.parametrize("words", ["没有", "没有了", "不用了"])
def test_nothing_to_add_to_the_summary_is_told_what_to_reply(
    city: City, clock: FixedClock, channel: str, words: str
) -> None:
    talk = Talk(city.db, clock, channel)
    for said in ("小区东门路灯坏了三天没人修", "贡院巷", "没有"):
        summary = talk.say(said)
    answer = talk.say(words)
    assert answer.startswith("还没有提交") and "“确认”" in answer.splitlines()[0] and answer.endswith(summary)
    assert submissions(city) == []
    number_and_code(talk.say("确认"))


# --- what only its readers may see ------------------------------------------------------------------------------------


@CHANNELS
@pytest.mark.parametrize("classified", [True, False])
def test_of_an_accusation_nothing_goes_to_an_office(
    city: City, clock: FixedClock, channel: str, classified: bool
) -> None:
    talk = Talk(city.db, clock, channel)
    number = handed_in(talk, "我举报城市管理局队长收红包，拿了商户两千元")
    if classified:
        with city.db.write() as session:
            session.scalars(select(Case)).one().accusation = "possible"
    for words in ("补充 他叫王大伟，昨天又来了", "更正 是三千元", "催办", "进度", "怎么还没有人来处理"):
        answer = talk.say(words)
        assert "指定人员" in answer and "承办" not in answer and "分派" not in answer and "部门" not in answer, answer
    with city.db.write() as session:
        case = session.scalars(select(Case)).one()
        case.accusation = "possible"
        messages.ask_citizen(session, SYSTEM, clock.now(), case.id, "是哪一天？")
    answer = talk.say("补充 上周三下午")
    assert "指定人员" in answer and "承办" not in answer
    assert "指定人员" in talk.say("撤回")
    answer = talk.say("确认")
    assert "指定人员" in answer and number_and_code(answer)[0] == number


# --- 确认 after 撤回 --------------------------------------------------------------------------------------------------


def withdrawn(city: City) -> bool:
    (made,) = submissions(city)
    return made.withdrawn_at is not None


@CHANNELS
@pytest.mark.parametrize("words", ["确认", "确定", "是的", "确认撤回"])
def test_yes_right_after_the_question_takes_back(city: City, clock: FixedClock, channel: str, words: str) -> None:
    talk = Talk(city.db, clock, channel)
    number = handed_in(talk)
    assert "确定请回复“确认”" in talk.say("撤回")
    answer = talk.say(words)
    assert "已撤回" in answer and number_and_code(answer)[0] == number
    assert withdrawn(city)
    with city.db.read() as session:
        assert session.scalars(select(Case.stage)).one() == "closed"
        assert session.scalars(select(Dialogue.state).where(Dialogue.state == "open")).all() == []
    assert "直接说说" in talk.say("确认")


@CHANNELS
@pytest.mark.parametrize("words", ["没有", "不撤回", "取消"])
def test_no_leaves_it_as_it_is_and_says_so(city: City, clock: FixedClock, channel: str, words: str) -> None:
    talk = Talk(city.db, clock, channel)
    handed_in(talk)
    talk.say("撤回")
    assert "没有撤回" in talk.say(words)
    assert not withdrawn(city)
    assert "不用再回复" in talk.say("确认")
    assert not withdrawn(city)


@CHANNELS
@pytest.mark.parametrize("between", ["进度", "谢谢", "补充 今天又停了一次", "电梯里的灯也不亮，请派人来修"])
def test_yes_after_anything_else_takes_nothing_back(city: City, clock: FixedClock, channel: str, between: str) -> None:
    talk = Talk(city.db, clock, channel)
    handed_in(talk)
    talk.say("撤回")
    talk.say(between)
    talk.say("确认")
    assert not withdrawn(city)


def test_a_picture_between_takes_nothing_back(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    handed_in(talk)
    talk.say("撤回")
    assert "回复“补充”" in talk.send({"MsgType": "image", "PicUrl": "http://wx.example/p", "MediaId": "media-7"})
    talk.say("确认")
    assert not withdrawn(city)


def test_an_old_question_is_asked_again(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    handed_in(talk)
    question = talk.say("撤回")
    clock.advance(timedelta(hours=3))
    assert talk.say("确认") == question and not withdrawn(city)
    assert "已撤回" in talk.say("确认") and withdrawn(city)


def test_amid_another_matter_yes_hands_that_in(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    number = handed_in(talk)
    for words in ("新的事 路灯坏了一个月", "贡院巷", "没有"):
        talk.say(words)
    assert f"“撤回 {number}”" in talk.say("撤回")
    number_and_code(talk.say("确认"))
    assert [one.withdrawn_at for one in submissions(city)] == [None, None]


def test_the_question_is_not_a_dialogue_that_was_left(city: City, clock: FixedClock) -> None:
    from intake import left

    talk = Talk(city.db, clock, "wechat")
    handed_in(talk)
    talk.say("撤回")
    clock.advance(timedelta(hours=1))
    with city.db.read() as session:
        assert left._quiet(session, clock.now()) == []
