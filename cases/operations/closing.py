"""认定 退回重办 送达 办结 评价: what happens between a feedback and the end of a round."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cases import clocks
from cases.errors import AlreadyThere, Forbidden, Invalid, NotNow
from cases.models import Answer, Assignment, CallBack, Case, Message, Rating, Submission, UnitEvaluation
from cases.operations import accusations, alerts, call_backs
from cases.operations.base import case_of, check, lock_assignment, lock_case, record
from cases.operations.dispatch import required, serve
from cases.operations.ending import close_case, co_handlers, end_assignment, recall, require_seen, standing
from cases.operations.handling import add_note
from core.clock import to_local
from organisations.lines import superiors
from organisations.people import SYSTEM, Actor

LAPSED = "lapsed"  # the way of a rating that nobody gave


def confirm(
    session: Session,
    actor: Actor,
    at: datetime,
    assignment_id: int,
    *,
    answer: str = "",
    way: str = "",
    version: int | None = None,
) -> Answer | None:
    """Accept what was fed back (认定). For the case's lead the citizen's answer is served and the asking begins.

    `answer` is what the citizens are told, else what the lead drafted; gives it when one was served. Raises Invalid
    without one, Forbidden to an organisation that would confirm its own work: that is for the level above.
    """
    assignment, case = lock_assignment(session, assignment_id, version)
    check(session, actor, "confirm", case, assignment)
    _require_other(session, actor, at, assignment)
    drafted = _settle_texts(session, actor, at, assignment, "approved")
    end_assignment(session, assignment, at, "confirmed")
    record(session, actor, "confirm", case, at, assignment=assignment)
    if assignment.role != "lead":
        return None
    _end_co_handlers(session, case, assignment, at)
    if assignment.parent_id is not None:
        return None
    served = serve(session, actor, at, case, answer or drafted, way=way)
    check(session, SYSTEM, "answer_served", case)
    clocks.start(session, case, subject="case", subject_id=case.id, kind="ask", at=at, cause="answer_served")
    record(session, SYSTEM, "answer_served", case, at, data={"answer": served.id})
    return served


def send_back(
    session: Session, actor: Actor, at: datetime, assignment_id: int, *, reason: str, version: int | None = None
) -> None:
    """Have it done again (退回重办), with the reason; the handling clock goes on as if it had never stopped."""
    assignment, case = lock_assignment(session, assignment_id, version)
    check(session, actor, "send_back", case, assignment)
    row = add_note(session, actor, at, assignment, "sent_back", required(reason, "reason", "请填写退回重办的理由。"))
    _settle_texts(session, actor, at, assignment, "sent_back")
    assignment.fed_back_at = None
    clocks.go_on(session, "assignment", assignment.id, "handle")
    record(session, actor, "send_back", case, at, assignment=assignment, data={"note": row.id})
    if assignment.role == "lead" and assignment.parent_id is None:
        check(session, SYSTEM, "back_to_handling", case)
        record(session, SYSTEM, "back_to_handling", case, at)


def close(session: Session, actor: Actor, at: datetime, case_id: int, *, version: int | None = None) -> None:
    """Close a case whose citizens have answered (办结). Raises NotNow while one is asked, or a danger unseen."""
    case = lock_case(session, case_id, version)
    check(session, actor, "close", case)
    require_seen(session, case)
    if _unanswered(session, case):
        raise NotNow("群众还没有回应。请等待评价或回访结果，到期未回应的会自动办结。", case_id=case.id)
    close_case(session, case, at, "done")
    record(session, actor, "close", case, at, data={"outcome": "done"})


def rate(
    session: Session,
    actor: Actor,
    at: datetime,
    submission_id: int,
    contacted: bool | None,
    resolved: bool | None,
    satisfaction: int | None,
    comment: str = "",
    way: str = "web",
    danger: str = "",
) -> Rating:
    """Keep a citizen's judgement of the present round (评价); None where they did not say.

    When every citizen of the case has answered and none says that it is unresolved, it closes. Otherwise an officer
    decides between closing and a new round. `danger` is the code of the danger to life that the caller found in the
    comment; it raises the alert. Raises Invalid, and AlreadyThere for a second judgement of a round.
    """
    case = lock_case(session, case_of(session, submission_id).id)
    check(session, actor, "rate", case)
    if satisfaction is not None and satisfaction not in range(1, 6):
        raise Invalid({"satisfaction": "满意度请选择 1 至 5。"})
    if contacted is None and resolved is None and satisfaction is None and not comment.strip():
        raise Invalid({"satisfaction": "请至少回答一项。"})
    rating = rating_of(session, submission_id, case)
    if rating is None:
        rating = Rating(submission_id=submission_id, case_id=case.id, round=case.round)
        session.add(rating)
    elif rating.way != LAPSED:
        raise AlreadyThere("这一轮已经评价过了，谢谢您。")
    rating.contacted, rating.resolved, rating.satisfaction = contacted, resolved, satisfaction
    rating.comment, rating.way = comment.strip() or None, way
    rating.asked_by_id, rating.at = actor.account_id, at
    session.flush()
    accusations.screen(session, at, case, comment)
    record(session, actor, "rate", case, at, submission_id=submission_id, data={"rating": rating.id})
    if case.stage == "asking" and not _unanswered(session, case):
        _after_answers(session, actor, at, case)
    if danger:
        alerts.raise_(session, at, case, danger, again=True)
    return rating


def after_objection(session: Session, actor: Actor, at: datetime, case: Case) -> None:
    """What follows when a citizen objected to the answer: it counts as an answer that says "not resolved"."""
    if case.stage == "asking" and not _unanswered(session, case):
        _after_answers(session, actor, at, case)


def call_after_silence(session: Session, at: datetime, case_id: int) -> list[CallBack]:
    """Open a call-back for each citizen who has not answered, and give it its time; the sweep calls this.

    None for who wrote without a name (匿名): nobody sees the number. Their time runs all the same.
    """
    case = lock_case(session, case_id)
    check(session, SYSTEM, "call_after_silence", case)
    clocks.end(session, "case", case.id, "ask", at, "silence")
    clock = clocks.start(session, case, subject="case", subject_id=case.id, kind="silence", at=at, cause="silence")
    opened = [
        call_backs.open_call_back(
            session, at, reason="silence", submission_id=submission_id, round=case.round,
            due_at=clock.due_at if clock else None,
        )
        for submission_id in _unanswered(session, case)
        if session.get_one(Submission, submission_id).disclosure != "anonymous"
    ]  # fmt: skip
    record(session, SYSTEM, "call_after_silence", case, at, data={"call_backs": [one.id for one in opened]})
    return opened


def lapse(session: Session, at: datetime, case_id: int) -> None:
    """Close a case whose citizens stayed silent after the call-back; kept as "not rated", never as content.

    Where one of several said that it is not resolved, an officer decides.
    """
    case = lock_case(session, case_id)
    check(session, SYSTEM, "lapse", case)
    silent = _unanswered(session, case)
    for submission_id in silent:
        if rating_of(session, submission_id, case) is not None:
            continue  # it lapsed before, in this very round
        session.add(
            Rating(submission_id=submission_id, case_id=case.id, round=case.round, contacted=None, resolved=None,
                   satisfaction=None, way=LAPSED, at=at)
        )  # fmt: skip
    session.flush()
    if _unresolved(session, case):
        _put_before_officer(session, case, at)
        return
    close_case(session, case, at, "done")
    record(session, SYSTEM, "lapse", case, at, data={"outcome": "done", "silent": silent})


def evaluate(
    session: Session,
    actor: Actor,
    at: datetime,
    assignment_id: int,
    *,
    quality: int,
    in_time: bool | None = None,
    version: int | None = None,
) -> UnitEvaluation:
    """Judge an organisation's work (时效和质量): quality 1 to 5; in time as its clock says unless given."""
    assignment, case = lock_assignment(session, assignment_id, version)
    check(session, actor, "evaluate", case, assignment)
    if quality not in range(1, 6):
        raise Invalid({"quality": "办理质量请选择 1 至 5。"})
    if session.scalar(select(UnitEvaluation.id).where(UnitEvaluation.assignment_id == assignment.id)):
        raise AlreadyThere()
    if in_time is None and assignment.fed_back_at is not None and assignment.due_at is not None:
        in_time = assignment.fed_back_at <= assignment.due_at
    row = UnitEvaluation(assignment_id=assignment.id, in_time=in_time, quality=quality, by_id=actor.account_id, at=at)
    session.add(row)
    session.flush()
    record(session, actor, "evaluate", case, at, assignment=assignment, data={"evaluation": row.id})
    return row


def _require_other(session: Session, actor: Actor, at: datetime, assignment: Assignment) -> None:
    """Self-handled work is confirmed by the level above."""
    if actor.is_system or assignment.organisation_id != assignment.assigner_organisation_id:
        return
    above = superiors(session, assignment.organisation_id, to_local(at).date())
    if not above & set(actor.organisation_ids):
        raise Forbidden("自办的事项由上一级单位认定。", assignment_id=assignment.id)


def _settle_texts(session: Session, actor: Actor, at: datetime, assignment: Assignment, state: str) -> str:
    """Mark the texts of a feedback as approved or sent back; gives the drafted answer to the citizen."""
    query = select(Answer).where(Answer.assignment_id == assignment.id, Answer.state == "written")
    drafted = ""
    for row in session.scalars(query.order_by(Answer.written_at, Answer.id)):
        row.state, row.approver_id = state, actor.account_id
        row.approved_at = at if state == "approved" else None
        if row.kind == "citizen":
            drafted = row.text or ""
    return drafted


def _end_co_handlers(session: Session, case: Case, lead: Assignment, at: datetime) -> None:
    for co in co_handlers(session, lead):
        if co.state == "fed_back":
            check(session, SYSTEM, "confirm_with_lead", case, co)
            end_assignment(session, co, at, "confirmed")
            record(session, SYSTEM, "confirm_with_lead", case, at, assignment=co)
        else:
            recall(session, case, co, at)


def _unanswered(session: Session, case: Case) -> list[int]:
    """The submissions whose citizens have neither judged nor objected to the present round."""
    rated = select(Rating.submission_id).where(
        Rating.case_id == case.id, Rating.round == case.round, Rating.way != LAPSED
    )
    heard = set(session.scalars(rated)) | objected(session, case)
    return [one.id for one in standing(session, case) if one.id not in heard]


def objected(session: Session, case: Case) -> set[int]:
    """The submissions whose citizens objected to the answer served in the present round (异议)."""
    served = select(func.min(Answer.served_at)).where(
        Answer.case_id == case.id, Answer.kind == "citizen", Answer.round == case.round, Answer.state == "served"
    )
    since = session.scalar(served)
    if since is None:
        return set()
    ids = [one.id for one in standing(session, case)]
    query = select(Message.submission_id).where(Message.submission_id.in_(ids), Message.kind == "objection")
    return set(session.scalars(query.where(Message.at >= since)))


def rating_of(session: Session, submission_id: int, case: Case) -> Rating | None:
    """What was said of a case's present round; rounds are counted by case, and a merge moves submissions."""
    return session.scalar(
        select(Rating).where(
            Rating.submission_id == submission_id, Rating.case_id == case.id, Rating.round == case.round
        )
    )


def _after_answers(session: Session, actor: Actor, at: datetime, case: Case) -> None:
    """Everybody has answered: close, or put an unresolved matter before an officer."""
    if _unresolved(session, case):
        _put_before_officer(session, case, at)
        return
    check(session, actor, "close_answered", case)
    close_case(session, case, at, "done")
    record(session, actor, "close_answered", case, at, data={"outcome": "done"})


def _unresolved(session: Session, case: Case) -> bool:
    query = select(Rating.id).where(Rating.case_id == case.id, Rating.round == case.round, Rating.resolved.is_(False))
    return session.scalar(query.limit(1)) is not None or bool(objected(session, case))


def _put_before_officer(session: Session, case: Case, at: datetime) -> None:
    """A citizen says that it is not resolved: an officer decides in time between closing and a new round."""
    clocks.end_of_case(session, case, at, "rated", ("ask", "silence"))
    clocks.start(session, case, subject="case", subject_id=case.id, kind="settle", at=at, cause="rated")
