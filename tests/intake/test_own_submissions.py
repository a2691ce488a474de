"""From a sender with an open submission: progress, urging, adding, answering us, rating, taking back; one case only."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from cases.models import Answer, AnswerSubmission, Case, CodeAttempt, Message, Rating, Submission
from cases.operations import messages
from cases.operations.base import case_of
from core.clock import FixedClock
from intake import following
from intake.models import Dialogue, Turn
from organisations.people import SYSTEM
from tests.conftest import City
from tests.intake.talk import Talk, number_and_code

MATTER = "小区停水两天了，没有通知"


def submitted(talk: Talk, matter: str = MATTER) -> tuple[str, str]:
    """Number and code of a matter told to the end."""
    answer = talk.say(matter)
    if "还是新的事" in answer:
        talk.say("新的事")
    for words in ("码头路", "没有"):
        talk.say(words)
    return number_and_code(talk.say("确认"))


def said(city: City, number: str) -> list[tuple[str, str | None]]:
    """Kind and text of what was written about a submission afterwards, oldest first."""
    with city.db.read() as session:
        query = select(Message).join(Submission, Submission.id == Message.submission_id)
        rows = session.scalars(query.where(Submission.number == number).order_by(Message.at, Message.id))
        return [(row.kind, row.text) for row in rows]


def cases(city: City) -> int:
    with city.db.read() as session:
        return session.scalar(select(func.count()).select_from(Case)) or 0


@pytest.mark.parametrize("channel", ["wechat", "sms"])
def test_each_word_is_added_to_the_open_submission(city: City, clock: FixedClock, channel: str) -> None:
    talk = Talk(city.db, clock, channel)
    number, _ = submitted(talk)
    assert "催办" in talk.say("催办")
    assert "已为编号" in talk.say("怎么还没有人来修")
    assert "已补充" in talk.say("补充：昨晚来了半小时又停了")
    assert "已补充" in talk.say("之前反映的停水，今天还有三栋楼没水")
    assert "已补充" in talk.say("更正 停水是从22号开始的")
    assert "已收到" in talk.say("现在有什么进展")
    assert said(city, number) == [
        ("urge", None),
        ("urge", "怎么还没有人来修"),
        ("addition", "昨晚来了半小时又停了"),
        ("addition", "之前反映的停水，今天还有三栋楼没水"),
        ("correction", "停水是从22号开始的"),
        ("enquiry", "现在有什么进展"),
    ]
    assert cases(city) == 1


def test_an_answer_to_our_question(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    number, _ = submitted(talk)
    with city.db.write() as session:
        case = session.scalars(select(Case)).one()
        messages.ask_citizen(session, SYSTEM, clock.now(), case.id, "停水的是几号楼？")
    assert "停水的是几号楼" in talk.say("进度")
    assert "已转给承办部门" in talk.say("三号楼和五号楼都没水")
    assert said(city, number)[-1] == ("answer", "三号楼和五号楼都没水")
    assert cases(city) == 1


def test_when_unsure_one_sentence_asks(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    number, _ = submitted(talk)
    answer = talk.say("电梯里的灯也不亮")
    assert "是补充原来的事" in answer and "还是新的事" in answer and answer.count("？") == 1
    assert "已补充" in talk.say("1")
    assert said(city, number) == [("addition", "电梯里的灯也不亮")]
    assert cases(city) == 1
    talk.say("楼下烧烤店油烟很大")
    assert "在哪里" in talk.say("2")
    for words in ("织造街", "没有"):
        talk.say(words)
    other, code = number_and_code(talk.say("确认"))
    assert other != number and code
    assert cases(city) == 2


def test_plainly_new_words_ask_nothing(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    submitted(talk)
    assert "在哪里" in talk.say("新的事：楼下烧烤店油烟很大")
    with city.db.read() as session:
        current = session.scalars(select(Dialogue).where(Dialogue.state == "open")).one()
    assert current.body == "楼下烧烤店油烟很大"


def test_of_several_the_sender_chooses(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    first, _ = submitted(talk)
    second, _ = submitted(talk, "公园的健身器材坏了没人管")
    answer = talk.say("催办")
    assert "加编号" in answer and first[:6] in answer
    assert "已为编号" in talk.say(f"催办 {first}")
    assert said(city, first) == [("urge", None)] and said(city, second) == []
    listed = talk.say("补充 又停了")
    assert listed.index("公园") < listed.index("停水") and "新的事回复“3”" in listed
    talk.say("2")
    assert said(city, first)[-1] == ("addition", "又停了")


def test_progress_lists_only_the_senders_own(city: City, clock: FixedClock) -> None:
    talk, other = Talk(city.db, clock, "wechat"), Talk(city.db, clock, "wechat", "oSOMEBODY")
    assert "没有查到" in talk.say("进度")
    submitted(talk)
    theirs, code = submitted(other, "路灯坏了一个月")
    assert "停水" in talk.say("进度") and "路灯" not in talk.say("进度")
    assert "连查询码一起发" in talk.say(f"进度 {theirs}")
    assert "路灯" in talk.say(f"进度 {theirs} {code}")
    assert "路灯" in talk.say(f"{theirs} {code}")


def test_wrong_codes_are_counted_and_never_lock_the_owner_out(city: City, clock: FixedClock) -> None:
    owner, guesser = Talk(city.db, clock, "wechat"), Talk(city.db, clock, "sms")
    number, code = submitted(owner)
    wrong = f"{(int(code) + 1) % 10**8:08d}"
    answers = [guesser.say(f"进度 {number} {wrong}") for _ in range(8)]
    assert "对不上" in answers[0] and "输错次数过多" in answers[-1]
    with city.db.read() as session:
        failures = dict(session.execute(select(CodeAttempt.kind, CodeAttempt.failures)).tuples().all())
    assert failures["asker"] >= 6 and failures["number"] >= 6
    assert "停水" in owner.say(f"进度 {number}")
    assert "停水" in owner.say(f"进度 {number} {wrong}")


def test_a_number_that_is_none_is_counted_too(city: City, clock: FixedClock) -> None:
    assert "对不上" in Talk(city.db, clock, "sms").say("进度 2611240000000 12345678")
    with city.db.read() as session:
        assert session.scalars(select(CodeAttempt.failures).where(CodeAttempt.kind == "asker")).one() == 1


def test_taking_back_is_asked_about_once(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    number, _ = submitted(talk)
    assert "确定请回复" in talk.say("撤回")
    with city.db.read() as session:
        assert session.scalars(select(Submission)).one().withdrawn_at is None
    assert "已撤回" in talk.say(f"撤回 {number}")
    with city.db.read() as session:
        assert session.scalars(select(Submission)).one().withdrawn_at is not None
    assert "没有找到" in talk.say("催办")


def test_nobody_takes_back_what_is_anothers(city: City, clock: FixedClock) -> None:
    owner, other = Talk(city.db, clock, "wechat"), Talk(city.db, clock, "wechat", "oSOMEBODY")
    number, _ = submitted(owner)
    for words in (f"撤回 {number}", f"催办 {number}", f"补充 {number} 改成这样", f"评价 {number} 满意"):
        assert "没有找到" in other.say(words)
    assert said(city, number) == []


def _served(city: City, clock: FixedClock) -> None:
    """The newest case as it stands once its answer was served."""
    with city.db.write() as session:
        submission = session.scalars(select(Submission).order_by(Submission.received_at.desc()).limit(1)).one()
        case = case_of(session, submission.id)
        case.stage = "asking"
        answer = Answer(case_id=case.id, kind="citizen", round=1, state="served", written_at=clock.now(),
                        served_at=clock.now())  # fmt: skip
        answer.text = "水管已修好，恢复供水。"
        session.add(answer)
        session.flush()
        session.add(AnswerSubmission(answer_id=answer.id, submission_id=submission.id))


def test_rating_in_words(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    submitted(talk)
    assert "没有找到" in talk.say("满意")
    _served(city, clock)
    assert "水管已修好" in talk.say("进度")
    assert "很满意、满意" in talk.say("评价")
    assert "谢谢您的评价" in talk.say("评价 不满意 未解决 没人联系")
    with city.db.read() as session:
        rating = session.scalars(select(Rating)).one()
    assert (rating.satisfaction, rating.resolved, rating.contacted, rating.way) == (2, False, False, "wechat")


def test_an_objection_with_its_reason(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    number, _ = submitted(talk)
    _served(city, clock)
    assert "加理由" in talk.say("不同意")
    assert "异议" in talk.say("不同意，水还是黄的")
    assert said(city, number) == [("objection", "水还是黄的")]


def test_a_picture_goes_with_the_words_after_it(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    number, _ = submitted(talk)
    assert "回复“补充”" in talk.send({"MsgType": "image", "PicUrl": "http://wx.example/p", "MediaId": "media-7"})
    assert "已补充" in talk.say("补充 这是水表的照片")
    ((kind, text),) = said(city, number)
    assert kind == "addition" and text == "这是水表的照片\n（另发来图片 1 件，已原样留存）"
    with city.db.read() as session:
        assert session.scalar(select(func.count()).where(Dialogue.state == "open")) == 0


def test_stop_and_start_are_kept(city: City, clock: FixedClock) -> None:
    from cases.operations import citizens

    talk = Talk(city.db, clock, "sms")

    def stopped() -> bool:
        with city.db.read() as session:
            return citizens.is_stopped(session, "phone", talk.sender)

    # The provider knows its own English words, and answers them; nobody but us answers the Chinese ones.
    answer = talk.say("退订", key="SM" + "1" * 32)
    assert all(word in answer for word in ("已退订", "不再主动给您发通知", "照常办理", "“恢复”")) and stopped()
    assert talk.say("退订", key="SM" + "1" * 32) == answer
    assert talk.say("START") == "" and not stopped()
    assert talk.say("STOP") == "" and stopped()
    assert talk.say("恢復").startswith("已恢复") and not stopped()
    assert talk.say("退订", OptOutType="STOP") == "" and stopped()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("怎么还没人来", "urge"),
        ("多久能修好", "urge"),
        ("处理得怎么样了", "enquiry"),
        ("之前反映的路灯又坏了", "addition"),
        ("另外一件事，楼道漏雨", "new"),
        ("楼道漏雨", "unsure"),
        ("公园的健身器材坏了没人管", "unsure"),
        ("家门口的施工围挡什么时候能拆掉，" * 3, "unsure"),
    ],
)
def test_what_a_free_text_is(text: str, kind: str) -> None:
    assert following.kind_of(text) == kind


def test_a_closed_matter_is_no_longer_added_to(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    submitted(talk)
    with city.db.write() as session:
        session.scalars(select(Case)).one().stage = "closed"
    clock.advance(timedelta(days=1))
    assert "在哪里" in talk.say("电梯里的灯也不亮")
    with city.db.read() as session:
        assert session.scalar(select(func.count()).where(Turn.role == "body")) == 2


def test_after_an_objection_progress_says_what_follows_and_by_when(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    submitted(talk)
    _served(city, clock)
    assert "请您评价" in talk.say("进度")
    assert "决定是否重办" in talk.say("异议 还是没有水")
    said_so = talk.say("进度")
    assert "您说还没有解决，工作人员正在核对，最晚 11 月 25 日决定怎样处理" in said_so
    assert "请您评价" not in said_so
