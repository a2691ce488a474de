"""A case's history as sentences: who, what, and the words that go with it; events themselves hold ids only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import workflow
from cases.models import Answer, AssignmentRequest, Decision, Event, HandlingNote, Message
from workbench.queries import names

_WARN = {"carded", "alert_raised", "returned", "sent_back", "objected", "reopened", "refused"}
_KEY = {"urged", "alert_acknowledged", "pressed", "accusation_decided"}
_CITIZEN = {"added", "urged", "withdrawn", "objected", "rated", "citizen_answered", "enquired", "submitted"}
# The event's office is not the acting person's, but the one it is done to.
_TOWARDS = {
    "assigned", "assigned_automatically", "taken_back", "recalled", "confirmed", "sent_back", "extension_granted",
    "request_refused", "suspended", "forwarded", "evaluated",
}  # fmt: skip
_SUPERVISION = {"carded", "pressed", "alert_raised", "alert_acknowledged", "evaluated"}


@dataclass(frozen=True)
class Told:
    """One event as people read it; the keys are those of the `timeline` macro."""

    seq: int
    at: datetime
    who: str
    what: str
    text: str = ""
    kind: str = ""
    card: str = ""
    group: str = "handling"


@dataclass
class _Rows:
    """The rows whose words events refer to, by id."""

    people: dict[int, str]
    offices: dict[int, str]
    messages: dict[int, Message]
    answers: dict[int, Answer]
    notes: dict[int, HandlingNote]
    requests: dict[int, AssignmentRequest]
    decisions: dict[int, Decision]


def told(session: Session, case_id: int, events: Sequence[Event]) -> list[Told]:
    """These events as sentences, newest first."""
    rows = _rows(session, case_id, events)
    return [_one(event, rows) for event in sorted(events, key=lambda event: -event.seq)]


def events_since(session: Session, case_id: int, seq: int) -> list[Event]:
    """What happened to a case after the event that a person saw last."""
    query = select(Event).where(Event.case_id == case_id, Event.seq > seq).order_by(Event.seq)
    return list(session.scalars(query))


def title_of(kind: str) -> str:
    """The Chinese word for an event."""
    return _EXTRA.get(kind) or _TITLES.get(kind) or kind


_TITLES = {transition.event: transition.chinese for transition in reversed(workflow.TRANSITIONS) if transition.event}
_EXTRA = {
    "drafted": "备案",
    "submitted": "提交诉求",
    "classified": "自动分类",
    "diverted": "给出分流建议",
    "category_corrected": "更正分类",
    "added": "补充材料",
    "corrected": "更正内容",
    "urged": "催办",
    "enquired": "查询进度",
    "citizen_asked": "请群众补充",
    "citizen_answered": "群众答复",
    "assigned": "交办",
    "taken_back": "收回",
    "returned": "退回",
    "closed": "办结",
    "evidence_added": "上传附件",
    "alert_raised": "险情警报",
    "alert_acknowledged": "确认收到险情",
    "carded": "发牌",
    "alert_resent": "再次发出险情警报",
    "card_withdrawn": "撤牌",
    "reminded": "到期提醒",
    "accusation_decided": "认定是否检举控告",
    "reader_named": "指定受理人",
    "accusation_suspected": "可能是检举控告，只限受理人查看",
    "accused_excluded": "被检举方回避",
    "consent_changed": "变更公开意愿",
    "child_recalled": "收回下级交办",
    "excluded": "设置回避",
    "recused": "本人回避",
    "exclusion_ended": "解除回避",
    "reply_proposed": "提出公开答复",
    "reply_released": "发布公开答复",
    "reply_refused": "不予公开",
    "reply_withdrawn": "撤下公开答复",
    "merge_proposed": "标记为重复",
    "merged": "并入",
    "joined": "并入其他诉求",
    "call_back_opened": "安排回访",
    "citizen_silent": "群众到期未补充",
    "lapsed": "终结（逾期未补充）",
    "call_back_attempted": "回访",
    "contact_attached": "关联来电",
    "code_issued": "发出查询码",
    "code_reissued": "重发查询码",
}  # fmt: skip


def _one(event: Event, rows: _Rows) -> Told:
    level = event.data.get("level", "") if event.kind == "carded" else ""
    group = "citizen" if event.kind in _CITIZEN else "supervision" if event.kind in _SUPERVISION else "handling"
    return Told(
        seq=event.seq,
        at=event.at,
        who=_who(event, rows),
        what=title_of(event.kind),
        text=_text(event, rows),
        kind="warn" if event.kind in _WARN else "key" if event.kind in _KEY else "",
        card=level if level in ("yellow", "red") else "",
        group=group,
    )


def _who(event: Event, rows: _Rows) -> str:
    person = rows.people.get(event.actor_id or 0, "")
    office = "" if event.kind in _TOWARDS else rows.offices.get(event.organisation_id or 0, "")
    if person:
        return f"{person} · {office}" if office else person
    if event.kind in _CITIZEN:
        return str(_("群众"))
    return str(_("系统") + (f" · {office}" if office else ""))


def _text(event: Event, rows: _Rows) -> str:
    data = event.data
    parts: list[str] = []
    message = rows.messages.get(_id(data, "message", "message_id"))
    if message is not None:
        parts.append(message.text_masked)
    answer = rows.answers.get(_id(data, "answer", "answer_id"))
    if answer is not None:
        parts.append(answer.text or "")
    note = rows.notes.get(_id(data, "note", "note_id", "handling_note"))
    if note is not None:
        parts.append(note.text or "")
    request = rows.requests.get(_id(data, "request", "request_id"))
    if request is not None:
        days = _("（%(n)s 天）", n=request.days) if request.days else ""
        parts.append(f"{names.request_kind(request.kind)}{days}：{request.reason or ''}")
    decision = rows.decisions.get(_id(data, "decision", "decision_id"))
    if decision is not None:
        parts.append("　".join(part for part in (decision.article, decision.text) if part))
    concerned = [event.organisation_id or 0] if event.kind in _TOWARDS else []
    to = [rows.offices[one] for one in [*concerned, *_organisations(data)] if one in rows.offices]
    if to:
        parts.insert(0, "、".join(to))
    if event.kind in ("carded", "reminded"):
        parts.append(
            _("规则：%(what)s到期没有完成", what=names.clock_kind(str(data.get("kind", ""))))
            if event.kind == "carded"
            else names.clock_kind(str(data.get("kind", "")))
        )
    levels = [str(data[name]) for name in ("level1", "level2", "level3") if data.get(name)]
    if levels:
        parts.append(names.category(*levels))
    return "　".join(part for part in parts if part)


def _id(data: dict[str, Any], *keys: str) -> int:
    for key in keys:
        value = data.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return 0


def _organisations(data: dict[str, Any]) -> list[int]:
    found: list[int] = []
    for key in ("lead", "lead_id", "organisation", "organisation_id", "suggested", "suggested_id", "co", "co_ids"):
        value = data.get(key)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, int) and not isinstance(item, bool):
                found.append(item)
    return list(dict.fromkeys(found))


def _rows(session: Session, case_id: int, events: Sequence[Event]) -> _Rows:
    data = [event.data for event in events]
    offices = {event.organisation_id for event in events} | {n for one in data for n in _organisations(one)}
    message_ids = {_id(one, "message", "message_id") for one in data} - {0}
    return _Rows(
        people=names.accounts(session, (event.actor_id for event in events)),
        offices=names.organisations(session, offices),
        messages=_by_id(session.scalars(select(Message).where(Message.id.in_(message_ids)))) if message_ids else {},
        answers=_by_id(session.scalars(select(Answer).where(Answer.case_id == case_id))),
        notes=_by_id(session.scalars(select(HandlingNote).where(HandlingNote.case_id == case_id))),
        requests=_by_id(session.scalars(select(AssignmentRequest).where(AssignmentRequest.case_id == case_id))),
        decisions=_by_id(session.scalars(select(Decision).where(Decision.case_id == case_id))),
    )


def _by_id(rows: Iterable[Any]) -> dict[int, Any]:
    return {row.id: row for row in rows}
