"""What comes next in a citizen's matter, said in a sentence: whose turn it is, what happens, and by when."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import clocks
from cases.models import Assignment, Case, Message, Rating, Submission
from cases.operations import accusations, promise
from core.web import filters
from organisations.models import Organisation


@dataclass(frozen=True)
class Known:
    """What was read of a submission for its page.

    `danger`: the danger to life that nobody on duty has acknowledged, or ""; `objected`: this citizen did not accept
    the answer of the present round.
    """

    submission: Submission
    case: Case
    lead: Assignment | None
    rating: Rating | None
    question: Message | None
    ask_due: datetime | None
    danger: str
    objected: bool
    may: Set[str]

    @property
    def unresolved(self) -> bool:
        """Whether this citizen said of the present round that it is not resolved."""
        return self.objected or (self.rating is not None and self.rating.resolved is False)

    @property
    def readers_alone(self) -> bool:
        """Whether it is, or may be, an accusation: appointed persons alone read it, and no office is named."""
        return accusations.for_readers_alone(self.case, self.submission)


def turn(known: Known) -> tuple[str, str, str]:
    """What the citizen is asked to do, where its button leads and what that says; empty when it is not their turn."""
    by_when = _("最迟 %(day)s。", day=filters.day(known.ask_due)) if known.ask_due else ""
    if known.question is not None:
        return _("工作人员有一个问题要请您补充。"), "#answer", _("去补充")
    if known.case.stage == "asking" and "rate" in known.may and not known.unresolved:
        return _("看看答复，告诉我们解决了没有。") + by_when, "#rate", _("去确认")
    return "", "", ""


def next_(session: Session, known: Known, at: datetime) -> str:
    """One sentence: what happens next, and by when; "" once nothing more does."""
    submission, case = known.submission, known.case
    if submission.submitted_at is None:
        return _("这是您存下的草稿，还没有提交，也没有人办理。")
    if submission.withdrawn_at is not None and known.readers_alone:
        return _("已按您的意愿撤回。只有指定人员能看到，是否继续核实由他们决定。")
    if submission.withdrawn_at is not None:
        return _("这件诉求已按您的意愿撤回，不再办理。想再反映，可以重新提交。")
    if known.danger:
        rest = "" if case.stage == "closed" else _("险情排除后，其余的事照常办理。")
        return _("值班人员马上处置险情，可能打电话向您核实，请保持电话畅通。") + rest
    if case.stage == "asking":
        return _after_answer(session, known)
    if case.stage == "closed":
        return _("已经办结。您还可以评价这次办理。") if "rate" in known.may else ""
    return _under_way(session, known) + _by_when(session, known, at)


def _by_when(session: Session, known: Known, at: datetime) -> str:
    case = known.case
    due, extended = promise.answer_by(session, case, known.lead)
    if due is None:
        return ""
    if due < at and known.submission.served_at is None:
        return _("已经超过承诺的日期（%(day)s），您可以催办。", day=filters.day(due))
    if extended:
        return _(
            "最迟 %(day)s 给您答复（原定 %(before)s，因需要更长时间办理，已按规定延长）。",
            day=filters.day(due), before=filters.day(case.promise_at),
        )  # fmt: skip
    return _("最迟 %(day)s 给您答复。", day=filters.day(due))


def _under_way(session: Session, known: Known) -> str:
    if known.readers_alone:
        return _("只有指定人员能看到您反映的内容，由他们核实处理。")
    if known.case.stage == "review":
        return _("工作人员正在确定由哪个部门负责。")
    if known.case.stage == "fed_back":
        return _("部门已报告办理结果，工作人员核对后答复您。")
    who = name_of(session, known.lead.organisation_id if known.lead else None)
    if not who:
        return _("负责的部门正在办理。")
    signed = known.lead is not None and known.lead.signed_at is not None
    return _("%(who)s正在办理。", who=who) if signed else _("已转给%(who)s，等部门签收。", who=who)


def _after_answer(session: Session, known: Known) -> str:
    """After the citizen judged the answer: an officer decides by the end of the settle clock, or others are awaited."""
    clock = clocks.latest(session, "case", known.case.id, "settle")
    day = filters.moment(clock.due_at) if clock is not None and clock.ended_at is None else ""
    if known.unresolved and day:
        if known.case.track == "petition":
            return _("您说还没有解决。工作人员正在核对，最迟 %(day)s 决定怎样处理，并告诉您。", day=day)
        return _("您说还没有解决。工作人员正在核对，最迟 %(day)s 决定重新办理还是办结，并告诉您。", day=day)
    if known.unresolved:
        return _("您说还没有解决，已经记下。等一起反映的其他人回应后，工作人员核对并决定怎样处理。")
    if known.rating is not None:
        return _("谢谢您的确认。这件事还有其他人一起反映，等他们回应后办结。")
    return ""


def name_of(session: Session, organisation_id: int | None) -> str:
    """The name of an organisation, "" of none."""
    query = select(Organisation.name).where(Organisation.id == organisation_id)
    return (session.scalar(query) or "") if organisation_id else ""
