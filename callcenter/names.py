"""Words for the codes of the domain, and names for ids, as the desk's pages show them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from organisations.models import Area, Organisation


def offices(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    """The short names of these organisations by id."""
    wanted = {number for number in ids if number is not None}
    query = select(Organisation.id, Organisation.short_name).where(Organisation.id.in_(wanted))
    return {row[0]: row[1] for row in session.execute(query)} if wanted else {}


def area_options(session: Session) -> list[Any]:
    """The areas to choose from: counties with the townships below, the city first."""
    query = select(Area).where(Area.active, Area.level.in_(["city", "county", "township"])).order_by(Area.code)
    areas = list(session.scalars(query))
    below: dict[int | None, list[Area]] = {}
    for area in areas:
        below.setdefault(area.parent_id, []).append(area)
    groups: list[Any] = []
    for area in areas:
        if area.level == "city":
            groups.append((str(area.id), area.name))
        elif area.level == "county":
            options = [(str(area.id), area.name)] + [(str(one.id), one.name) for one in below.get(area.id, [])]
            groups.append((area.name, options))
    return groups


def kinds() -> dict[str, str]:
    """What a call may be."""
    return {
        "new": _("新诉求"),
        "add": _("追加"),
        "urge": _("催办"),
        "enquiry": _("查询"),
        "withdraw": _("撤回"),
        "rate": _("评价"),
        "nuisance": _("骚扰"),
        "silent": _("空号"),
    }


def flags() -> dict[str, str]:
    """需回访, 不需回访, 骚扰电话."""
    return {"needed": _("需回访"), "not_needed": _("不需回访"), "nuisance": _("骚扰电话")}


def results() -> dict[str, str]:
    """How a try to call back ended."""
    return {"reached": _("已接通"), "no_answer": _("无人接听"), "refused": _("拒绝回访"), "wrong_number": _("号码不对")}


def channels() -> dict[str, str]:
    """By which way somebody came."""
    return {
        "hotline": _("来电"), "letter": _("来信"), "visit": _("来访"), "wechat": _("微信"), "sms": _("短信"),
        "web": _("网页"), "import": _("历史导入"), "open311": _("开放接口"), "api": _("开放接口"),
    }  # fmt: skip


def satisfaction(level: int | None) -> str:
    """非常满意 … 非常不满意; nothing for none."""
    words = {5: _("非常满意"), 4: _("满意"), 3: _("基本满意"), 2: _("不满意"), 1: _("非常不满意")}
    return words.get(level or 0, "")


def masked_name(name: str | None) -> str:
    """徐**: the family name alone."""
    return name[0] + "*" * min(len(name) - 1, 3) if name else ""
