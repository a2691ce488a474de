"""How things are shown: times in Asia/Shanghai, numbers, sizes, phones, evidence in a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import flask
from flask_babel import get_locale, gettext

from core import ids
from core.clock import to_local
from core.text.numbers import phone_display
from core.web.context import now

_WEEKDAYS = "一二三四五六日"
_NOTHING = "—"


@dataclass(frozen=True)
class Piece:
    """A run of text and how it is marked: "", "strong" or "weak"."""

    text: str
    mark: str = ""


def _english() -> bool:
    locale = get_locale() if flask.has_request_context() else None
    return locale is not None and locale.language == "en"


def _local(at: datetime | date) -> tuple[date, datetime | None]:
    if isinstance(at, datetime):
        local = to_local(at)
        return local.date(), local
    return at, None


def day(at: datetime | date | None) -> str:
    """11 月 20 日; with the year when it is another."""
    if at is None:
        return _NOTHING
    shown, _time = _local(at)
    other_year = shown.year != to_local(now()).year
    if _english():
        return f"{shown.day} {shown:%b}" + (f" {shown.year}" if other_year else "")
    return (f"{shown.year} 年 " if other_year else "") + f"{shown.month} 月 {shown.day} 日"


def moment(at: datetime | None) -> str:
    """11 月 20 日 18 时, with minutes when there are any."""
    if at is None:
        return _NOTHING
    local = to_local(at)
    if _english():
        return f"{day(at)}, {local:%H:%M}"
    return f"{day(at)} {local.hour} 时" + (f" {local.minute} 分" if local.minute else "")


def stamp(at: datetime | None) -> str:
    """11-20 18:00 as the workbench shows it; with the year when it is another."""
    if at is None:
        return _NOTHING
    local = to_local(at)
    return local.strftime("%m-%d %H:%M" if local.year == to_local(now()).year else "%Y-%m-%d %H:%M")


def weekday(at: datetime | date) -> str:
    """周三."""
    shown, _time = _local(at)
    return f"{shown:%a}" if _english() else f"周{_WEEKDAYS[shown.weekday()]}"


def grouped(number: str | None) -> str:
    """A case number in groups for reading aloud."""
    return ids.grouped(str(number)) if number else _NOTHING


def count(number: int | float | None) -> str:
    """A number with commas."""
    return _NOTHING if number is None else f"{number:,}"


def file_size(size: int | None) -> str:
    """Bytes as kB or MB (thousands, as phones show them)."""
    if size is None:
        return _NOTHING
    if size < 1_000_000:
        return f"{max(1, round(size / 1000))} kB" if size else "0 kB"
    return f"{size / 1_000_000:.1f} MB"


def phone(number: str | None) -> str:
    """A phone number with its middle hidden: 138****2607."""
    return phone_display(number) if number else _NOTHING


def checksum(value: str | None) -> str:
    """The first half of a digest in groups of four."""
    head = (value or "")[:16]
    return " ".join(head[at : at + 4] for at in range(0, len(head), 4))


def said(sentence: str | None) -> str:
    """An error's sentence in the language of the page: whoever raised it knew nothing of languages."""
    return str(gettext(str(sentence))) if sentence else ""


def evidence(text: str, spans: Sequence[Sequence[Any]] = ()) -> list[list[Piece]]:
    """The text as paragraphs of pieces; spans are (start, end) or (start, end, weak). Of overlaps the first wins."""
    paragraphs: list[list[Piece]] = [[]]
    at = 0
    for start, end, mark in _ordered(spans, len(text)):
        start = max(start, at)
        if end > start:
            _add(paragraphs, text[at:start], "")
            _add(paragraphs, text[start:end], mark)
            at = end
    _add(paragraphs, text[at:], "")
    return [pieces for pieces in paragraphs if pieces] or [[]]


def _ordered(spans: Sequence[Sequence[Any]], length: int) -> list[tuple[int, int, str]]:
    found = [(max(0, s[0]), min(length, s[1]), "weak" if len(s) > 2 and s[2] else "strong") for s in spans]
    return sorted(found, key=lambda span: span[0])


def _add(paragraphs: list[list[Piece]], text: str, mark: str) -> None:
    for index, line in enumerate(text.replace("\r\n", "\n").split("\n")):
        if index:
            paragraphs.append([])
        if line:
            paragraphs[-1].append(Piece(line, mark))


def install(app: flask.Flask) -> None:
    """Make the filters known to templates; the macros' names for some of them too."""
    own = (day, moment, stamp, weekday, grouped, count, file_size, phone, checksum, said, evidence)
    app.jinja_env.filters.update({function.__name__: function for function in own})
    app.jinja_env.filters.update(local_date=day, work_time=stamp, number=grouped)
