"""Dialogues that were left with substance in them: reminded once, then listed for an agent, never dropped."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from cases.errors import NotFound, NotNow
from cases.operations.submissions import Submitted
from core import audit, jobs
from intake import dialogue
from intake.models import Dialogue, Turn
from intake.senders import KIND_OF_CHANNEL, Sender
from organisations.people import Actor

# Owed by the clock, each minute: looks at the dialogues in which nothing was said.
LOOK = "intake.look_at_left"
# The job by which the notifications room tells the sender; its payload names the dialogue.
TELL = "notifications.dialogue_left"
REMIND_AFTER = timedelta(minutes=30)
LIST_AFTER = timedelta(hours=2)
_AT_ONCE = 500


def register(registry: jobs.Registry) -> None:
    """Add the job that reminds of dialogues and lists them."""

    def look(work: jobs.Work) -> None:
        now = work.clock.now()
        with work.db.read() as session:
            quiet = _quiet(session, now)
        for dialogue_id in quiet:
            with work.db.write() as session:
                if not remind(session, dialogue_id, now):
                    list_left(session, dialogue_id, now)

    registry.add(LOOK, look)


def remind(session: Session, dialogue_id: int, at: datetime) -> bool:
    """Owe the one reminder of a dialogue that nothing was said in for half an hour. Gives whether it is owed now."""
    row = session.get(Dialogue, dialogue_id, with_for_update=True)
    if row is None or row.state != "open" or row.reminded_at is not None or at < row.last_at + REMIND_AFTER:
        return False
    row.reminded_at = at
    jobs.enqueue(session, TELL, str(row.id), {"dialogue": row.id}, due=at)
    return True


def list_left(session: Session, dialogue_id: int, at: datetime) -> bool:
    """Put a reminded dialogue that nobody went on with for two hours before an agent. Gives whether it is now."""
    row = session.get(Dialogue, dialogue_id, with_for_update=True)
    if row is None or row.state != "open" or row.reminded_at is None:
        return False
    if at < max(row.reminded_at, row.last_at) + LIST_AFTER:
        return False
    row.state, row.listed_at = "left", at
    row.version += 1
    return True


def _quiet(session: Session, at: datetime) -> list[int]:
    """The open dialogues to be reminded of, or listed, by now; the quietest first, some hundreds at the most."""
    remind_due = and_(Dialogue.reminded_at.is_(None), Dialogue.last_at <= at - REMIND_AFTER)
    list_due = and_(Dialogue.reminded_at <= at - LIST_AFTER, Dialogue.last_at <= at - LIST_AFTER)
    query = select(Dialogue.id).where(Dialogue.state == "open", Dialogue.last_at <= at - REMIND_AFTER)
    query = query.where(Dialogue.step != "withdraw")  # only a question of ours, nothing to be handed in
    return list(session.scalars(query.where(or_(remind_due, list_due)).order_by(Dialogue.last_at).limit(_AT_ONCE)))


def left_dialogues(session: Session, actor: Actor, *, page: int = 1, size: int = 20) -> tuple[list[Dialogue], int]:
    """The dialogues that wait for an agent, longest first, and how many in all. Raises Forbidden."""
    actor.require("call.register")
    query = select(Dialogue).where(Dialogue.state == "left").order_by(Dialogue.last_at, Dialogue.id)
    count = session.scalar(select(func.count()).select_from(Dialogue).where(Dialogue.state == "left")) or 0
    return list(session.scalars(query.limit(size).offset((page - 1) * size))), count


def turns(session: Session, dialogue_id: int, limit: int = 100) -> list[Turn]:
    """What was said and sent in a dialogue, in order."""
    query = select(Turn).where(Turn.dialogue_id == dialogue_id).order_by(Turn.at, Turn.id)
    return list(session.scalars(query.limit(limit)))


def submit_left(session: Session, actor: Actor, at: datetime, dialogue_id: int) -> Submitted:
    """An agent hands a left dialogue in for its sender, as far as it got. Raises NotFound, NotNow, Forbidden."""
    row = _listed(session, actor, dialogue_id)
    if not row.body:
        raise NotNow("对方没有写明是什么事，请联系对方后登记来电。", dialogue_id=row.id)
    sender = Sender(row.channel, KIND_OF_CHANNEL.get(row.channel, "openid"), row.sender or "")
    done = dialogue.hand_in(session, sender, row, at, actor=actor)
    audit.record(session, at=at, actor_id=actor.account_id, action="dialogue_submitted", subject="dialogue",
                 subject_id=row.id)  # fmt: skip
    return done


def close_left(
    session: Session, actor: Actor, at: datetime, dialogue_id: int, *, submission_id: int | None = None
) -> None:
    """An agent has followed a left dialogue up otherwise; names the submission made of it, if any.

    Raises NotFound, NotNow, Forbidden.
    """
    row = _listed(session, actor, dialogue_id)
    row.state, row.submission_id, row.ended_at, row.ended_by_id = "closed", submission_id, at, actor.account_id
    row.version += 1
    audit.record(session, at=at, actor_id=actor.account_id, action="dialogue_closed", subject="dialogue",
                 subject_id=row.id)  # fmt: skip


def _listed(session: Session, actor: Actor, dialogue_id: int) -> Dialogue:
    actor.require("call.register")
    row = session.get(Dialogue, dialogue_id, with_for_update=True)
    if row is None:
        raise NotFound()
    if row.state != "left":
        raise NotNow("对方又接着写了，或已有人跟进，请刷新。", dialogue_id=row.id)
    return row
