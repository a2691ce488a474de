"""When clocks are due, which policy they follow, and what moves them."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import update
from town import TUESDAY, at

from cases import clocks
from cases.clocks import due_of
from cases.deadlines import SHIPPED, LateRule, card_moments
from cases.models import Assignment, Case, CaseClock, DeadlinePolicy
from cases.seed import seed_policies
from cases.sweep import recompute_all
from organisations.calendar import WorkingCalendar
from organisations.models import WorkingDay

CALENDAR = WorkingCalendar()


@pytest.mark.parametrize(
    ("unit", "start", "amount", "outside", "due"),
    [
        ("working_minutes", at(24, 10), 240, None, at(24, 15)),
        ("working_minutes", at(24, 16), 240, None, at(25, 12)),
        ("working_minutes", at(24, 20), 240, 1440, at(25, 20)),
        ("working_days", at(27, 16), 2, None, at(1, 17, month=12)),
        ("working_days", at(30, 10, month=12), 3, None, at(4, 17, month=1, year=2027)),  # that year: Monday to Friday
        ("elapsed_minutes", at(24, 23, 50), 15, None, at(25, 0, 5)),
    ],
)
def test_each_unit_is_counted_its_own_way(unit, start, amount, outside, due):
    assert due_of(CALENDAR, unit, start, amount, outside) == due


def test_calendar_days_end_at_midnight():
    assert due_of(CALENDAR, "calendar_days", at(24), 15).isoformat() == "2026-12-09T15:59:59+00:00"


@pytest.mark.parametrize(
    ("unit", "amount", "outside", "due"),
    [
        ("working_minutes", 240, None, at(25, 15)),
        ("working_minutes", 240, 1440, at(26, 10)),
        ("working_days", 2, None, at(27, 17)),
        ("elapsed_minutes", 60, None, at(25, 11)),
    ],
)
def test_a_pause_of_a_day_moves_each_unit_by_its_own_day(unit, amount, outside, due):
    pause = (at(24, 11), at(25, 11))
    assert due_of(CALENDAR, unit, at(24, 10), amount, outside, [pause]) == due


def test_the_most_specific_policy_wins(town):
    case_id = town.case()
    with town.db.read() as session:
        case = session.get_one(Case, case_id)
        for nature, urgent, amount in ((None, False, 5), ("咨询", False, 2), ("建议", False, 10), ("建议", True, 1)):
            case.nature, case.urgent = nature, urgent
            assert clocks.policy_for(session, case, "handle").amount == amount
        session.expunge_all()


def test_the_active_set_and_the_newest_row_count(town):
    case_id = town.case()
    with town.db.write() as session:
        old = session.query(DeadlinePolicy).filter_by(policy_set="zhengzhou", kind="handle", nature="投诉").one()
        old.ended_at = TUESDAY
        session.add(
            DeadlinePolicy(policy_set="zhengzhou", track="hotline", kind="handle", nature="投诉", version=2,
                           unit="working_days", amount=7)
        )  # fmt: skip
        session.add(
            DeadlinePolicy(policy_set="meizhou", track="hotline", kind="handle", nature="投诉", version=9,
                           unit="working_days", amount=99)
        )  # fmt: skip
    assert town.get(Assignment, town.lead(case_id)).due_at == at(3, 17, month=12)


def test_policies_are_seeded_once_and_changed_rows_stay(town):
    with town.db.write() as session:
        session.execute(update(DeadlinePolicy).values(amount=77))
        seed_policies(session, TUESDAY, "meizhou")
    rows = town.rows(DeadlinePolicy)
    assert len(rows) == sum(len(policies) for policies in SHIPPED.values())
    assert {row.amount for row in rows} == {77}
    with pytest.raises(ValueError, match="no policy set"), town.db.write() as session:
        seed_policies(session, TUESDAY, "nowhere")


def test_arriving_out_of_hours_a_day_is_given_to_sign(town):
    case_id = town.case()
    with town.db.write() as session:
        case = session.get_one(Case, case_id)
        clock = clocks.start(session, case, subject="assignment", subject_id=town_assignment(session, case, town),
                             kind="sign", at=at(24, 19), cause="assigned")  # fmt: skip
        assert clock.due_at == at(25, 19)


def town_assignment(session, case, town) -> int:
    row = Assignment(case_id=case.id, organisation_id=town.ids["bureau"], role="lead", kind="assign", round=1,
                     state="to_sign", created_at=TUESDAY)  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


def test_a_quiet_session_starts_no_clock(town):
    case_id = town.case()
    with town.db.write() as session:
        session.info["quiet"] = True
        case = session.get_one(Case, case_id)
        assert clocks.start(session, case, subject="case", subject_id=case_id, kind="settle", at=TUESDAY,
                            cause="rated") is None  # fmt: skip


def test_a_promise_begins_again_only_with_a_new_round(town):
    case_id = town.case()
    submission_id = town.submission(case_id)
    with town.db.write() as session:
        case = session.get_one(Case, case_id)
        clocks.end(session, "submission", submission_id, "promise", at(25), "answer_served")
        again = clocks.start(session, case, subject="submission", subject_id=submission_id, kind="promise", at=at(26),
                             cause="back_to_review")  # fmt: skip
        assert again.started_at == TUESDAY
        anew = clocks.start(session, case, subject="submission", subject_id=submission_id, kind="promise", at=at(26),
                            cause="reopened")  # fmt: skip
        assert anew.started_at == at(26)
    assert len(town.rows(CaseClock, kind="promise")) == 2


def test_open_clocks_follow_the_calendar_when_its_rows_change(town):
    case_id, closed = town.case(), town.case("另一件", "完全不同的内容")
    lead_id = town.lead(case_id)
    old_id = town.asking(closed)
    before = town.get(Assignment, old_id).due_at
    with town.db.write() as session:
        session.add(WorkingDay(day=date(2026, 11, 26), is_working=False))
        session.add(WorkingDay(day=date(2026, 11, 27), is_working=False, organisation_id=town.ids["bureau"]))
    recompute_all(town.db)
    assert town.get(Assignment, lead_id).due_at == town.get(Case, case_id).due_at == at(3, 17, month=12)
    assert town.get(Case, case_id).promise_at == at(4, 17, month=12)
    assert town.clock("handle", subject_id=lead_id).next_at == at(3, 17, month=12)
    assert town.get(Assignment, old_id).due_at == before


def moments(rule, given=(), asked=False, started=TUESDAY, due=None):
    return card_moments(
        rule, started=started, due=due or at(27, 17), given=dict(given), extension_asked=asked,
        add_days=CALENDAR.add_working_days, opening=CALENDAR.next_working_moment,
    )  # fmt: skip


def test_zhengzhou_gives_red_three_working_days_after_the_yellow():
    rule = LateRule(yellow_after=0, red_after=3, red_from="yellow", extension_excuses=True)
    assert moments(rule) == [("yellow", at(27, 17))]
    assert moments(rule, asked=True) == []
    assert moments(rule, {"yellow": at(30)}) == [("red", at(3, 17, month=12))]
    assert moments(rule, {"yellow": at(30), "red": at(4)}) == []


def test_meizhou_reminds_and_counts_from_the_due_moment():
    rule = LateRule(remind_before=2, yellow_after=1, red_after=2)
    # two working days before Friday evening is when Thursday opens
    assert moments(rule) == [("reminder", at(26, 9)), ("yellow", at(30, 17)), ("red", at(1, 17, month=12))]
    assert moments(rule, asked=True)[1:] == moments(rule)[1:]
    assert moments(rule, {"reminder": at(26)}) == [("yellow", at(30, 17)), ("red", at(1, 17, month=12))]
    # a limit shorter than that is not reminded of
    assert moments(rule, started=at(26, 10)) == [("yellow", at(30, 17)), ("red", at(1, 17, month=12))]
