"""Masking personal data in a text of any form, keeping its length so that positions agree with the original.

Errs on the side of masking: a figure too many hidden costs a look at the original, one too few is a leak.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.text import people
from core.text.normalise import simplified
from core.text.numbers import birth_plausible, half_width, id_number_ok, luhn_ok


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of a text and what it holds: phone, id_number, bank_card, plate, email, name, door, …"""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Masked:
    """A text with its personal data as asterisks, of the same length, and where they were."""

    text: str
    spans: tuple[Span, ...]


_GAP = "[ \\-‐-―−·_\u00a0\u200b-\u200f\u2060\ufeff\t]"
_SEP = f"{_GAP}{{0,2}}"
_HAN_DIGIT = "[零〇○一幺二两三四五六七八九]"
_COUNT = "[0-9A-Za-z一二三四五六七八九十百零〇甲乙丙丁]"
_N = rf"(?<!{_COUNT}){_COUNT}{{1,6}}(?:-\d{{1,4}})?\s?"
_FLOOR = rf"(?:\s?{_N}(?:层|楼))?"
_ROOM = rf"(?:\s?{_COUNT}{{1,6}}\s?(?:室|号房?|户(?!人|都|居|业)|房(?!屋|子|产)|(?<=\d{{3}})))?"
_HAN = "[\u4e00-\u9fff]"


def _always(value: str) -> bool:
    return True


def _id_number(value: str) -> bool:
    digits = re.sub("[^0-9Xx]", "", value)
    return id_number_ok(digits) if len(digits) == 18 else birth_plausible(digits)


def _bank_card(value: str) -> bool:
    return luhn_ok(re.sub("[^0-9]", "", value))


def _door(value: str) -> bool:
    """Not "one building", "two buildings": a bare count before 栋 or 幢 is no address."""
    return not re.fullmatch(r"[一两几二三]\s?[栋幢座]", value.strip())


_Rule = tuple[str, re.Pattern[str], Callable[[str], bool]]
_FLAGS = re.IGNORECASE | re.ASCII


def _rule(kind: str, pattern: str, check: Callable[[str], bool] = _always) -> _Rule:
    return kind, re.compile(pattern, _FLAGS), check


# In order: what is matched first is not matched again. Group 1, where there is one, is what is hidden.
_DIGIT_RULES: tuple[_Rule, ...] = (
    _rule("id_number", rf"(?<![\da-z])[1-9](?:{_SEP}\d){{16}}{_SEP}[\dx](?![\da-z])", _id_number),
    _rule("id_number", r"(?:身份证|证件)[^\d\n]{0,12}(?<!\d)([1-9]\d{13,17}[\dx])(?!\d)"),
    _rule("id_number", rf"(?<![\da-z])[1-9](?:{_SEP}\d){{14}}(?![\da-z])", _id_number),
    _rule("bank_card", rf"(?<!\d)[3-9](?:{_SEP}\d){{15,18}}(?!\d)", _bank_card),
    _rule("bank_card", r"(?:银行卡|卡号|账号|帐号)[^\d\n]{0,8}(?<!\d)(\d(?:[ -]?\d){11,21})(?!\d)"),
    _rule("phone", rf"(?<![\d*])(?:(?:\+|00)?86{_SEP})?1{_SEP}[3-9](?:{_SEP}\d){{9}}(?!\d)"),
    _rule("phone", rf"(?<![\d*.])(?:(?:\+|00)86{_SEP})?\(?0?(?:10|2\d|[3-9]\d\d)\)?{_SEP}(?<=[\d)\s-])[2-9]\d{{2,3}}"
                   rf"{_SEP}\d{{4}}(?:-\d{{1,5}})?(?!\d)", lambda value: value.lstrip("(+").startswith("0")
                   or value.startswith(("+86", "0086"))),
    _rule("phone", r"(?:电话|座机|固话|手机|来电|回电|致电)(?:号码?)?\s?[:是为]?\s?([2-9]\d{2,3}[ -]?\d{4})(?!\d)"),
    _rule("phone", r"(?:电话|手机|联系方式)(?:号码?)?\s?[:是为]?\s?(1[3-9]\d(?:[ -]?\d){6,9})(?!\d)"),
    _rule("qq", r"(?<![a-z])(?:qq|扣扣)(?:号码?)?\s?(?:[:是为]|号)?\s?([1-9]\d{4,11})(?!\d)"),
    _rule("passport", r"(?<![a-z0-9])(?:[egdsp]\d{8}|e[a-hj-np-z]\d{7}|[hm]\d{8}(?:\d{2})?)(?![a-z0-9])"),
    _rule("passport", r"护照(?:号码?)?\s?[:是为]?\s?([a-z0-9]{7,12})(?![a-z0-9])"),
    _rule("plate", r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使][a-hj-np-z][ ·•.-]?"
                   r"(?=[a-z]{0,5}\d)[a-hj-np-z0-9]{4,5}[a-hj-np-z0-9挂学警港澳](?![a-z0-9])"),
)  # fmt: skip
_OTHER_RULES: tuple[_Rule, ...] = (
    _rule("wechat", r"(?:微信|薇信|v信|wechat|(?<![a-z])[vw]x)(?:号码?|id)?\s?(?:[:是为]|号)?\s?"
                    r"(?=[a-z0-9])([a-z][\w-]{5,19}|\d{5,12})(?![\w-])"),
    _rule("door", rf"{_N}(?:栋|幢|座(?!谈|位|机|城|桥|山)|号楼|#楼)(?:\s?{_N}(?:单元|门(?!口|面|店)|梯))?"
                  rf"{_FLOOR}{_ROOM}", _door),
    _rule("door", rf"{_N}单元{_FLOOR}{_ROOM}"),
    _rule("door", r"(?<![\da-z])(?:\d{1,3}[-－]){1,3}\d{3,4}室?(?![\d-])(?<=室)|(?<![\da-z])[a-z]?\d{3,4}室"),
)  # fmt: skip
_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]++@[a-z0-9-]++(?:\.[a-z0-9-]++)+", _FLAGS)
_HAN_PHONE = re.compile(f"(?<!{_HAN_DIGIT})[一幺][三四五六七八九]{_HAN_DIGIT}{{9}}(?!{_HAN_DIGIT})")

_TOLD = "我叫|我名叫|名叫|我的名字[是叫]|我姓名是|本人姓名"
_LABEL = (
    "姓名|名字|联系人|反映人|反应人|投诉人|举报人|申请人|来电人|来信人|求助人|当事人|信访人|上访人|委托人|代理人|代办人|"
    "报警人|户主|业主|车主|房主|机主|本人|署名|落款|患者|学生|死者|伤者|收件人|经办人|收款人|开户人|户名"
)
_NEAR = (
    "我是|本人是|本人|业主|户主|车主|房主|户主是|村民|居民|市民|联系人|反映人|投诉人|举报人|申请人|当事人|"
    "丈夫|妻子|老公|老婆|父亲|母亲|儿子|女儿"
)
_SURNAME = f"(?:{'|'.join(people.COMPOUND)}|[{''.join(sorted(people.SURNAMES))}])"
_GIVEN = f"[^\\W\\d_a-zA-Z{''.join(sorted(people.NOT_GIVEN))}]"
_END = (
    r"(?=$|[\s,.;:!?、。，；：！？()（）\[\]【】《》“”\"'/|*\d+-]|电话|手机|身份证|联系|先生|女士|师傅|老师|同志|男[,，]|女[,，]|"
    r"住|家住|系|是|现|今年|于|在|反映|投诉|举报|的|我|为|因|及|和|与|来电|来信|称)"
)
_CUED_NAME = re.compile(f'(?:{_TOLD})(?:是|做)?[ :"“]?({_SURNAME}{_GIVEN}{{1,2}})')
_LABELLED_NAME = re.compile(
    f"(?:{_LABEL}|我叫|我是)[ \t]?[:：=][ \t]{{0,3}}"
    f"({_SURNAME}{_GIVEN}{{1,2}}|{_HAN}{{2,4}}(?:·{_HAN}{{1,8}}){{0,3}}{_END})"
)
_NEAR_NAME = re.compile(f"(?:{_NEAR})(?:是|为)?[ ]?({_SURNAME}{_GIVEN}{{1,2}}?){_END}")
_DOTTED_NAME = re.compile(f"(?:{_TOLD}|我是|本人)[ :]?({_HAN}{{2,6}}(?:·{_HAN}{{1,8}}){{1,3}}?){_END}")
_SPACED_NAME = re.compile(f"(?:{_LABEL})[ \t]?[:：][ \t]{{0,3}}({_SURNAME}[ ]{_GIVEN})(?=[\\s,.;，。；]|$)")
_DIGIT = re.compile(r"\d")
_NAME_CUE = re.compile(f"{_TOLD}|{_LABEL}|{_NEAR}")
_OTHER_CUE = re.compile(r"[栋幢座室号]|单元|微信|薇信|v信|wechat|wx|vx", _FLAGS)


def mask(text: str) -> Masked:
    """The text with telephones, identity, bank-card, passport and plate numbers, e-mail and chat accounts, names after
    words that announce one, and door numbers as asterisks; masking it again changes nothing."""
    spans: list[Span] = []
    while found := _find(text):
        text = _starred(text, found)
        spans.extend(found)
    return Masked(text, tuple(sorted(spans, key=lambda span: span.start)))


def personal_spans(text: str) -> tuple[Span, ...]:
    """Where personal data stands in a text, in order, none overlapping."""
    return mask(text).spans


def _starred(text: str, spans: list[Span]) -> str:
    pieces: list[str] = []
    at = 0
    for span in spans:
        pieces += (text[at : span.start], "*" * (span.end - span.start))
        at = span.end
    return "".join((*pieces, text[at:]))


def _find(text: str) -> list[Span]:
    """The spans of one pass, in order, none overlapping."""
    shadow = simplified(half_width(text))
    found: list[Span] = []
    taken = bytearray(len(text))
    for span in _candidates(shadow):
        if span.end > span.start and not any(taken[span.start : span.end]):
            taken[span.start : span.end] = b"\x01" * (span.end - span.start)
            found.append(span)
    return sorted(found, key=lambda span: span.start)


def _candidates(shadow: str) -> Iterator[Span]:
    if "@" in shadow:
        for match in _EMAIL.finditer(shadow):
            yield Span(*match.span(), "email")
    rules = (_DIGIT_RULES if _DIGIT.search(shadow) else ()) + (_OTHER_RULES if _OTHER_CUE.search(shadow) else ())
    for kind, pattern, check in rules:
        for match in pattern.finditer(shadow):
            start, end = match.span(pattern.groups)
            start, end = _trim(shadow, start, end)
            if start < end and check(shadow[start:end]):
                yield Span(start, end, kind)
    for match in _HAN_PHONE.finditer(shadow):
        yield Span(*match.span(), "phone")
    if _NAME_CUE.search(shadow):
        yield from _names(shadow)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[end - 1] in " \t":
        end -= 1
    return start, end


def _names(shadow: str) -> Iterator[Span]:
    for pattern in (_DOTTED_NAME, _SPACED_NAME, _LABELLED_NAME, _CUED_NAME, _NEAR_NAME):
        for match in pattern.finditer(shadow):
            if _is_name(match[1], pattern, shadow, match.end(1)):
                yield Span(*match.span(1), "name")


def _is_name(name: str, pattern: re.Pattern[str], shadow: str, end: int) -> bool:
    if name in people.NOBODY or name[:2] in people.NOT_NAMES or set(name) == {"某"}:
        return False
    if pattern is _CUED_NAME:
        return name[0] not in people.CALLED
    if pattern is _NEAR_NAME:
        return name[0] not in people.EVERYDAY and name[-1] not in "区县市镇乡村街路苑店厂校院园城楼组社队局人员户家民生"
    return True
