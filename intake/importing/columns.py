"""Which column is what: the usual Chinese and English names, or as the person says with --map."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from flask_babel import gettext as _

from core.errors import Invalid

# field: the names it goes by, compared without spaces, marks and case
_USUAL = {
    "id": "id 编号 序号 留言编号 信访编号 信件编号 工单号 工单编号 rowid caseid ticketid",
    "user": "user 用户 留言用户 用户名 userid username nickname",
    "name": "name 姓名 反映人 联系人 来电人 信访人 来信人 投诉人",
    "phone": "phone 电话 手机 手机号 联系电话 联系方式 来电号码 mobile tel",
    "time": (
        "time 时间 留言时间 来信时间 来信日期 来电时间 登记时间 受理时间 反映时间 提交时间 日期 created createdat date"
    ),
    "title": "title 标题 主题 留言主题 来信标题 来信主题 诉求标题 subject",
    "body": "body 内容 详情 留言详情 留言内容 来信内容 反映内容 诉求内容 问题描述 content text description",
    "reply": "reply 答复 答复意见 回复 答复内容 回复内容 办理结果 办理情况 answer",
    "reply_time": "replytime 答复时间 回复时间 办结时间 answeredat closedat",
    "place": "place 地址 地点 事发地址 事发地点 问题地点 address location",
    "area": "area 区域 所属区域 辖区 区县 district",
    "office": "office 承办单位 主办单位 答复单位 回复单位 signedby organisation department",
    "category": "category 一级标签 分类 内容分类 level1",
}
NAMES: dict[str, tuple[str, ...]] = {field: tuple(names.split()) for field, names in _USUAL.items()}
REQUIRED = ("time", "body")
_IGNORED = re.compile(r"[\s_\-./()（）:：*]+")


def folded(name: str) -> str:
    """A column's name without spaces, marks and case."""
    return _IGNORED.sub("", name.strip().lstrip("\ufeff")).casefold()


def recognise(header: Sequence[str], mapping: Mapping[str, str] | None = None) -> dict[str, int]:
    """The position of each field in a header; `mapping` (field -> the file's own name) goes before the usual names.

    Raises Invalid when a mapped column is not there, or a required field can't be found.
    """
    positions = {folded(name): index for index, name in reversed(list(enumerate(header))) if folded(name)}
    found: dict[str, int] = {}
    for field, name in (mapping or {}).items():
        if field not in NAMES:
            raise Invalid(
                {"map": _("没有“%(field)s”这个字段，可用的有：%(names)s。", field=field, names=", ".join(NAMES))}
            )
        if folded(name) not in positions:
            raise Invalid({"map": _("表头里没有“%(name)s”这一列，请核对 --map。", name=name)})
        found[field] = positions[folded(name)]
    for field, names in NAMES.items():
        if field not in found:
            known = next((positions[name] for name in map(folded, names) if name in positions), None)
            if known is not None and known not in found.values():
                found[field] = known
    missing = [field for field in REQUIRED if field not in found]
    if missing:
        wanted = ", ".join(f"{field} “{NAMES[field][1]}”" for field in missing)
        raise Invalid({"header": _("表头里没有找到必需的列：%(wanted)s。可以用 --map %(first)s=列名 指定。",
                                   wanted=wanted, first=missing[0])})  # fmt: skip
    return found


def ignored(header: Sequence[str], found: Mapping[str, int]) -> tuple[str, ...]:
    """The names of the columns that no field was found for, in their order."""
    taken = set(found.values())
    return tuple(name.strip() for at, name in enumerate(header) if name.strip() and at not in taken)
