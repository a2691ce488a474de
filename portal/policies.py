"""The time limits that pages speak of, read from the policies in force: no figure stands in a template."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.models import DeadlinePolicy, PolicySet


@dataclass(frozen=True)
class Terms:
    """The limits of a track in words, each "" where no policy says one."""

    sign: str = ""
    promise: str = ""
    handle: str = ""
    decide: str = ""
    ask: str = ""
    review: str = ""
    re_examination: str = ""
    extension: str = ""


def terms(session: Session, track: str) -> Terms:
    """The general limits of a track (not those for urgent cases or one nature) in the active policy set."""
    query = (
        select(DeadlinePolicy)
        .join(PolicySet, PolicySet.code == DeadlinePolicy.policy_set)
        .where(PolicySet.active, DeadlinePolicy.ended_at.is_(None), DeadlinePolicy.track == track)
        .where(DeadlinePolicy.nature == "", DeadlinePolicy.urgent.is_(False))
        .order_by(DeadlinePolicy.version)
    )
    rows = {row.kind: row for row in session.scalars(query)}
    handle = rows.get("handle")
    words = {kind: in_words(row.unit, row.amount) for kind, row in rows.items()}
    more = in_words(handle.unit, handle.extension_max) if handle and handle.extension_max else ""
    names = ("sign", "promise", "handle", "decide", "ask", "review", "re_examination")
    return Terms(**{name: words.get(name, "") for name in names}, extension=more)


def in_words(unit: str, amount: int) -> str:
    """A limit as people say it: 4 个工作小时, 7 个工作日, 15 天."""
    if unit == "working_minutes":
        return _("%(n)s 个工作小时", n=amount // 60) if amount % 60 == 0 else _("%(n)s 个工作分钟", n=amount)
    if unit == "elapsed_minutes":
        return _("%(n)s 小时", n=amount // 60) if amount % 60 == 0 else _("%(n)s 分钟", n=amount)
    return _("%(n)s 个工作日", n=amount) if unit == "working_days" else _("%(n)s 天", n=amount)
