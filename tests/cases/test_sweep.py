"""Cards exactly once, silence, alerts: however often and however concurrently the sweep runs."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text, update
from town import TUESDAY, at, at_once

from cases import sweep as module
from cases.models import Alert, CallBack, Card, Case, CaseClock, Rating
from cases.operations import alerts, closing, handling, requests
from cases.sweep import RECOMPUTE, SWEEP, register, sweep
from core.clock import FixedClock
from core.jobs import Registry
from organisations.people import CITIZEN


def run(town, when) -> int:
    return sweep(town.db, FixedClock(when))


def levels(town) -> list[tuple[str, str]]:
    with town.db.read() as session:
        return [
            (session.get_one(CaseClock, card.clock_id).kind, card.level)
            for card in session.query(Card).order_by(Card.at)
        ]


def test_not_signed_in_time_is_yellow_once(town):
    case_id = town.case()
    lead_id = town.lead(case_id, signed=False)
    assert run(town, at(24, 15)) == 0
    assert [run(town, at(24, 15, 1)) for _ in range(3)] == [1, 0, 0]
    (card,) = town.rows(Card)
    assert (card.level, card.assignment_id, card.organisation_id) == ("yellow", lead_id, town.ids["bureau"])
    assert town.kinds(case_id).count("carded") == 1
    assert town.clock("sign").next_at is None


def test_zhengzhou_yellow_past_due_then_red_three_working_days_later(town):
    town.lead(town.case())
    assert run(town, at(1, 17, month=12)) == 0
    assert run(town, at(1, 17, 1, month=12)) == 1
    assert run(town, at(4, 17, month=12)) == 0
    assert [run(town, at(4, 18, month=12)) for _ in range(2)] == [1, 0]
    assert levels(town) == [("handle", "yellow"), ("handle", "red")]


def test_zhengzhou_an_extension_asked_for_spares_the_yellow_until_it_is_decided(town):
    lead_id = town.lead(town.case())
    with town.db.write() as session:
        row = requests.ask_extension(session, town.actor("handler@bureau"), at(25), lead_id, days=2, reason="等配件")
    assert run(town, at(2, 18, month=12)) == 0
    with town.db.write() as session:
        requests.refuse_request(session, town.officer, at(3, 9, month=12), row.id)
    assert run(town, at(3, 9, 1, month=12)) == 1
    assert levels(town) == [("handle", "yellow")]


def test_meizhou_reminder_yellow_red(meizhou):
    meizhou.lead(meizhou.case())
    given = [run(meizhou, moment) for moment in (
        at(27, 17), at(30, 9, 1), at(1, 18, month=12), at(2, 16, month=12), at(2, 18, month=12), at(3, 18, month=12),
        at(9, 18, month=12),
    )]  # fmt: skip
    assert given == [0, 1, 0, 0, 1, 1, 0]
    assert levels(meizhou) == [("handle", "reminder"), ("handle", "yellow"), ("handle", "red")]
    assert [kind for kind in meizhou.kinds(meizhou.rows(Case)[0].id) if kind in {"reminded", "carded"}] == [
        "reminded", "carded", "carded",
    ]  # fmt: skip


def test_a_sweep_that_slept_gives_each_level_once(meizhou):
    meizhou.lead(meizhou.case(), signed=False)
    assert run(meizhou, at(20, 9, month=12)) == 4
    assert run(meizhou, at(21, 9, month=12)) == 0
    assert sorted(levels(meizhou)) == [
        ("handle", "red"), ("handle", "reminder"), ("handle", "yellow"), ("sign", "yellow"),
    ]  # fmt: skip


def test_concurrent_sweeps_give_each_card_once(meizhou):
    cases = [meizhou.case(f"第{n}件", f"内容{n}") for n in range(4)]
    for case_id in cases:
        meizhou.lead(case_id, signed=False)
    done = at_once([lambda: run(meizhou, at(20, 9, month=12))] * 6)
    assert sum(done) == 16
    assert len(meizhou.rows(Card)) == 16
    for case_id in cases:
        assert [kind for kind in meizhou.kinds(case_id) if kind in {"reminded", "carded"}].count("carded") == 3


def test_feedback_stops_cards_and_sending_back_brings_them(town):
    lead_id = town.fed_back(town.case(), when=at(1, 16, month=12))
    assert run(town, at(3, 9, month=12)) == 0
    with town.db.write() as session:
        closing.send_back(session, town.officer, at(3, 10, month=12), lead_id, reason="没有解决")
    assert run(town, at(3, 10, 1, month=12)) == 1


def test_a_suspended_clock_earns_nothing(town):
    lead_id = town.lead(town.case())
    with town.db.write() as session:
        row = requests.ask_suspension(session, town.actor("handler@bureau"), at(25), lead_id, reason="等鉴定")
        requests.grant(session, town.officer, at(25), row.id)
    assert run(town, at(30, 9, month=12)) == 0
    assert town.rows(Card) == []


def test_silence_leads_to_a_call_back_and_then_to_not_rated(town):
    case_id = town.case()
    town.asking(case_id)
    submission_id = town.submission(case_id)
    assert run(town, at(27, 12)) == 0
    assert [run(town, at(28, 1)) for _ in range(2)] == [1, 0]
    (call,) = town.rows(CallBack)
    assert (call.submission_id, call.reason, call.state, call.round) == (submission_id, "silence", "open", 1)
    assert call.due_at == at(2, 17, month=12)
    assert town.get(Case, case_id).stage == "asking"
    assert [run(town, at(2, 18, month=12)) for _ in range(2)] == [1, 0]
    (rating,) = town.rows(Rating)
    assert (rating.contacted, rating.resolved, rating.satisfaction, rating.way) == (None, None, None, "lapsed")
    case = town.get(Case, case_id)
    assert (case.stage, case.outcome) == ("closed", "done")
    assert town.rows(CallBack)[0].state == "dropped"
    assert all(clock.ended_at for clock in town.rows(CaseClock))


def test_who_answers_late_is_heard_after_the_lapse(town):
    case_id = town.case()
    town.asking(case_id)
    run(town, at(28, 1))
    run(town, at(2, 18, month=12))
    with town.db.write() as session:
        closing.rate(session, CITIZEN, at(5, month=12), town.submission(case_id), True, False, 1)
    (rating,) = town.rows(Rating)
    assert (rating.resolved, rating.way) == (False, "web")


def test_an_alert_is_sent_again_at_any_hour_until_it_was_seen(town):
    night = at(24, 3)
    case_id = town.case()
    with town.db.write() as session:
        alert = alerts.raise_(session, night, session.get_one(Case, case_id), "gas")
    assert run(town, night + timedelta(minutes=1)) == 0
    assert [run(town, night + timedelta(minutes=16)) for _ in range(2)] == [2, 0]  # the alert, and a yellow card
    assert run(town, night + timedelta(minutes=32)) == 1
    assert town.get(Alert, alert.id).sent_count == 2
    assert town.kinds(case_id).count("alert_resent") == 2
    with town.db.write() as session:
        alerts.acknowledge(session, town.officer, night + timedelta(minutes=40), alert.id)
    assert run(town, night + timedelta(hours=9)) == 0


def test_one_clock_that_fails_does_not_hold_the_others(town, monkeypatch):
    broken = town.lead(town.case("甲", "甲的内容"), signed=False)
    town.lead(town.case("乙", "乙的内容"), signed=False)
    real = module._give

    def give(session, clock, case, level, now):
        if clock.subject_id == broken:
            raise RuntimeError("broken")
        return real(session, clock, case, level, now)

    monkeypatch.setattr(module, "_give", give)
    assert run(town, at(24, 16)) == 1
    monkeypatch.undo()
    assert run(town, at(24, 16, 11)) == 1  # it was put off
    assert len(town.rows(Card)) == 2


def test_the_sweeps_query_uses_its_index_and_closed_cases_do_not_stand_in_it(town):
    town.lead(town.case())
    with town.db.write() as session:
        session.execute(update(CaseClock).values(next_at=None, ended_at=TUESDAY))
    explain = "EXPLAIN QUERY PLAN" if town.db.is_sqlite else "EXPLAIN"
    with town.db.read() as session:
        if not town.db.is_sqlite:
            session.execute(text("SET LOCAL enable_seqscan = off"))  # a small table is read whole whatever the index
        plan = session.execute(
            text(f"{explain} SELECT id FROM case_clocks WHERE next_at < '2027-01-01' ORDER BY next_at LIMIT 500")
        ).all()
    found = "\n".join(str(row[-1]) for row in plan)
    assert "ix_case_clocks_sweep" in found
    assert ("SEARCH" if town.db.is_sqlite else "Index Cond: (next_at <") in found
    assert run(town, at(30, month=12)) == 0


def test_signing_in_time_leaves_nothing_for_the_sweep(town):
    lead_id = town.lead(town.case(), signed=False)
    with town.db.write() as session:
        handling.sign(session, town.actor("handler@bureau"), at(24, 11), lead_id)
    assert run(town, at(24, 16)) == 0


def test_the_jobs_of_the_room_are_registered():
    registry = Registry()
    register(registry)
    assert set(registry.handlers) == {SWEEP, RECOMPUTE}
