"""The event chain of a case: appending, checking, and the daily anchor."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from cases.models import Case, Event, HistoryAnchor
from core import damaged, ids, jobs
from core.rows import insert_new

START = "0" * 64


@dataclass(frozen=True)
class Subscription:
    """That a job is owed for events of these kinds (None: of every kind)."""

    job: str
    queue: str
    kinds: frozenset[str] | None
    wants: Callable[[Event], bool] = lambda event: True


_subscriptions: list[Subscription] = []


def subscribe(subscriptions: Iterable[Subscription]) -> None:
    """Set who hears of events; the composition roots call it once with the whole list."""
    _subscriptions[:] = list(subscriptions)


def append(
    session: Session,
    case: Case,
    kind: str,
    at: datetime,
    *,
    actor_id: int | None = None,
    organisation_id: int | None = None,
    submission_id: int | None = None,
    assignment_id: int | None = None,
    data: Mapping[str, Any] | None = None,
) -> Event:
    """Write one past-tense event under the case's version, and owe one job to each subscriber.

    `data` holds ids and codes. A quiet session (`session.info["quiet"]`, used by imports) owes nothing; nor does one
    that is "unheard" (the demonstration city's past), in which clocks run as always.
    """
    previous = _last_hash(session, case)
    case.seq += 1
    event = Event(
        case_id=case.id, seq=case.seq, kind=kind, at=at, actor_id=actor_id, organisation_id=organisation_id,
        submission_id=submission_id, assignment_id=assignment_id, data=dict(data or {}), previous=previous or START,
    )  # fmt: skip
    event.hash = event_hash(event)
    session.add(event)
    session.flush()
    session.info["last_event"] = (case.id, case.seq, event.hash)
    if not (session.info.get("quiet") or session.info.get("unheard")):
        for subscription in _subscriptions:
            if (subscription.kinds is None or kind in subscription.kinds) and subscription.wants(event):
                payload = {"event": event.id, "case": case.id}
                jobs.enqueue(session, subscription.job, str(event.id), payload, due=at, queue=subscription.queue)
    return event


def _last_hash(session: Session, case: Case) -> str | None:
    """The hash of a case's last event; the one that this session wrote last is remembered, unless it was undone."""
    case_id, seq, known = session.info.get("last_event", (None, None, None))
    if (case_id, seq) == (case.id, case.seq):
        return str(known)
    return session.scalar(select(Event.hash).where(Event.case_id == case.id, Event.seq == case.seq))


def event_hash(event: Event) -> str:
    """The hash that an event should carry, over everything it says (not its id) and the hash before it."""
    return hashlib.sha256(json.dumps(_said(event), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _said(event: Any) -> list[Any]:
    return [
        event.previous, event.case_id, event.seq, event.kind, event.at.astimezone(UTC).isoformat(), event.actor_id,
        event.organisation_id, event.submission_id, event.assignment_id, event.data,
    ]  # fmt: skip


def verify(session: Session) -> Iterable[str]:
    """Each fault of any case's history as a sentence that names the event: changed, missing, reordered, cut off.

    A row that can't be read was changed; the others are looked at all the same.
    """
    ends: dict[int, tuple[int, str]] = {}
    query = select(*damaged.columns(Event.metadata.tables["events"])).order_by(Event.case_id, Event.seq)
    for event in session.execute(query.execution_options(yield_per=2000)):
        seq, last = ends.get(event.case_id, (0, START))
        if not isinstance(event.seq, int):
            yield f"case {event.case_id}: event {event.seq} was changed"
            continue
        if event.seq != seq + 1:
            yield f"case {event.case_id}: event {seq + 1} is missing before event {event.seq}"
        elif event.previous != last:
            yield f"case {event.case_id}: event {event.seq} does not follow event {seq}"
        if event.hash != damaged.digest(partial(_said, event)):
            yield f"case {event.case_id}: event {event.seq} was changed"
        ends[event.case_id] = (event.seq, event.hash)
    yield from _cut_off(session, ends)
    yield from _not_as_anchored(session)


def _cut_off(session: Session, ends: Mapping[int, tuple[int, str]]) -> Iterable[str]:
    gone = set(ends)
    for case_id, seq, number in session.execute(select(Case.id, Case.seq, Case.number)):
        gone.discard(case_id)
        found = ends.get(case_id, (0, START))[0]
        if found != seq:
            yield f"case {case_id} ({number}): history ends at event {found}, should end at {seq}"
    for case_id in sorted(gone, key=str):
        yield f"case {case_id}: the case is gone, its history of {ends[case_id][0]} events is left"


def _not_as_anchored(session: Session) -> Iterable[str]:
    """The anchors whose event is gone or carries another hash, wherever in the chain it stands."""
    stored = and_(Event.case_id == HistoryAnchor.case_id, Event.seq == HistoryAnchor.seq)
    query = (
        select(HistoryAnchor.case_id, HistoryAnchor.seq, HistoryAnchor.day, Event.hash)
        .outerjoin(Event, stored)
        .where(or_(Event.hash.is_(None), Event.hash != HistoryAnchor.hash))
        .order_by(HistoryAnchor.case_id, HistoryAnchor.seq)
    )
    for case_id, seq, day, found in session.execute(query):
        fault = "is missing" if found is None else "is not the one that was anchored"
        yield f"case {case_id}: event {seq}, anchored on {day}, {fault}"


def unanchored(session: Session, day: date, after_id: int = 0, limit: int = 500) -> list[int]:
    """The ids of cases, `limit` at most and above `after_id`, with events after their last anchor; none of that day's.

    One walk along the cases' key with one look into an index for each, for a read session.
    """
    last = select(func.max(HistoryAnchor.seq)).where(HistoryAnchor.case_id == Case.id).scalar_subquery()
    today = select(HistoryAnchor.id).where(HistoryAnchor.case_id == Case.id, HistoryAnchor.day == day).exists()
    query = select(Case.id).where(Case.id > after_id, Case.seq > func.coalesce(last, 0), ~today)
    return list(session.scalars(query.order_by(Case.id).limit(limit)))


def anchor(session: Session, day: date, case_ids: Collection[int]) -> int:
    """Record the last event of each of some cases, once a case and day; gives how many are new."""
    query = select(Case.id, Case.seq, Event.hash).join(Event, and_(Event.case_id == Case.id, Event.seq == Case.seq))
    new = 0
    for case_id, seq, known in session.execute(query.where(Case.id.in_(case_ids)).order_by(Case.id)).all():
        values = {"id": ids.new_id(), "day": day, "case_id": case_id, "seq": seq, "hash": known}
        new += insert_new(session, HistoryAnchor, values)
    return new
