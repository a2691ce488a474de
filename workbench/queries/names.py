"""Names for ids and codes: organisations, areas and people in one query each, words for the codes of the domain."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from organisations.models import Account, Area, Organisation, Term


def organisations(session: Session, ids: Iterable[int | None], *, short: bool = True) -> dict[int, str]:
    """The names of these organisations by id, the short ones unless asked otherwise."""
    wanted = {number for number in ids if number is not None}
    if not wanted:
        return {}
    column = Organisation.short_name if short else Organisation.name
    return {
        row[0]: row[1] for row in session.execute(select(Organisation.id, column).where(Organisation.id.in_(wanted)))
    }


def areas(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    """The names of these areas by id."""
    wanted = {number for number in ids if number is not None}
    if not wanted:
        return {}
    return {row[0]: row[1] for row in session.execute(select(Area.id, Area.name).where(Area.id.in_(wanted)))}


def accounts(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    """The names of these members of staff by id."""
    wanted = {number for number in ids if number is not None}
    if not wanted:
        return {}
    return {row[0]: row[1] for row in session.execute(select(Account.id, Account.name).where(Account.id.in_(wanted)))}


def terms(session: Session, kind: str) -> list[tuple[str, str]]:
    """The words of a dictionary that staff choose from, as (code, name) in order."""
    query = select(Term.code, Term.name).where(Term.kind == kind, Term.active).order_by(Term.position, Term.id)
    return [(row[0], row[1]) for row in session.execute(query)]


def channel(code: str | None) -> str:
    """网页, 微信 …"""
    words: dict[str, str] = {
        "web": _("网页"),
        "wechat": _("微信"),
        "sms": _("短信"),
        "hotline": _("热线"),
        "phone": _("热线"),
        "letter": _("信件"),
        "visit": _("来访"),
        "import": _("历史导入"),
        "open311": _("开放接口"),
        "api": _("开放接口"),
    }
    return words.get(code or "", code or "—")


def disclosure(code: str | None) -> str:
    """实名, 实名保密, 匿名."""
    words: dict[str, str] = {"named": _("实名"), "confidential": _("实名保密"), "anonymous": _("匿名")}
    return words.get(code or "", "—")


def track(code: str) -> str:
    """热线 or 信访."""
    words: dict[str, str] = {"hotline": _("热线"), "petition": _("信访")}
    return words.get(code, code)


def danger(code: str | None) -> str:
    """What threatens life."""
    words: dict[str, str] = {"gas": _("燃气泄漏"), "fire": _("火灾"), "collapse": _("坍塌"), "life": _("生命危险")}
    return words.get(code or "", str(_("危险")) if code else "")


def party_role(code: str) -> str:
    """反映人, 联系人 …"""
    words: dict[str, str] = {
        "reporter": _("反映人"),
        "contact": _("联系人"),
        "agent": _("代办人"),
        "joint": _("联名人"),
        "representative": _("代表"),
        "callback": _("回访人"),
        "unit_concerned": _("涉及单位"),
        "accused": _("被检举对象"),
        "responsible_unit": _("责任单位"),
        "responsible_person": _("责任人"),
    }
    return words.get(code, code)


def satisfaction(level: int | None) -> str:
    """非常满意 … 非常不满意; 未评价 for none."""
    words: dict[int, str] = {5: _("非常满意"), 4: _("满意"), 3: _("基本满意"), 2: _("不满意"), 1: _("非常不满意")}
    return words.get(level or 0, str(_("未评价")))


def yes_no(value: bool | None) -> str:
    """是, 否, 不清楚."""
    return str(_("不清楚") if value is None else _("是") if value else _("否"))


def clock_kind(kind: str) -> str:
    """签收, 办理 …"""
    words: dict[str, str] = {
        "sign": _("签收"),
        "handle": _("办理"),
        "review": _("分流复核"),
        "promise": _("答复承诺"),
        "decide": _("登记受理"),
        "danger": _("险情响应"),
        "return": _("退回期限"),
        "ask_citizen": _("等群众补充"),
        "ask": _("等群众确认"),
        "register": _("登记"),
        "accept": _("受理"),
        "petition_review": _("复查"),
        "re_examination": _("复核"),
        "settle": _("不满意后的决定"),
        "silence": _("未回应后的回访"),
        "call_back": _("回访"),
    }
    return words.get(kind, kind)


def category(*levels: str | None) -> str:
    """环境保护 › 环境污染 › 噪音污染."""
    return " › ".join(level for level in levels if level) or str(_("未分类"))


def request_kind(kind: str) -> str:
    """延期, 挂起, 退回."""
    words: dict[str, str] = {"extension": _("延期"), "suspension": _("挂起"), "return": _("退回")}
    return words.get(kind, kind)
