"""How a submission stands, in one plain sentence for its sender: what is being done, by whom, by when."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import clocks
from cases.models import Answer, AnswerSubmission, Case, Submission
from cases.operations import accusations, alerts, base, closing, messages, promise
from cases.workflow import OUTCOMES
from core import ids
from core.clock import to_local
from intake.answers import danger_advice
from organisations.models import Organisation

_ANSWER_MOST = 300  # characters of an answer that a message shows


def line(session: Session, submission: Submission) -> str:
    """One line for a list: number, title, state."""
    title = " ".join(submission.title_masked.split())[:20]
    return (
        f"{ids.grouped(submission.number)} {title}：{state(session, submission, base.case_of(session, submission.id))}"
    )


def full(session: Session, submission: Submission) -> str:
    """The line, with our open question or the answer that was served."""
    parts = [line(session, submission)]
    case = base.case_of(session, submission.id)
    danger = _danger(session, submission, case)
    if danger:
        parts.insert(0, danger_advice(danger))
    question = messages.open_question(session, submission.id)
    if question is not None and question.text:
        parts.append(f"请您补充：{question.text}（直接回复即可）")
    answer = _answer(session, submission)
    if answer:
        text = answer if len(answer) <= _ANSWER_MOST else answer[: _ANSWER_MOST - 1] + "…"
        parts.append(f"答复：{text}")
    return "\n".join(parts)


def state(session: Session, submission: Submission, case: Case) -> str:
    """What is being done and by when. 已收到 until the city has taken it up (受理)."""
    if submission.withdrawn_at is not None:
        return "您已撤回"
    if case.stage == "closed":
        return f"已办结（{OUTCOMES.get(case.outcome or 'done', '办结')}）"
    if case.stage == "asking":
        return _after_answer(session, submission, case)
    if _danger(session, submission, case):
        # No ordinary day beside a danger that nobody has seen yet.
        return "已提醒值班人员马上处置，可能打电话向您核实；危急请立即拨打 110、119 或 120"
    if accusations.for_readers_alone(case, submission):
        return f"只有指定人员能看到，由他们核实处理{_by_when(session, submission, case)}"
    if case.stage == "fed_back":
        return f"已办出结果，正在核实{_by_when(session, submission, case)}"
    if case.stage == "assigned":
        return f"{_office(session, case)}正在办理{_by_when(session, submission, case)}"
    return f"{'已受理' if submission.accepted_at else '已收到'}，正在分派{_by_when(session, submission, case)}"


def _danger(session: Session, submission: Submission, case: Case) -> str:
    """The danger to life that nobody on duty has acknowledged, of a submission that stands."""
    stands = submission.withdrawn_at is None and submission.submitted_at is not None
    return alerts.unseen(session, case) if stands else ""


def _after_answer(session: Session, submission: Submission, case: Case) -> str:
    """Rated or objected already: an officer decides by the settle clock, or others are awaited."""
    rating = closing.rating_of(session, submission.id, case)
    heard = rating is not None and rating.way != closing.LAPSED
    unresolved = (rating is not None and rating.resolved is False) or submission.id in closing.objected(session, case)
    if unresolved:
        clock = clocks.latest(session, "case", case.id, "settle")
        due = to_local(clock.due_at) if clock is not None and clock.ended_at is None else None
        by_when = f"，最晚 {due.month} 月 {due.day} 日决定怎样处理并告诉您" if due else ""
        return f"您说还没有解决，工作人员正在核对{by_when}"
    return "已答复，您已评价，谢谢" if heard else "已答复，请您评价：回复“评价”加满意或不满意"


def _by_when(session: Session, submission: Submission, case: Case) -> str:
    due, extended = promise.answer_by(session, case, base.lead_assignment(session, case))
    day = to_local(due).date() if due and extended else submission.promise_date
    return f"，最晚 {day.month} 月 {day.day} 日前答复" if day else ""


def _office(session: Session, case: Case) -> str:
    office = session.get(Organisation, case.lead_id) if case.lead_id else None
    return office.short_name if office else "承办部门"


def _answer(session: Session, submission: Submission) -> str:
    """The newest answer served to this citizen, with its day; empty before."""
    query = (
        select(Answer)
        .join(AnswerSubmission, AnswerSubmission.answer_id == Answer.id)
        .where(AnswerSubmission.submission_id == submission.id, Answer.kind == "citizen", Answer.served_at.is_not(None))
        .order_by(Answer.served_at.desc(), Answer.id.desc())
        .limit(1)
    )
    answer = session.scalar(query)
    if answer is None or answer.served_at is None or not answer.text:
        return ""
    served = to_local(answer.served_at)
    return f"（{served.month} 月 {served.day} 日）{answer.text}"
