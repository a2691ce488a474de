"""What fails is put off, so that no number of broken rows keeps the others from their turn."""

from __future__ import annotations

from datetime import timedelta

from town import at

from cases import sweep as module
from cases.models import Alert, Card, Case
from cases.operations import alerts
from cases.sweep import sweep
from core.clock import FixedClock


def test_broken_clocks_do_not_starve_the_others(town, monkeypatch):
    broken = town.lead(town.case("甲", "甲的内容"), signed=False)
    town.lead(town.case("乙", "乙的内容"), signed=False)
    real = module._give

    def give(session, clock, case, level, now):
        if clock.subject_id == broken:
            raise RuntimeError("broken")
        return real(session, clock, case, level, now)

    monkeypatch.setattr(module, "_give", give)
    when = at(24, 16)
    given = [sweep(town.db, FixedClock(when + timedelta(minutes=n)), limit=1) for n in range(2)]
    assert sum(given) == 1
    assert town.clock("sign", subject_id=broken).next_at == when + timedelta(minutes=10)
    monkeypatch.undo()
    assert sweep(town.db, FixedClock(when + timedelta(minutes=11))) == 1
    assert len(town.rows(Card)) == 2


def test_a_broken_alert_is_put_off(town, monkeypatch):
    case_id = town.case()
    with town.db.write() as session:
        alert = alerts.raise_(session, at(24), session.get_one(Case, case_id), "gas")

    def interval(session, case):
        raise RuntimeError("broken")

    monkeypatch.setattr(module, "_alert_interval", interval)
    sweep(town.db, FixedClock(at(24, 11)))
    assert town.get(Alert, alert.id).next_at == at(24, 11, 10)
