"""Changing what notices say: an administrator's sentence goes before the one that ships, until it is taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import audit
from core.errors import Invalid, NotFound
from notifications.models import NoticeTemplate
from notifications.templates import FIELDS, SHIPPED, unknown_fields
from organisations.people import Actor

PERMISSION = "admin.policies"
LONGEST = 300  # a text message of five parts
# What each template is for, in the order of the page.
OCCASIONS: dict[str, str] = {
    "accepted": "受理",
    "assigned": "转给承办单位",
    "forwarded": "转送其他机关",
    "citizen_asked": "请群众补充",
    "extension_granted": "同意延期",
    "suspended": "同意挂起",
    "answer_served": "答复，并请评价",
    "answered_directly": "直接答复",
    "refused": "不予受理",
    "guided": "告知其他途径",
    "lapsed": "逾期未补充，终结",
    "reopened": "重新办理",
    "dialogue_left": "话没说完，提醒一次",
    "late_answer": "补发迟到的回复",
    "red_card": "红牌（发给工作人员）",
    "danger": "涉及人身安全（随时发给值班人）",
}
# Fields without which a notice says nothing.
_NEEDED = {"citizen_asked": "text", "answer_served": "text", "answered_directly": "text", "refused": "text",
           "guided": "text", "lapsed": "text", "late_answer": "text"}  # fmt: skip


@dataclass(frozen=True)
class Wording:
    """A notice's sentence in force; `changed_at` None while it is the one that ships."""

    code: str
    occasion: str
    text: str
    shipped: str
    changed_at: datetime | None


def wordings(session: Session) -> list[Wording]:
    """Every notice, in order."""
    changed = {row.code: row for row in session.scalars(select(NoticeTemplate))}
    return [
        Wording(
            code, occasion, changed[code].text if code in changed else SHIPPED[code], SHIPPED[code],
            changed[code].changed_at if code in changed else None,
        )
        for code, occasion in OCCASIONS.items()
    ]  # fmt: skip


def wording_of(session: Session, code: str) -> Wording:
    """One of them. Raises NotFound."""
    found = next((one for one in wordings(session) if one.code == code), None)
    if found is None:
        raise NotFound()
    return found


def change(session: Session, actor: Actor, at: datetime, code: str, text: str) -> None:
    """Put another sentence in force. Raises Invalid, NotFound, Forbidden."""
    actor.require(PERMISSION)
    wording_of(session, code)
    text = text.strip()
    _check(code, text)
    row = session.scalar(select(NoticeTemplate).where(NoticeTemplate.code == code))
    if row is None:
        row = NoticeTemplate(code=code)
        session.add(row)
    row.text, row.changed_at, row.changed_by_id = text, at, actor.account_id
    session.flush()
    _note(session, actor, at, "notice_changed", row.id, code)


def restore(session: Session, actor: Actor, at: datetime, code: str) -> None:
    """Take back the change: the sentence that ships is in force again. Raises NotFound, Forbidden."""
    actor.require(PERMISSION)
    wording_of(session, code)
    row = session.scalar(select(NoticeTemplate).where(NoticeTemplate.code == code))
    if row is not None:
        _note(session, actor, at, "notice_restored", row.id, code)
        session.execute(delete(NoticeTemplate).where(NoticeTemplate.code == code))


def _check(code: str, text: str) -> None:
    if not text:
        raise Invalid({"text": "请写下通知的内容。"})
    if len(text) > LONGEST:
        raise Invalid({"text": f"通知有 {len(text)} 字，最多 {LONGEST} 字，请写短一些。"})
    unknown = unknown_fields(text)
    if unknown:
        known = "、".join(f"{{{name}}}" for name in FIELDS)
        raise Invalid({"text": f"不认识“{{{unknown[0]}}}”，花括号里可以用：{known}。"})
    needed = _NEEDED.get(code)
    if needed and f"{{{needed}}}" not in text:
        raise Invalid({"text": f"这条通知必须有 {{{needed}}}，否则群众看不到正文。"})


def _note(session: Session, actor: Actor, at: datetime, action: str, row_id: int, code: str) -> None:
    audit.record(session, at=at, actor_id=actor.account_id, action=action, subject="notice_template",
                 subject_id=row_id, details={"code": code})  # fmt: skip
