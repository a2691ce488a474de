"""Open clocks reckoned again: each under its case's lock, nothing granted meanwhile lost, nothing changed in vain."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import update
from town import TUESDAY, at

from cases import clocks
from cases import sweep as module
from cases.models import Assignment, Case, CaseClock
from cases.operations import base, dispatch
from cases.sweep import recompute_all
from organisations.models import WorkingDay


def test_every_chunk_is_done_and_the_lease_renewed_after_each(town):
    town.lead(town.case())
    with town.db.write() as session:
        session.execute(update(CaseClock).values(due_at=TUESDAY))
    renewed: list[int] = []
    recompute_all(town.db, lambda: renewed.append(1), chunk=1)
    running = [clock for clock in town.rows(CaseClock) if clock.ended_at is None]
    assert len(renewed) == len(running) > 1
    assert all(clock.due_at != TUESDAY for clock in running)


def test_nothing_new_leaves_the_cases_version(town):
    case_id = town.case()
    town.lead(case_id)
    before = town.get(Case, case_id).version
    recompute_all(town.db)
    assert town.get(Case, case_id).version == before


def test_a_clock_that_fails_leaves_the_others_done(town, monkeypatch):
    first, second = town.lead(town.case()), town.lead(town.case("另一件", "完全不同的内容"))
    with town.db.write() as session:
        session.add(WorkingDay(day=date(2026, 11, 26), is_working=False))
    broken, real = town.clock("handle", subject_id=first).id, clocks.reckon

    def reckon(session, clock):
        if clock.id == broken:
            raise RuntimeError("broken")
        real(session, clock)

    monkeypatch.setattr(clocks, "reckon", reckon)
    recompute_all(town.db)
    assert town.get(Assignment, second).due_at == at(2, 17, month=12)
    assert town.get(Assignment, first).due_at == at(1, 17, month=12)


@pytest.mark.postgresql
def test_an_extension_granted_meanwhile_is_kept(town, monkeypatch):
    lead_id = town.lead(town.case())
    clock_id, real, granted = town.clock("handle", subject_id=lead_id).id, base.lock_case, []

    def lock_case(session, case_id, version=None):
        if clock_id in {one.id for one in session.identity_map.values()} and not granted:
            granted.append(1)
            with town.db.write() as other:
                real(other, case_id)
                clocks.extend(other, other.get_one(CaseClock, clock_id), 2)
        return real(session, case_id, version)

    monkeypatch.setattr(module, "lock_case", lock_case)
    recompute_all(town.db)
    assert granted and town.clock("handle", subject_id=lead_id).extended == 2
    assert town.get(Assignment, lead_id).due_at == at(3, 17, month=12)


def test_an_automatic_dispatch_out_of_hours_gives_a_day_to_sign(town):
    for when, due in ((at(24, 19), at(25, 19)), (at(24, 10), at(24, 15))):
        case_id = town.case()
        with town.db.write() as session:
            lead = dispatch.assign(session, town.officer, when, case_id, town.ids["bureau"], sign_minutes=240)
        assert town.get(Assignment, lead.id).sign_due_at == due
