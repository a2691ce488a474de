"""What was sent on a channel beside words (pictures, recordings, films, files, links): kept raw with its delivery.

The hub does not fetch it from the provider: staff are told that it is there, and how the citizen can hand it in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from intake.models import Dialogue, Turn

_KINDS = ("picture", "voice", "video", "file", "link")


@dataclass(frozen=True)
class Held:
    """How much of each kind was sent, and the deliveries that keep it (for `hub replay` and whoever runs the hub)."""

    count: Counter[str]
    deliveries: tuple[int, ...]

    def __str__(self) -> str:
        """图片 2 件、语音 1 件."""
        return _said(self.count)


def materials(session: Session, dialogue: Dialogue) -> int:
    """How many messages with files or links the dialogue holds."""
    return session.scalar(select(func.count()).where(Turn.dialogue_id == dialogue.id, _carries())) or 0


def references(session: Session, dialogue: Dialogue) -> list[str]:
    """Where the files lie, a line each: kind, the provider's id, and the delivery that keeps the raw message."""
    return [
        f"{turn.kind} {turn.reference or turn.text or ''} delivery={turn.delivery_id}"
        for turn in _turns(session, dialogue)
    ]


def line(session: Session, dialogue: Dialogue) -> str:
    """One line for the words that the files go with; empty when there are none."""
    count = _count(_turns(session, dialogue))
    return _("（另发来%(what)s，已原样留存）", what=_said(count)) if count else ""


def of_submissions(session: Session, submission_ids: Sequence[int]) -> dict[int, Held]:
    """What is held of each submission, in its dialogues and in what was added later."""
    joined = select(Turn, Dialogue.submission_id).outerjoin(Dialogue, Dialogue.id == Turn.dialogue_id)
    query = joined.where(or_(Turn.submission_id.in_(submission_ids), Dialogue.submission_id.in_(submission_ids)))
    found: dict[int, list[Turn]] = {}
    for turn, of_dialogue in session.execute(query.where(_carries()).order_by(Turn.at, Turn.id)):
        found.setdefault(turn.submission_id or of_dialogue, []).append(turn)
    return {one: Held(_count(turns), tuple(turn.delivery_id for turn in turns)) for one, turns in found.items()}


def _carries() -> ColumnElement[bool]:
    return or_(Turn.role == "material", Turn.reference_sealed.is_not(None))


def _turns(session: Session, dialogue: Dialogue) -> list[Turn]:
    query = select(Turn).where(Turn.dialogue_id == dialogue.id, _carries()).order_by(Turn.at, Turn.id)
    return list(session.scalars(query))


def _count(turns: Sequence[Turn]) -> Counter[str]:
    count: Counter[str] = Counter()
    for turn in turns:
        kind = turn.kind if turn.kind in _KINDS else "file"
        count[kind] += max(1, len((turn.reference or "").splitlines()))
    return count


def _said(count: Counter[str]) -> str:
    names = {"picture": _("图片"), "voice": _("语音"), "video": _("视频"), "file": _("文件"), "link": _("链接")}
    return "、".join(_("%(what)s %(count)s 件", what=names[kind], count=count[kind]) for kind in _KINDS if count[kind])
