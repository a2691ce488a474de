"""The words by which a sender steers: 进度 帮助 催办 撤回 补充 评价 and the like. Pure and fast.

The word lists are data; a word counts as a command only where it stands alone or at the head, never inside a sentence.
"""

# ruff: noqa: SIM905 - a list of words reads better as words.
from __future__ import annotations

import re
from dataclasses import dataclass

from core import ids
from core.text.normalise import normalise

# command: the words that give it, longest first where one begins like another.
WORDS: dict[str, tuple[str, ...]] = {
    "progress": ("查询进度", "办理进度", "我的进度", "查进度", "查询", "进度", "进展", "查"),
    "help": ("使用帮助", "怎么用", "帮助", "菜单", "功能", "help", "?"),
    "urge": ("我要催办", "催一下", "催一催", "催办", "催单", "催促", "催"),
    "withdraw": ("我要撤回", "撤回诉求", "申请撤回", "撤回", "撤销", "撤诉"),
    "correct": ("更正", "改正"),
    "add": ("补充材料", "补充", "追加"),
    "object": ("有异议", "不同意", "不认可", "异议"),
    "rate": ("我要评价", "评价", "打分"),
    "cancel": ("取消", "不反映了", "不提交了", "算了"),
    "new": (
        "新的事情",
        "新的事",
        "新诉求",
        "新事项",
        "新事",
        "另一件事",
        "另外一件事",
        "我要反映",
        "我要投诉",
    ),  # and what _OPENING fits
    "stop": ("退订", "td"),
    "start": ("恢复接收", "恢复"),
    "person": ("转人工服务", "转人工客服", "人工服务", "人工客服", "转人工", "找人工", "人工", "客服"),
    "anonymous": (
        "我要匿名反映",
        "我想匿名反映",
        "我要匿名投诉",
        "我想匿名投诉",
        "我要匿名举报",
        "我想匿名举报",
        "我要匿名",
        "我想匿名",
        "匿名反映",
        "匿名投诉",
        "匿名举报",
        "匿名",
    ),
    "confidential": ("实名保密", "请为我保密", "请替我保密", "请给我保密", "我要保密", "请保密", "要保密", "保密"),
    "named": ("我要实名", "改为实名", "不用保密", "不保密", "实名"),
    "thanks": (),  # see _THANKS
}
# These take what follows them as their text; the others must stand alone, but for a number and a code.
_WITH_TEXT = frozenset({"urge", "add", "correct", "object", "rate", "new"})
# What follows one of these directly, without a mark, is still its text.
_GLUED = frozenset({"add", "correct"})
_THANKS = re.compile(
    r"(?:好的?|嗯+|哦+|收到|知道了|明白了?|行|可以|非常|十分|真的|太|[,，。!！~ ])*"
    r"(?:谢谢|感谢|多谢|谢了|辛苦)(?:谢谢|您们?|你们?|大家|了|啦|哦|啊|领导|[,，。!！~ ])*"
)
# Phrases in a text by which its writer asks for silence; that the word stands somewhere is not enough.
_ANONYMOUS = re.compile(r"(?:我|请|想|要求?|希望|申请)[^,，。;；!！?？]{0,4}匿名|匿名(?:举报|反映|投诉)")
_CONFIDENTIAL = re.compile(
    r"(?:请|希望|务必|要求|麻烦)[^,，。;；!！?？]{0,12}(?:保密|不要(?:透露|泄露|泄漏|告诉))|"
    r"(?:不要|别|请勿)(?:透露|泄露|泄漏|公开)(?:我|举报人|反映人|本人|投诉人)|为我(?:的身份)?保密"
)
_YES = frozenset(
    """
    确认 确定 提交 确认提交 确认无误 是 是的 对 对的 对了 好 好的 好了 可以 可以的 可以了 行 没错
    没问题 无误 正确 ok yes y 1
    """.split()
)
_NO_MORE = frozenset(
    """
    没有 没有了 没了 无 不用 不用了 不需要 没 没有补充 无补充 没有要补充的 就这些 就这样 完了 否 不 no n 1
    """.split()
)
_TAKE_BACK = frozenset(
    "确认 确定 是 是的 对 对的 yes y 确认撤回 确定撤回 我确认 我确定 确认撤销 确定撤销 要撤回 是撤回".split()
)
_KEEP = frozenset("取消 算了 不撤回 不撤回了 不撤了 不要撤回 先不撤回 继续办理 不是".split())
_CHANGE = frozenset("修改 重写 重来 改 不对 有误 错了".split())
_GREETING = re.compile(
    r"(?:[您你]们?好|大家好|早上好|上午好|中午好|下午好|晚上好|早安|晚安|哈喽|哈啰|嗨|嘿|hello|hi|hey|在吗|在么|在不在|有人吗|"
    r"谢谢[您你]?|多谢|感谢|辛苦了?|再见|拜拜|收到|知道了|明白了?|好的|好|嗯+|哦+|啊+|请问|麻烦|客服|人工|领导|"
    r"师傅|同志|老师|先生|女士|ok|测试|test|[12345])",
    re.IGNORECASE,
)
# That somebody wants to report something, without a word of what; with a greeting before it or not.
_OPENING = re.compile(
    rf"(?:{_GREETING.pattern}|[,，。.!！~、 \n])*(?:我们?|本人)?"
    r"(?:有(?:点|些|个|件)?(?:事情?|问题|情况))?(?:需要|想要|要|想|来)?"
    r"(?:反映|反应|投诉|举报|检举|控告|咨询|求助|信访|报修|提(?:个|点|一个|一点)?(?:意见|建议))"
    r"(?:一?[个件下些点])?(?:问题|情况|事情?|诉求)?[了吗呢啊吧呀]?(?:[,，。.!！~ ]*谢谢[您你]?)?",
    re.IGNORECASE,
)
CONCEALING = frozenset({"anonymous", "confidential", "named"})
_WORDY = re.compile(r"[\u3400-\u9fffa-z0-9]", re.IGNORECASE)
_HAN_OR_LETTER = re.compile(r"[\u3400-\u9fffa-z]", re.IGNORECASE)
_WORDY_HAN = re.compile(r"[\u3400-\u9fffa-z]")
_ENDS = " \n\t,.;:!、，。；：！~…\"'“”‘’()[]【】《》"
_SUBSTANCE = 3  # characters left when greetings are taken out
_DIGITS = re.compile(r"\d[\d \-]*")
_NUMBER = re.compile(r"^[编号:： 是]*((?:\d[ \-]?){13})(?:[^\d]{0,8}((?:\d[ \-]?){8})(?!\d))?")

_SATISFACTION = (
    (re.compile(r"非常不满意|很不满意|极不满意|特别不满意"), 1),
    (re.compile(r"不太?满意"), 2),
    (re.compile(r"基本满意|一般|还行|还可以"), 3),
    (re.compile(r"非常满意|很满意|十分满意|特别满意"), 5),
    (re.compile(r"满意"), 4),
)
_UNSOLVED = re.compile(r"(?:没有?|未|还没)(?:得到)?(?:解决|办好|处理好)")
_SOLVED = re.compile(r"(?:解决|办好|处理好)了?")
_NOT_CALLED = re.compile(r"(?:没有?|未|没人)联系")
_CALLED = re.compile(r"联系(?:过|了)|已联系")
_BARE_RATING = re.compile(
    r"(?:[非常很十分特别极不太基本]{0,4}满意|(?:已|未|没有?|还没)(?:得到)?解决了?|解决了)[,，。 !]*"
)


@dataclass(frozen=True)
class Command:
    """A word of WORDS with what stood behind it; `number` is checked, `code` eight digits, `text` what is left."""

    word: str
    number: str = ""
    code: str = ""
    text: str = ""


@dataclass(frozen=True)
class Judgement:
    """What a citizen says of an answer; None where they did not say. `satisfaction` from 1 (very bad) to 5."""

    contacted: bool | None
    resolved: bool | None
    satisfaction: int | None


NOTHING_SAID = Judgement(None, None, None)


def parse(text: str) -> Command | None:
    """The command in a message, or None when it is none."""
    clean = _clean(text)
    for word, names in WORDS.items():
        for name in names:
            if clean.startswith(name):
                command = _command(word, name, clean[len(name) :])
                if command is not None:
                    return command
    if _THANKS.fullmatch(clean):
        return Command("thanks")
    if _OPENING.fullmatch(clean):
        return Command("new")
    number, code, rest = _numbers(clean)
    if number and not rest:
        return Command("progress", number, code)
    if _BARE_RATING.fullmatch(clean):
        return Command("rate", text=clean)
    return None


def disclosure_of(text: str) -> str:
    """What a text asks for about its writer: anonymous, confidential, or empty when it asks for nothing."""
    clean = normalise(text).text
    if _ANONYMOUS.search(clean):
        return "anonymous"
    return "confidential" if _CONFIDENTIAL.search(clean) else ""


def is_yes(text: str) -> bool:
    """Whether a message only says yes."""
    return _clean(text) in _YES


def is_no_more(text: str) -> bool:
    """Whether a message only says that there is nothing to add."""
    return _clean(text) in _NO_MORE


def is_take_back(text: str) -> bool:
    """Whether a message plainly confirms that a submission is to be taken back; politeness (好的) does not."""
    return _clean(text) in _TAKE_BACK


def is_keep(text: str) -> bool:
    """Whether a message says that nothing is to be taken back."""
    return _clean(text) in _KEEP or is_no_more(text)


def is_change(text: str) -> bool:
    """Whether a message asks to write it anew."""
    return _clean(text) in _CHANGE


def has_substance(text: str) -> bool:
    """Whether a message tells of anything: not a greeting, thanks, a lone number, emoji."""
    left = _GREETING.sub("", normalise(text).text)
    return len(_WORDY.findall(left)) >= _SUBSTANCE and len(_HAN_OR_LETTER.findall(left)) >= 2


def judgement(text: str) -> Judgement:
    """Contacted, resolved, satisfied, as far as the words say."""
    clean = _clean(text)
    satisfaction = next((value for pattern, value in _SATISFACTION if pattern.search(clean)), None)
    alone = re.search(r"(?<!\d)([1-5])(?:分|星)?(?!\d)", clean)
    if satisfaction is None and alone:
        satisfaction = int(alone[1])
    resolved = False if _UNSOLVED.search(clean) else True if _SOLVED.search(clean) else None
    contacted = False if _NOT_CALLED.search(clean) else True if _CALLED.search(clean) else None
    return Judgement(contacted, resolved, satisfaction)


def _clean(text: str) -> str:
    return normalise(text).text.strip(_ENDS).casefold() or normalise(text).text.strip()


def _command(word: str, name: str, rest: str) -> Command | None:
    """The command when what stands behind its word fits; None when the word only begins a sentence."""
    number, code, left = _numbers(rest)
    if not left:
        return Command(word, number, code)
    if word in CONCEALING and _OPENING.fullmatch(left):
        return Command(word)
    if word == "progress" and not _WORDY_HAN.search(rest):
        # Not a number of ours: to be answered, and counted, like any that does not fit.
        digits = "".join(_DIGITS.findall(rest)).replace(" ", "").replace("-", "")
        return Command(word, digits[:13], digits[13:]) if digits else None
    if word not in _WITH_TEXT:
        return None
    glued = rest[:1] not in _ENDS and not number
    if glued and word not in _GLUED and not (word == "rate" and judgement(left) != NOTHING_SAID):
        return None
    if glued and len(name) == 1:
        return None
    return Command(word, number, code, left)


def _numbers(text: str) -> tuple[str, str, str]:
    """A number with its check digit and a code at the head of a text, and what is left of it."""
    text = text.strip(_ENDS)
    match = _NUMBER.match(text)
    if match is None:
        return "", "", text
    number = ids.clean_number(match[1].strip()) or ""
    if not number:
        return "", "", text
    code = "".join(_DIGITS.findall(match[2])).replace(" ", "").replace("-", "") if match[2] else ""
    return number, code, text[match.end() :].strip(_ENDS)
