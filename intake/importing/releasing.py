"""Publishing what was answered before the hub: by two named people, and only where nothing had to be masked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from cases.models import PublishedReply, Submission
from cases.operations import publishing
from core.clock import Clock
from core.database import Database
from core.errors import HubError, Invalid
from intake.importing.plan import BATCH, Plan, Progress, Report
from organisations.people import SYSTEM, Actor


def release(
    db: Database, clock: Clock, plan: Plan, releaser: Actor, confirmer: Actor, report: Report, progress: Progress
) -> None:
    """Publish the proposals of a source in which nothing had to be masked; the rest wait in the release queue.

    Two persons stand for it: `confirmer` is kept as the one who proposed, `releaser` as the one who released. Raises
    Invalid when they are one, Forbidden when one of them may not.
    """
    check(releaser, confirmer)
    after = 0
    while rows := _proposed(db, plan, after):
        after = rows[-1]
        with db.write() as session:
            for published_id in rows:
                _release_one(session, clock.now(), published_id, releaser, confirmer, report)
        progress(len(rows))


def state_consent(db: Database, clock: Clock, plan: Plan) -> int:
    """State for a source's proposals of which nothing is known that they were public already; gives how many."""
    after, stated = 0, 0
    while rows := _proposed(db, plan, after):
        after = rows[-1]
        with db.write() as session:
            for published_id in rows:
                submission = session.get_one(Submission, session.get_one(PublishedReply, published_id).submission_id)
                if submission.consent_publish is None:
                    publishing.change_consent(session, SYSTEM, clock.now(), submission.id, True)
                    stated += 1
    return stated


def check(releaser: Actor, confirmer: Actor) -> None:
    """Raise Invalid when they are one person, Forbidden when one of them may not."""
    if releaser.account_id == confirmer.account_id:
        raise Invalid({"confirmed_by": "发布人和确认人必须是两个人。"})
    confirmer.require("reply.propose")
    releaser.require("reply.release")


def count(db: Database, plan: Plan) -> int:
    """How many proposals of a source wait."""
    with db.read() as session:
        waiting = _waiting(plan).with_only_columns(func.count(PublishedReply.id))
        return session.scalar(waiting) or 0


def _waiting(plan: Plan) -> Select[tuple[int]]:
    return (
        select(PublishedReply.id)
        .join(Submission, Submission.id == PublishedReply.submission_id)
        .where(Submission.origin == plan.origin, PublishedReply.state == "proposed")
    )


def _proposed(db: Database, plan: Plan, after: int) -> list[int]:
    query = _waiting(plan).where(PublishedReply.id > after).order_by(PublishedReply.id).limit(BATCH)
    with db.read() as session:
        return list(session.scalars(query))


def _release_one(
    session: Session, now: datetime, published_id: int, releaser: Actor, confirmer: Actor, report: Report
) -> None:
    row = session.get_one(PublishedReply, published_id)
    if row.state != "proposed" or row.masked_count:
        report.kept_back += 1
        return
    if row.proposed_by_id is None:
        row.proposed_by_id = confirmer.account_id
    try:
        with session.begin_nested():
            publishing.release(session, releaser, now, published_id)
    except HubError:
        report.kept_back += 1
        return
    report.released += 1
