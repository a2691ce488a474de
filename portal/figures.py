"""数据公开: a few figures of the last thirty days, each with how it is counted; kept for ten minutes.

Each query walks an index over those thirty days only, so its cost does not grow with what was closed before.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import flask
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from cases.models import Case, CaseClock, Event, PublishedReply, Rating, Submission
from core.clock import LOCAL, to_local
from core.database import Database
from core.web.access import public
from core.web.context import now
from core.web.parts import part

DAYS = 30
KEEP = timedelta(minutes=10)
CONTENT = 3
"""基本满意 and better count as content."""


@dataclass(frozen=True)
class Figures:
    """Counts from the beginning of the day `since` to `until`; a share is None where there is nothing to count."""

    since: datetime
    until: datetime
    received: int
    today: int
    due: int
    in_time: int
    rated: int
    content: int
    resolved: int
    unresolved: int
    published: int

    @property
    def in_time_share(self) -> float | None:
        """Per cent of promises kept, of those that ended."""
        return _share(self.in_time, self.due)

    @property
    def content_share(self) -> float | None:
        """Per cent of the satisfied, of those who said how satisfied they are."""
        return _share(self.content, self.rated)

    @property
    def resolved_share(self) -> float | None:
        """Per cent of the resolved, of those who said so or the contrary."""
        return _share(self.resolved, self.resolved + self.unresolved)


_kept: WeakKeyDictionary[Database, tuple[datetime, Figures]] = WeakKeyDictionary()
_lock = threading.Lock()


def add_to(blueprint: flask.Blueprint) -> None:
    """Register the views of this module."""
    blueprint.add_url_rule("/figures", "figures", figures_page)


@public
def figures_page() -> Any:
    """The figures, and how each is counted."""
    return flask.render_template("portal/figures.html", figures=figures(part(Database), now()), days=DAYS)


def figures(db: Database, at: datetime) -> Figures:
    """The figures, at most ten minutes old."""
    with _lock:
        kept = _kept.get(db)
        if kept is None or not kept[0] <= at < kept[0] + KEEP:
            with db.read() as session:
                kept = _kept[db] = (at, count(session, at))
        return kept[1]


def count(session: Session, at: datetime) -> Figures:
    """The figures as they are now: thirty whole days and today until now. What was imported is not counted."""
    today = datetime.combine(to_local(at).date(), time(), LOCAL)
    since = today - timedelta(days=DAYS)
    due, in_time = _promises(session, since)
    rated, content, resolved, unresolved = _ratings(session, since)
    return Figures(
        since, at, _received(session, since), _received(session, today), due, in_time, rated, content, resolved,
        unresolved, _published(session, since),
    )  # fmt: skip


def _received(session: Session, since: datetime) -> int:
    query = select(func.count(Submission.id)).where(
        Submission.received_at >= since, Submission.submitted_at.is_not(None), Submission.imported_at.is_(None)
    )
    return session.scalar(query) or 0


def _promises(session: Session, since: datetime) -> tuple[int, int]:
    """How many promises ended with an answer, or ran out without one, and how many answers came in time."""
    kept = func.sum(case((CaseClock.ended_at <= CaseClock.due_at, 1), else_=0))
    query = select(func.count(CaseClock.id), kept).where(
        CaseClock.ended_at >= since, CaseClock.kind == "promise", CaseClock.end_cause == "answer_served"
    )
    total, in_time = session.execute(query).one()
    return int(total), int(in_time or 0)


def _ratings(session: Session, since: datetime) -> tuple[int, int, int, int]:
    """How many said how satisfied they are, how many of them are; how many said resolved, and not."""
    rated = select(Event.submission_id).where(Event.kind == "rated", Event.at >= since).distinct()

    def ones(condition: Any) -> Any:
        return func.sum(case((condition, 1), else_=0))

    query = select(
        ones(Rating.satisfaction.is_not(None)), ones(Rating.satisfaction >= CONTENT), ones(Rating.resolved.is_(True)),
        ones(Rating.resolved.is_(False)),
    ).where(Rating.submission_id.in_(rated), Rating.at >= since)  # fmt: skip
    first, second, third, fourth = (int(value or 0) for value in session.execute(query).one())
    return first, second, third, fourth


def _published(session: Session, since: datetime) -> int:
    query = select(func.count(PublishedReply.id)).join(Case, Case.id == PublishedReply.case_id)
    return session.scalar(query.where(
        PublishedReply.state == "released", PublishedReply.published_at >= since, Case.accusation == "no"
    )) or 0  # fmt: skip


def _share(part_of: int, whole: int) -> float | None:
    return round(100 * part_of / whole, 1) if whole else None
