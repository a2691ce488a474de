"""The words that steer: only where they stand alone or at the head, never inside a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import ids
from intake.commands import Command, Judgement, has_substance, is_no_more, is_yes, judgement, parse

NUMBER = "261124123456" + ids.check_digit("261124123456")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("进度", Command("progress")),
        (" 查进度！", Command("progress")),
        ("進度", Command("progress")),
        (f"进度 {NUMBER} 12345678", Command("progress", NUMBER, "12345678")),
        (f"进度{ids.grouped(NUMBER)} 1234 5678", Command("progress", NUMBER, "12345678")),
        (f"编号{NUMBER} 查询码12345678", Command("progress", NUMBER, "12345678")),
        (f"{NUMBER},12345678", Command("progress", NUMBER, "12345678")),
        (NUMBER, Command("progress", NUMBER)),
        ("进度 2611240000000 12345678", Command("progress", "2611240000000", "12345678")),
        ("帮助", Command("help")),
        ("？", Command("help")),
        ("HELP", Command("help")),
        ("催办", Command("urge")),
        (f"催办 {NUMBER} 快点", Command("urge", NUMBER, "", "快点")),
        ("补充：还有三栋也没水", Command("add", text="还有三栋也没水")),
        ("补充还有三栋也没水", Command("add", text="还有三栋也没水")),
        ("更正 是22号", Command("correct", text="是22号")),
        ("撤回", Command("withdraw")),
        (f"撤回 {NUMBER}", Command("withdraw", NUMBER)),
        ("评价 满意", Command("rate", text="满意")),
        ("很不满意", Command("rate", text="很不满意")),
        ("异议 没修好", Command("object", text="没修好")),
        ("不同意，还是漏水", Command("object", text="还是漏水")),
        ("取消", Command("cancel")),
        ("新的事 路灯坏了", Command("new", text="路灯坏了")),
        ("退订", Command("stop")),
        ("我要举报", Command("new")),
        ("我想反映一个问题。", Command("new")),
        ("我要反映情况", Command("new")),
        ("你好，我要投诉！", Command("new")),
        ("您好 有件事情想咨询", Command("new")),
        ("投诉", Command("new")),
        ("我要匿名举报", Command("anonymous")),
        ("匿名，我要举报", Command("anonymous")),
    ],
)
def test_commands(text: str, command: Command) -> None:
    assert parse(text) == command


@pytest.mark.parametrize(
    "text",
    [
        "进度怎么这么慢，路灯坏了",
        "查一下为什么停水",
        "恢复供水需要多久",
        "新的小区没有路灯",
        "评价机制不合理",
        "满意度太低了",
        "查询码丢了怎么办",
        "催得很急",
        "撤回上次的诉求吧，已经修好了",
        "算了半天也没算清水费",
        "小区停水了",
        "我要举报城管队长收红包",
        "我要投诉客服",
        "你好，我想反映路灯坏了",
        "匿名，路灯坏了",
        "",
    ],
)
def test_sentences_that_only_begin_like_one(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("停水了", True),
        ("路灯坏了", True),
        ("你好", False),
        ("好的，谢谢", False),
        ("👍👍", False),
        ("12345", False),
        ("", False),
    ],
)
def test_substance(text: str, expected: bool) -> None:
    assert has_substance(text) is expected


def test_yes_and_no_more() -> None:
    assert all(is_yes(text) for text in ("确认", "确认。", "好的", "OK", "１", "可以", "对", "没错", "好了"))
    assert not any(is_yes(text) for text in ("确认一下", "没有", "好的，谢谢"))
    assert all(is_no_more(text) for text in ("没有", "没有了！", "无", "沒有"))
    assert not is_no_more("没有水")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("满意 已解决", Judgement(None, True, 4)),
        ("非常不满意，没有解决，没人联系过我", Judgement(False, False, 1)),
        ("5", Judgement(None, None, 5)),
        ("基本满意，联系过", Judgement(True, None, 3)),
        ("路灯", Judgement(None, None, None)),
    ],
)
def test_judgements(text: str, said: Judgement) -> None:
    assert judgement(text) == said


@given(st.text(max_size=200))
def test_any_text_is_read_without_fault(text: str) -> None:
    command = parse(text)
    assert command is None or command.word
    has_substance(text), judgement(text), is_yes(text)
