"""Anchors: a rewritten or cut-off chain is named, and no event stays without one for long."""

from __future__ import annotations

from datetime import date

from sqlalchemy import delete, select
from town import at

from cases import history, upkeep
from cases.models import Case, Event, HistoryAnchor
from core.clock import FixedClock
from core.jobs import Registry, enqueue, run_due

DAY = date(2026, 11, 24)


def night(town, when) -> None:
    """What the daily job does."""
    registry = Registry()
    registry.handlers[upkeep.ANCHOR] = upkeep._anchor
    registry.queues[upkeep.ANCHOR] = "jobs"
    with town.db.write() as session:
        enqueue(session, upkeep.ANCHOR, str(when), due=when)
    assert run_due(town.db, FixedClock(when), registry, "jobs") == 1


def faults(town) -> list[str]:
    with town.db.read() as session:
        return list(history.verify(session))


def anchored(town) -> list[tuple[int, int]]:
    return [(row.case_id, row.seq) for row in town.rows(HistoryAnchor)]


def rewrite(town, case_id: int) -> None:
    """Change the first event of a case, and every hash after it so that the chain holds."""
    with town.db.write() as session:
        last = history.START
        for event in session.scalars(select(Event).where(Event.case_id == case_id).order_by(Event.seq)):
            event.previous = last
            if event.seq == 1:
                event.data = {**event.data, "forged": True}
            event.hash = last = history.event_hash(event)


def test_a_chain_rewritten_before_an_anchor_is_named_when_it_went_on(town):
    case_id = town.case()
    night(town, at(24, 2))
    [(_case, seq)] = anchored(town)
    town.lead(case_id)
    assert faults(town) == []
    rewrite(town, case_id)
    assert faults(town) == [f"case {case_id}: event {seq}, anchored on {DAY}, is not the one that was anchored"]


def test_an_anchored_event_that_was_cut_off_is_named(town):
    case_id = town.case()
    night(town, at(24, 2))
    [(_case, seq)] = anchored(town)
    with town.db.write() as session:
        session.execute(delete(Event).where(Event.case_id == case_id, Event.seq == seq))
        session.get_one(Case, case_id).seq = seq - 1
    assert faults(town) == [f"case {case_id}: event {seq}, anchored on {DAY}, is missing"]


def test_what_happened_before_a_long_standstill_is_anchored_after_it(town):
    case_id = town.case(when=at(1))
    night(town, at(24, 2))
    assert [one for one, _seq in anchored(town)] == [case_id]


def test_only_what_went_on_is_anchored_again_and_once_a_day(town):
    quiet, moved = town.case(), town.case("第二件")
    night(town, at(24, 2))
    town.lead(moved)
    night(town, at(24, 3))
    assert sorted(one for one, _seq in anchored(town)) == sorted([quiet, moved])
    night(town, at(25, 2))
    assert [one for one, _seq in anchored(town)].count(moved) == 2
    assert [one for one, _seq in anchored(town)].count(quiet) == 1


def test_every_chunk_is_anchored(town):
    cases = [town.case(f"第{n}件") for n in range(5)]
    renewed = []
    assert upkeep.anchor_all(town.db, DAY, lambda: renewed.append(1), chunk=2) == 5
    assert len(renewed) == 3  # the job's lease after each chunk
    assert sorted(one for one, _seq in anchored(town)) == sorted(cases)
    assert upkeep.anchor_all(town.db, DAY, chunk=2) == 0
