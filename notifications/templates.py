"""The wording of notices: what happened, what happens next, by when. Plain names in braces are filled in; no code runs.

An administrator's row (NoticeTemplate) goes before the sentence that ships.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from notifications.models import NoticeTemplate

SERVICE = "12345热线"
FIELDS = {
    "number": "编号",
    "office": "承办单位",
    "day": "期限（几月几日）",
    "text": "答复或问题的正文",
    "service": "热线名称",
}

# The template of each event that a citizen hears of, and of what else is sent.
SHIPPED: dict[str, str] = {
    "accepted": "【{service}】您的诉求 {number} 已受理。最晚 {day} 前答复您；回复“进度”可随时查看。",
    "assigned": "【{service}】您的诉求 {number} 已转给{office}办理，最晚 {day} 前答复您。",
    "forwarded": "【{service}】您的诉求 {number} 已转送{office}，由该单位依照职责处理并与您联系。",
    "citizen_asked": "【{service}】办理您的诉求 {number} 还需要了解：{text} 请直接回复，或在网上“查进度”里补充。",
    "extension_granted": "【{service}】您的诉求 {number} 情况复杂，经批准延期办理，新的答复时间最晚是 {day}。",
    "suspended": "【{service}】您的诉求 {number} 因客观原因暂停办理，恢复后会接着办；答应您的答复时间不变。",
    "answer_served": "【{service}】您的诉求 {number} 有答复了：{text} 满意与否请回复“评价”，不认可请回复“不同意”。",
    "answered_directly": "【{service}】您的诉求 {number} 的答复：{text}",
    "refused": "【{service}】您的诉求 {number} 按规定不予受理：{text}",
    "guided": "【{service}】您的诉求 {number} 应通过其他途径解决：{text}",
    "lapsed": "【{service}】您的诉求 {number} 因到期没有收到补充，已终结：{text} 您仍可补齐后重新提交，或拨打 12345。",
    "reopened": "【{service}】您的诉求 {number} 已重新办理，最晚 {day} 前答复您。",
    "dialogue_left": "【{service}】您上次说的事还没有提交。接着回复就可以办完；不回复的话，话务员会联系您。",
    "late_answer": "{text}",
    "red_card": "【{service}】办件 {number} 已超期，{office}收到红牌，请登录工作台尽快处理。",
    "danger": "【{service}】办件 {number} 涉及人身安全，请立即登录工作台处置。",
}
# Those that go to staff as a duty of theirs: no citizen gets them, and STOP does not hold them back.
TO_STAFF = frozenset({"red_card", "danger"})

# What stands on the page of staff.
STAFF_KINDS: dict[str, str] = {
    "assigned": "有新的交办件待签收",
    "returned": "有办件被退回",
    "fed_back": "有反馈待认定",
    "sent_back": "反馈被退回，请重新办理",
    "requested": "有申请待审批",
    "decided": "您的申请已有结果",
    "urged": "群众催办",
    "pressed": "督办催办，请尽快办理",
    "accusation": "可能是检举控告，等您认定",
    "no_reader": "有一件可能的检举控告没有人可以受理，请把检举控告受理人的角色分配给不相关单位的人员",
    "added": "群众补充了材料",
    "objected": "群众对答复有异议",
    "citizen_silent": "群众到期没有补充，请决定怎么办",
    "reminder": "办件即将到期",
    "yellow": "办件收到黄牌",
    "red": "办件收到红牌",
    "danger": "涉及人身安全，请立即处置",
}

_FIELD = re.compile(r"\{([^{}]*)\}")


def wording(session: Session, code: str) -> str:
    """The template in force. Raises KeyError for an unknown code."""
    row = session.scalar(select(NoticeTemplate).where(NoticeTemplate.code == code))
    return row.text if row else SHIPPED[code]


def unknown_fields(text: str) -> list[str]:
    """The names in braces that no notice can fill in."""
    return [name for name in _FIELD.findall(text) if name not in FIELDS]


def filled(text: str, values: Mapping[str, str]) -> str:
    """A template with its names replaced; an unknown name stays as it stands, a value is never read as a template."""
    return _FIELD.sub(lambda match: values.get(match.group(1), match.group(0)), text)
