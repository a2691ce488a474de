"""A request's words made ready to keep: as written, normalised, masked, and the map between them. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cases.operations.masks import without
from core.text.masking import mask, personal_spans
from core.text.normalise import Normalised, normalise
from core.text.numbers import normal_phone

_MARKS = dict(zip("，！？：；（）", ",!?:;()", strict=True))  # what normalising makes of them
TITLE_LENGTH = 30  # of a title made from the text
_SENTENCE = re.compile(r"[。！？!?；;\n]")
_CLAUSE = re.compile(r"[，,、：: ]")
_ENDS = r"[，,、。.！!？?；;：:\s]*"
# What a text opens with before it comes to its matter. "我想" and "我要" only before a word of telling: what somebody
# wants (我想给孩子转学) is the matter itself.
_OPENINGS = re.compile(
    r"^(?:(?:尊敬的|各位)+(?:领导|工作人员|同志|客服)们?|(?:领导|工作人员|同志|客服)们?(?=[，,：:！!]|[您你]?好[，,。！!])|"
    r"[您你]?们?好[啊呀]?(?=[，,。！!：:\s]|请问|我)|请问(?:一下)?|"
    r"(?:我们?|本人)?(?:想要?|要|需要|特来|来)?(?:向[您你]们?)?(?:反映|投诉|咨询|举报)"
    r"(?!电话|热线|信箱|渠道|平台|窗口|无门|[后过了人者箱])(?:一下|一个|一件事|个事)?(?:情况|问题)?的?|"
    r"我们?(?:想要?|要)(?:请问|问问|问|说说|说|了解)(?:一下|下|的是)?)" + _ENDS
)
# A clause in which people say who they are, and what may follow the name or number there.
_WHO = re.compile(r"^(?:我?的?(?:姓名|名字|联系人|联系方式|(?:联系)?电话|手机号?|身份证号?)|我[叫姓是]|本人|我?家?住)")
_CLAUSE_FIRST = re.compile(r"[^，,。！!？?；;\n]*")
_AFTER_NAME = 3
_OWN_PHONE = re.compile(
    r"(?:我的?(?:电话|手机|号码|联系方式)|联系电话|本人电话|联系方式|打我(?:的)?(?:电话|手机)?|联系我|回我电话)"
    r"(?:号码?)?[是为：:， ]{0,3}(\+?[\d][\d \-]{9,16}\d)"
)


@dataclass(frozen=True)
class PreparedText:
    """One request's words. `title`, `body` and `place` are as written; `…_normal` and `…_masked` agree in length.

    `offsets` leads from each normalised field back to the original; a field that is identical is left out, and None
    says that all are.
    """

    title: str
    body: str
    place: str
    title_normal: str
    body_normal: str
    place_normal: str
    title_masked: str
    body_masked: str
    place_masked: str
    offsets: dict[str, Any] | None

    @property
    def all_normal(self) -> str:
        """Title, body and place in one text, for what looks for words."""
        return "\n".join(part for part in (self.title_normal, self.body_normal, self.place_normal) if part)


def prepare(title: str, body: str, place: str = "", declared: Sequence[str] = ()) -> PreparedText:
    """Normalise and mask a request's fields; nothing is lost, the originals stand beside.

    `declared`: the names and numbers given beside the text; they are hidden wherever they stand in it.
    """
    fields = {name: normalise(text) for name, text in (("title", title), ("body", body), ("place", place))}
    originals = {"title": title, "body": body, "place": place}
    masked = {
        name: _punctuated(without(mask(field.text).text, declared), field, originals[name])
        for name, field in fields.items()
    }
    offsets = {name: list(field.offsets) for name, field in fields.items() if field.text != originals[name]}
    return PreparedText(
        title, body, place,
        fields["title"].text, fields["body"].text, fields["place"].text,
        masked["title"], masked["body"], masked["place"],
        offsets or None,
    )  # fmt: skip


def _punctuated(masked: str, field: Normalised, original: str) -> str:
    """The masked text with the Chinese punctuation marks as they were written: people read it, and lengths agree."""
    if not any(mark in _MARKS for mark in original):
        return masked
    return "".join(
        written if _MARKS.get(written := original[field.offsets[at]]) == char else char
        for at, char in enumerate(masked)
    )


def in_original(offsets: Mapping[str, Any] | None, field: str, start: int, end: int) -> tuple[int, int]:
    """Where a range of a normalised field ("title", "body", "place") stands in what was written.

    `offsets` as kept with the submission. Raises ValueError for a range outside.
    """
    kept: Sequence[int] | None = (offsets or {}).get(field)
    if kept is None:
        return start, end
    return Normalised(" " * (len(kept) - 1), kept).to_original(start, end)


def title_of(body: str) -> str:
    """A title for a text without one: its first sentence without greeting and personal data, 30 characters at most."""
    whole = body.strip()
    text = _matter(whole) or whole
    first = next((part.strip() for part in _SENTENCE.split(text) if len(part.strip()) >= 4), text.strip())
    clauses = [match.start() for match in _CLAUSE.finditer(first)]
    personal = next((span.start for span in personal_spans(first)), len(first))
    if personal < len(first):
        first = first[: max((at for at in clauses if at <= personal), default=personal)] or first
    if len(first) <= TITLE_LENGTH:
        return first
    breaks = [at for at in clauses if 8 <= at <= TITLE_LENGTH]
    return first[: breaks[-1]] if breaks else first[:TITLE_LENGTH]


def _matter(text: str) -> str:
    """A text from where it comes to its matter: without greetings, and clauses that only say who writes."""
    while True:
        rest = _OPENINGS.sub("", text)
        clause = _CLAUSE_FIRST.match(rest)
        if clause is not None and _says_who(clause[0]):
            rest = rest[clause.end() :].lstrip("，,。！!？?；; \n")
        if rest == text:
            return text
        text = rest


def _says_who(clause: str) -> bool:
    """Whether a clause holds a name or number of whoever writes, and nothing else."""
    spans = personal_spans(clause) if _WHO.match(clause) else []
    return bool(spans) and len(clause) - max(span.end for span in spans) <= _AFTER_NAME


def own_phone(text: str) -> str:
    """The telephone that the writer calls their own (我的电话是…), or empty; another's number is never taken for it."""
    match = _OWN_PHONE.search(normalise(text).text)
    return (normal_phone(match[1]) or "") if match else ""
