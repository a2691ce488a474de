"""A submission as its citizen reads it: nodes with dates, whose turn it is, answers, what happened, what can be done.

Built in one read session from rows and events; plain words, no internal ones. Texts here are the citizen's own, or were
served to them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from cases import clocks, workflow
from cases.models import (
    Answer,
    AnswerSubmission,
    Assignment,
    Attachment,
    Case,
    Decision,
    Message,
    PublishedReply,
    Rating,
    Submission,
    SubmissionCase,
)
from cases.operations import accusations, alerts, base, closing, messages, promise
from core.clock import LOCAL, to_local
from core.web import filters
from portal import outlook
from portal.history import Step, steps_of
from portal.outlook import Known, name_of

ENDED_OTHERWISE = frozenset({"refused", "guided", "withdrawn", "merged", "forwarded", "lapsed"})
REVIEW_DAYS = 30
"""信访工作条例第三十五条: 复查 may be asked for within 30 days of receiving the written answer."""
CHANNELS = {"web": _l("从网上提交"), "wechat": _l("从微信提交"), "sms": _l("从短信提交"), "hotline": _l("拨打热线反映"),
            "letter": _l("来信反映"), "visit": _l("来访反映"), "import": _l("以前反映")}  # fmt: skip


@dataclass(frozen=True)
class Node:
    """One node of the progress line, as the macro takes it."""

    name: str
    state: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Served:
    """An answer that was served to this citizen."""

    who: str
    at: datetime
    text: str
    round: int
    files: tuple[Attachment, ...] = ()


@dataclass(frozen=True)
class View:
    """Everything that the progress page shows."""

    submission: Submission
    case: Case
    way: str
    chip: tuple[str, str]
    danger: str  # a danger to life that nobody on duty has acknowledged yet
    nodes: tuple[Node, ...]
    turn: tuple[str, str, str]  # what is said, where its button leads, what the button says
    next: str
    answers: tuple[Served, ...]
    decision: str
    question: Message | None
    rating: Rating | None
    steps: tuple[Step, ...]
    files: tuple[Attachment, ...]
    published: str
    ask_due: datetime | None = None
    review_until: datetime | None = None
    may: frozenset[str] = field(default_factory=frozenset)


def view_of(session: Session, submission_id: int, at: datetime) -> View:
    """The page of one submission. Raises NotFound."""
    submission = session.get_one(Submission, submission_id)
    case = base.case_of(session, submission_id)
    lead = base.lead_assignment(session, case)
    answers = _answers(session, submission, case)
    rating = session.scalar(
        select(Rating).where(
            Rating.submission_id == submission_id,
            Rating.case_id == case.id,
            Rating.round == case.round,
            Rating.way != "lapsed",
        )
    )
    question = (
        messages.open_question(session, submission_id) if case.stage in workflow.BY_OPERATION["add"].from_ else None
    )
    may = _may(submission, case, rating, question)
    asking = clocks.latest(session, "case", case.id, "ask")
    ask_due = asking.due_at if asking and asking.ended_at is None and asking.due_at > at else None
    danger = alerts.unseen(session, case) if submission.submitted_at and not submission.withdrawn_at else ""
    known = Known(submission, case, lead, rating, question, ask_due, danger,
                  submission_id in closing.objected(session, case), may)  # fmt: skip
    return View(
        submission, case, str(CHANNELS.get(submission.channel, "")), _chip(known), danger,
        tuple(_nodes(session, known, at)), outlook.turn(known), outlook.next_(session, known, at), answers,
        _decision(session, case), question, rating, tuple(steps_of(session, submission, case)),
        tuple(_files(session, submission_id)), _published(session, submission), ask_due,
        _review_until(submission, case), may,
    )  # fmt: skip


def _may(submission: Submission, case: Case, rating: Rating | None, question: Message | None) -> frozenset[str]:
    """What this citizen may do now; a form for anything else is absent."""
    if submission.withdrawn_at is not None or submission.submitted_at is None:
        return frozenset()
    may = {name for name in ("add", "urge", "object", "withdraw") if workflow.permitted(name, case.stage)}
    if workflow.permitted("rate", case.stage) and rating is None and submission.served_at is not None:
        may.add("rate")
    if question is not None:
        may.add("answer")
    if rating is not None:
        may.discard("object")
    if case.stage == "asking":
        may.discard("urge")
    return frozenset(may)


def _chip(known: Known) -> tuple[str, str]:
    submission, case = known.submission, known.case
    if submission.withdrawn_at is not None:
        return "taken_back", _("已撤回")
    if "answer" in known.may:
        return "await", _("等您补充")
    if case.stage == "asking" and known.unresolved:
        return "doing", _("正在核对")
    if case.stage == "asking" and "rate" in known.may:
        return "await", _("等您确认")
    words = {"draft": _("草稿，还没有提交"), "review": _("已收到"), "assigned": _("办理中"), "fed_back": _("办理中"),
             "asking": _("已答复"), "closed": _("已办结")}  # fmt: skip
    shapes = {"draft": "draft", "review": "pending", "closed": "closed"}
    shape = "held" if case.status == "held" else shapes.get(case.stage, "doing")
    return shape, _("暂停办理") if case.status == "held" else words.get(case.stage, "")


# --- nodes ------------------------------------------------------------------------------------------------------------


def _nodes(session: Session, known: Known, at: datetime) -> list[Node]:
    submission, case, rating = known.submission, known.case, known.rating
    nodes = [_received(session, submission)]
    ended = submission.withdrawn_at is not None or case.outcome in ENDED_OTHERWISE
    if ended:
        return [*nodes, Node(_outcome_word(submission, case), "done", _when(submission.withdrawn_at or case.closed_at))]
    if case.outcome != "direct":
        nodes += _work(session, known, at)
    nodes.append(_answer_node(known, submission.served_at if _served_in_round(session, submission, case) else None))
    asked = outlook.turn(known)[1] == "#rate" and known.ask_due
    closing_by = _("请在 %(day)s前确认", day=filters.day(known.ask_due)) if asked else ""
    done = case.stage == "closed"
    nodes.append(Node(_("办结"), "done" if done else "todo", _when(case.closed_at) if done else _lines(closing_by)))
    nodes.append(Node(_("评价"), "done" if rating else "todo", _when(rating.at) if rating else ()))
    return nodes


def _received(session: Session, submission: Submission) -> Node:
    """已收到 until it was formally accepted (受理)."""
    if submission.accepted_at is None:
        return Node(_("已收到"), "done", _when(submission.received_at))
    return Node(
        _("已受理"), "done", (*_when(submission.accepted_at), *_lines(name_of(session, submission.accepted_by_id)))
    )


def _work(session: Session, known: Known, at: datetime) -> list[Node]:
    """转给部门, 签收, 办理: what the lead of this round did, or when it is due; no ordinary day beside a danger."""
    case, lead = known.case, known.lead
    if known.readers_alone:
        done = case.stage in {"asking", "closed"}
        return [
            Node(_("指定人员核实"), "done" if done else "now", () if done or known.danger else _by(case.promise_at))
        ]

    def by(due: datetime | None) -> tuple[str, ...]:
        return _lines(_("已提醒值班人员")) if known.danger else _by(due)

    if lead is None:
        clock = clocks.latest(session, "case", case.id, "review" if case.track == "hotline" else "decide")
        due = clock.due_at if clock and clock.ended_at is None else None
        state = "now" if case.stage == "review" else "todo"
        return [Node(_("转给部门"), state, by(due)), Node(_("签收"), "todo"), Node(_("办理"), "todo")]
    sent = Node(_("转给部门"), "done", (*_when(lead.created_at), *_lines(name_of(session, lead.organisation_id))))
    if lead.signed_at is None:
        return [sent, Node(_("签收"), "now", by(lead.sign_due_at)), Node(_("办理"), "todo")]
    signed = Node(_("签收"), "done", _when(lead.signed_at))
    if lead.fed_back_at is not None and lead.state in {"fed_back", "confirmed"}:
        return [sent, signed, Node(_("办理"), "done", _when(lead.fed_back_at))]
    if lead.state == "held":
        return [sent, signed, Node(_("办理"), "hold", _lines(_("暂停办理")))]
    due = promise.answer_by(session, case, lead)[0] or lead.due_at
    late = due is not None and due < at
    return [sent, signed, Node(_("办理"), "late" if late else "now", by(due))]


def _answer_node(known: Known, served: datetime | None) -> Node:
    if outlook.turn(known)[1] == "#rate":
        return Node(_("答复"), "now", (*_when(served), _("请您确认")))
    if known.case.stage == "asking" and known.unresolved:
        return Node(_("答复"), "now", (*_when(served), _("您说还没有解决，正在核对")))
    if served is not None:
        return Node(_("答复"), "done", _when(served))
    if known.case.stage == "fed_back" and not known.readers_alone:
        return Node(_("答复"), "now", _lines(_("正在核对部门的办理结果")))
    return Node(_("答复"), "todo")


def _outcome_word(submission: Submission, case: Case) -> str:
    if submission.withdrawn_at is not None:
        return _("您已撤回")
    words = {"refused": _("不予受理"), "guided": _("告知其他途径"), "withdrawn": _("撤回"), "merged": _("合并办理"),
             "forwarded": _("转给有权处理的机关"), "lapsed": _("逾期未补充，终结")}  # fmt: skip
    return words.get(case.outcome or "", _("办结"))


def _when(at: datetime | None) -> tuple[str, ...]:
    return _lines(filters.stamp(at)) if at is not None else ()


def _by(at: datetime | None) -> tuple[str, ...]:
    return _lines(_("最迟 %(at)s", at=filters.stamp(at))) if at is not None else ()


def _lines(*lines: str) -> tuple[str, ...]:
    return tuple(line for line in lines if line)


# --- answers ----------------------------------------------------------------------------------------------------------


def _answers(session: Session, submission: Submission, case: Case) -> tuple[Served, ...]:
    """The answers served to this citizen, newest first; no office is named of what its readers alone see."""
    readers_alone = accusations.for_readers_alone(case, submission)
    query = (
        select(Answer)
        .join(AnswerSubmission, AnswerSubmission.answer_id == Answer.id)
        .where(AnswerSubmission.submission_id == submission.id, Answer.kind == "citizen", Answer.served_at.is_not(None))
        .order_by(Answer.served_at.desc(), Answer.id.desc())
    )
    served = []
    for row in session.scalars(query):
        of_answer = select(Attachment).where(Attachment.case_id == row.case_id, Attachment.answer_id == row.id)
        files = session.scalars(of_answer.order_by(Attachment.id))
        who = "" if readers_alone else _answering(session, row)
        served.append(Served(who, row.served_at or row.written_at, row.text or "", row.round, tuple(files)))
    return tuple(served)


def _answering(session: Session, answer: Answer) -> str:
    """Who answered: the lead of that round, else whoever wrote it."""
    lead = session.scalar(
        select(Assignment.organisation_id)
        .where(Assignment.case_id == answer.case_id, Assignment.round == answer.round, Assignment.role == "lead")
        .where(Assignment.parent_id.is_(None), Assignment.state == "confirmed")
        .limit(1)
    )
    return name_of(session, lead or answer.author_organisation_id)


def _served_in_round(session: Session, submission: Submission, case: Case) -> bool:
    query = (
        select(Answer.id)
        .join(AnswerSubmission, AnswerSubmission.answer_id == Answer.id)
        .where(AnswerSubmission.submission_id == submission.id, Answer.kind == "citizen", Answer.round == case.round)
        .where(Answer.served_at.is_not(None))
    )
    return session.scalar(query.limit(1)) is not None


def _decision(session: Session, case: Case) -> str:
    """Why it was refused, or which way is open, in the officer's words with the article."""
    if case.outcome not in {"refused", "guided", "forwarded", "lapsed"}:
        return ""
    row = session.scalar(
        select(Decision)
        .where(Decision.case_id == case.id, Decision.kind == case.outcome)
        .order_by(Decision.at.desc())
        .limit(1)
    )
    if row is None:
        return ""
    return (row.text or "") + (_("（依据：%(article)s）", article=row.article) if row.article else "")


def _files(session: Session, submission_id: int) -> list[Attachment]:
    query = select(Attachment).where(Attachment.submission_id == submission_id)
    return list(session.scalars(query.order_by(Attachment.at, Attachment.id)))


def _published(session: Session, submission: Submission) -> str:
    own_cases = select(SubmissionCase.case_id).where(SubmissionCase.submission_id == submission.id)
    query = select(PublishedReply.public_id).where(
        PublishedReply.case_id.in_(own_cases), PublishedReply.submission_id == submission.id,
        PublishedReply.state == "released",
    )  # fmt: skip
    return session.scalar(query.limit(1)) or ""


def _review_until(submission: Submission, case: Case) -> datetime | None:
    """Until when 复查 may be asked for: on the petition track only, within its days of the answer served."""
    if case.track != "petition" or submission.served_at is None:
        return None
    last = to_local(submission.served_at).date() + timedelta(days=REVIEW_DAYS)
    return datetime.combine(last, time(23, 59, 59), LOCAL)
