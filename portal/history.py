"""What happened to a submission, as its citizen reads it: newest first, in plain words, derived from its events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from cases.models import Assignment, Case, Event, Message, Submission
from cases.operations import accusations
from core.web import filters
from organisations.models import Organisation

MOST = 100
OWN = {"added", "urged", "citizen_asked", "objected", "rated", "withdrawn", "submitted", "drafted"}
"""Kinds that concern one submission: of another one merged into the same case they are nobody else's to read."""


@dataclass(frozen=True)
class Step:
    """One thing that happened; `key` marks what the citizen waits for."""

    at: datetime
    what: str
    text: str = ""
    key: bool = False


@dataclass(frozen=True)
class _Known:
    """What the sentences need, read once."""

    organisations: dict[int, str]
    assignments: dict[int, Assignment]
    messages: dict[int, Message]
    promise_at: datetime | None
    readers_alone: bool  # a (possible) accusation: no office is named

    def lead(self, event: Event) -> str:
        """The organisation that the city asked, or "" for what happens further down the chain."""
        assignment = self.assignments.get(event.assignment_id or 0)
        if self.readers_alone or assignment is None or assignment.parent_id is not None or assignment.role != "lead":
            return ""
        return self.organisations.get(assignment.organisation_id, "")

    def message(self, event: Event) -> str:
        """What was written with it."""
        row = self.messages.get(int(event.data.get("message") or 0))
        return (row.text or "") if row else ""


def steps_of(session: Session, submission: Submission, case: Case) -> list[Step]:
    """At most a hundred steps, the newest first."""
    query = (
        select(Event)
        .where(Event.case_id == case.id, Event.kind.in_(list(SENTENCES)))
        .where(or_(Event.submission_id == submission.id, Event.kind.not_in(OWN)))
        .order_by(Event.seq.desc())
        .limit(MOST)
    )
    events = list(session.scalars(query))
    known = _known(session, case, submission)
    steps = []
    for event in events:
        step = SENTENCES[event.kind](event, known)
        if step is not None:
            steps.append(step)
    return steps


def _known(session: Session, case: Case, submission: Submission) -> _Known:
    assignments = {row.id: row for row in session.scalars(select(Assignment).where(Assignment.case_id == case.id))}
    involved = {row.organisation_id for row in assignments.values()}
    names = session.execute(select(Organisation.id, Organisation.name).where(Organisation.id.in_(involved))).tuples()
    rows = session.scalars(select(Message).where(Message.submission_id == submission.id))
    return _Known(dict(names.all()), assignments, {row.id: row for row in rows}, case.promise_at,
                  accusations.for_readers_alone(case, submission))  # fmt: skip


Sentence = Callable[[Event, _Known], Step | None]


def _plain(what: Callable[[], str], *, key: bool = False) -> Sentence:
    return lambda event, known: Step(event.at, what(), key=key)


def _said(what: Callable[[Event], str]) -> Sentence:
    return lambda event, known: Step(event.at, what(event), known.message(event))


def _added(event: Event) -> str:
    files = int(event.data.get("files") or 0)
    word = {"answer": _("您回答了我们的问题"), "correction": _("您更正了内容")}.get(
        str(event.data.get("kind")), _("您补充了材料")
    )
    return word + (_("，附 %(n)s 个文件", n=files) if files else "")


def _assigned(event: Event, known: _Known) -> Step | None:
    who = known.lead(event)
    return Step(event.at, _("已转给%(who)s办理", who=who)) if who else None


def _signed(event: Event, known: _Known) -> Step | None:
    who = known.lead(event)
    return Step(event.at, _("%(who)s已签收（部门收到并确认由它办理）", who=who)) if who else None


def _extended(event: Event, known: _Known) -> Step | None:
    assignment = known.assignments.get(event.assignment_id or 0)
    if not known.lead(event) or assignment is None:
        return None
    due, promise = assignment.due_at, known.promise_at
    if due is None:
        return Step(event.at, _("办理时间延长了"))
    if promise is not None and due <= promise:
        return Step(event.at, _("办理时间延长了"), _("给您答复的日期不变"))
    return Step(event.at, _("办理时间延长了"), _("最迟 %(day)s 给您答复", day=filters.day(due)))


def _led(what: Callable[[str], str], *, key: bool = False) -> Sentence:
    def sentence(event: Event, known: _Known) -> Step | None:
        who = known.lead(event)
        return Step(event.at, what(who), key=key) if who else None

    return sentence


SENTENCES: dict[str, Sentence] = {
    "drafted": _plain(lambda: _("您存下了草稿")),
    "submitted": _plain(lambda: _("收到您的诉求")),
    "alert_raised": _plain(lambda: _("险情已提醒值班人员")),
    "alert_acknowledged": _plain(lambda: _("值班人员已看到险情提醒")),
    "accepted": _plain(lambda: _("已受理")),
    "assigned": _assigned,
    "signed": _signed,
    "first_contacted": _led(lambda who: _("%(who)s联系了您", who=who)),
    "returned": _led(lambda who: _("%(who)s退回，正在重新确定负责的部门", who=who)),
    "taken_back": _led(lambda who: _("从%(who)s收回，正在重新确定负责的部门", who=who)),
    "extension_granted": _extended,
    "suspended": _led(lambda who: _("%(who)s暂停办理，答复您的日期不变", who=who)),
    "resumed": _led(lambda who: _("%(who)s恢复办理", who=who)),
    "fed_back": _led(lambda who: _("%(who)s报告了办理结果，正在核对", who=who)),
    "sent_back": _led(lambda who: _("核对后请%(who)s继续办理", who=who)),
    "citizen_asked": _said(lambda event: _("请您补充")),
    "added": _said(_added),
    "urged": _said(lambda event: _("您催办了一次")),
    "objected": _said(lambda event: _("您提出了异议")),
    "answer_served": _plain(lambda: _("已答复您，请您确认"), key=True),
    "answered_directly": _plain(lambda: _("已直接答复您"), key=True),
    "rated": _plain(lambda: _("您作了评价")),
    "call_back_opened": _plain(lambda: _("还没有收到您的意见，我们会打电话问您")),
    "closed": _plain(lambda: _("办结")),
    "refused": _plain(lambda: _("不予受理"), key=True),
    "guided": _plain(lambda: _("告知其他途径"), key=True),
    "forwarded": _plain(lambda: _("转给有权处理的机关"), key=True),
    "merged": _plain(lambda: _("与同一件事合并办理，编号和查询码照常可用")),
    "reopened": _plain(lambda: _("重新办理"), key=True),
    "citizen_silent": _plain(lambda: _("请您补充的期限已到，还没有收到您的补充")),
    "lapsed": _plain(lambda: _("没有收到您的补充，终结"), key=True),
    "withdrawn": _plain(lambda: _("您撤回了诉求")),
}
