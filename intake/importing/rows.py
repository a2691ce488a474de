"""One row of a table as a petition of the past, or the reason why it can't be one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.clock import from_local
from intake.text import title_of

LONGEST_BODY = 20_000
LONGEST_TITLE = 200
LONGEST_ID = 100
_TIME = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?"
    r"(?:[ T]*(\d{1,2})\s*[:：时](?:\s*(\d{1,2})\s*[:：分]?(?:\s*(\d{1,2})(?:\.\d+)?\s*秒?)?)?)?\s*"
    r"(Z|[+-]\d{2}:?\d{2})?"
)


class RowRejected(Exception):
    """A row that can't be taken in; the text is a Chinese sentence that says why."""


@dataclass(frozen=True)
class PastPetition:
    """A petition that was made, and perhaps answered, before the hub. Times are aware."""

    key: str
    user: str
    name: str
    phone: str
    received_at: datetime
    title: str
    body: str
    reply: str
    replied_at: datetime | None
    place: str
    area: str
    office: str
    category: str


def parse(cells: Sequence[str], columns: Mapping[str, int], now: datetime) -> PastPetition:
    """A row's petition. Raises RowRejected: no text, no real time, an answer before its question."""

    def cell(field: str) -> str:
        index = columns.get(field)
        return cells[index].strip().replace("\x00", "") if index is not None and index < len(cells) else ""

    body, title = cell("body"), cell("title")
    if not body and not title:
        raise RowRejected("标题和内容都是空的。")
    if len(body) > LONGEST_BODY:
        raise RowRejected(f"内容有 {len(body)} 字，超过 {LONGEST_BODY} 字。")
    reply = cell("reply")
    if len(reply) > LONGEST_BODY:
        raise RowRejected(f"答复有 {len(reply)} 字，超过 {LONGEST_BODY} 字。")
    received_at = _moment(cell("time"), "时间")
    if received_at > now:
        raise RowRejected("时间在今天之后。")
    replied_at = _moment(cell("reply_time"), "答复时间") if reply and cell("reply_time") else None
    if replied_at is not None and (replied_at < received_at or replied_at > now):
        raise RowRejected("答复时间早于来件时间或在今天之后。")
    return PastPetition(
        key=_key(cell("id"), cells),
        user=cell("user"), name=cell("name"), phone=cell("phone"), received_at=received_at,
        title=(title or title_of(body))[:LONGEST_TITLE], body=body or title, reply=reply, replied_at=replied_at,
        place=cell("place"), area=cell("area"), office=cell("office"), category=cell("category"),
    )  # fmt: skip


def _moment(text: str, what: str) -> datetime:
    """A moment written in one of the usual ways; without a zone it was meant in Asia/Shanghai."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise RowRejected(f"{what}“{text[:30]}”看不懂，应如 2026-01-31 09:30。" if text else f"{what}是空的。")
    *numbers, zone = match.groups()
    try:
        naive = datetime(*(int(number or 0) for number in numbers))  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError as error:
        raise RowRejected(f"{what}“{text[:30]}”不是真实的日期。") from error
    if zone:
        return datetime.fromisoformat(naive.isoformat() + ("+00:00" if zone == "Z" else zone))
    return from_local(naive)


def _key(own: str, cells: Sequence[str]) -> str:
    """What a row is known by: its id, or what stands in it."""
    if own and len(own) <= LONGEST_ID:
        return own
    written = own or "\x1f".join(cells)
    return "row." + hashlib.sha256(written.encode(errors="replace")).hexdigest()[:40]
