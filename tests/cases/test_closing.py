"""From feedback to the end of a round, a new round, and merging."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from town import TUESDAY, at

from cases import history
from cases.errors import AlreadyThere, Conflict, Forbidden, Invalid, NotNow
from cases.models import (
    Alert,
    Answer,
    AnswerSubmission,
    Assignment,
    Case,
    CaseClock,
    Classification,
    HandlingNote,
    Rating,
    Submission,
    SubmissionCase,
    UnitEvaluation,
)  # fmt: skip
from cases.operations import alerts, closing, dispatch, handling, merging, messages, rounds
from cases.operations.base import submissions_of
from cases.sweep import sweep
from classifier.taxonomy import read_taxonomy
from core.clock import FixedClock
from organisations.people import CITIZEN, SYSTEM


def rate(town, case_id, resolved=True, satisfaction=5, when=None, submission_id=None):
    with town.db.write() as session:
        return closing.rate(session, CITIZEN, when or at(25), submission_id or town.submission(case_id), True, resolved,
                            satisfaction, "谢谢")  # fmt: skip


def test_confirming_serves_the_answer_and_asks_the_citizen(town):
    case_id = town.case()
    lead_id = town.fed_back(case_id)
    with town.db.write() as session:
        answer = closing.confirm(session, town.officer, at(25), lead_id, answer="您好，路灯已修好，谢谢反映。")
    stored = town.get(Answer, answer.id)
    assert (stored.kind, stored.state, stored.text, stored.served_at) == (
        "citizen", "served", "您好，路灯已修好，谢谢反映。", at(25),
    )  # fmt: skip
    submission_id = town.submission(case_id)
    served = town.rows(AnswerSubmission, answer_id=answer.id)
    assert [(row.submission_id, row.served_at, row.served_way) for row in served] == [(submission_id, at(25), "web")]
    submission = town.get(Submission, submission_id)
    assert (submission.served_at, submission.served_way) == (at(25), "web")
    case = town.get(Case, case_id)
    assert (case.stage, case.status, town.get(Assignment, lead_id).state) == ("asking", "doing", "confirmed")
    assert town.clock("promise").end_cause == "answer_served"
    ask = town.clock("ask")
    assert ask.ended_at is None and ask.due_at.astimezone(TUESDAY.tzinfo).date().isoformat() == "2026-11-28"
    report = next(row for row in town.rows(Answer, case_id=case_id) if row.kind == "report")
    assert (report.state, report.approver_id) == ("approved", town.officer.account_id)


def test_the_drafted_answer_serves_and_without_any_nothing_happens(town):
    case_id = town.case()
    lead_id = town.lead(case_id)
    with town.db.write() as session:
        handling.feed_back(session, town.actor("handler@bureau"), TUESDAY, lead_id, report="已修好，到现场看过无误")
    with pytest.raises(Invalid), town.db.write() as session:
        closing.confirm(session, town.officer, TUESDAY, lead_id)
    assert town.get(Case, case_id).stage == "fed_back"
    other = town.fed_back(town.case())
    with town.db.write() as session:
        assert closing.confirm(session, town.officer, TUESDAY, other).text == "您好，路灯已修好，请放心。"


def test_one_confirms_work_that_one_assigned_and_never_ones_own(town):
    lead_id = town.fed_back(town.case())
    with pytest.raises(Forbidden), town.db.write() as session:
        closing.confirm(session, town.actor("approver@bureau"), TUESDAY, lead_id, answer="您好，已修好，请您放心出行")
    own = town.case()
    own_id = town.fed_back(own, "city")
    with pytest.raises(Forbidden) as refused, town.db.write() as session:
        closing.confirm(session, town.officer, TUESDAY, own_id)
    assert "上一级" in refused.value.message


def test_confirming_ends_the_co_handlers(town):
    case_id = town.case()
    lead_id = town.lead(case_id, co_ids=[town.ids["water"], town.ids["housing"]])
    _lead, water, housing = town.rows(Assignment, case_id=case_id)
    with town.db.write() as session:
        handling.sign(session, town.actor("handler@water"), TUESDAY, water.id)
        handling.feed_back(session, town.actor("handler@water"), TUESDAY, water.id, report="管道完好，没有发现渗漏")
        handling.feed_back(session, town.actor("handler@bureau"), TUESDAY, lead_id, report="已修好，到现场看过无误",
                           answer="您好，已修好，请您放心出行",
                           co_opinions={housing.id: "无"})  # fmt: skip
        closing.confirm(session, town.officer, TUESDAY, lead_id)
    assert [row.state for row in town.rows(Assignment, case_id=case_id)] == ["confirmed", "confirmed", "taken_back"]
    assert {row.kind for row in town.rows(CaseClock, case_id=case_id) if row.ended_at is None} == {"ask"}


def test_sent_back_work_goes_on_as_if_its_clock_had_never_stopped(town):
    case_id = town.case()
    lead_id = town.fed_back(case_id, when=at(25))
    due = town.clock("handle").due_at
    with town.db.write() as session:
        closing.send_back(session, town.officer, at(27), lead_id, reason="没有回答群众的问题")
    clock = town.clock("handle")
    assert (clock.ended_at, clock.due_at, clock.next_at) == (None, due, due)
    assert town.get(Assignment, lead_id).due_at == due
    assert (town.get(Assignment, lead_id).state, town.get(Case, case_id).stage) == ("doing", "assigned")
    assert [row.text for row in town.rows(HandlingNote, kind="sent_back")] == ["没有回答群众的问题"]
    assert {row.state for row in town.rows(Answer, case_id=case_id)} == {"sent_back"}


def test_a_content_citizen_closes_the_case(town):
    case_id = town.case()
    town.asking(case_id)
    rating = rate(town, case_id)
    assert (rating.round, rating.resolved, rating.satisfaction, rating.comment) == (1, True, 5, "谢谢")
    case = town.get(Case, case_id)
    assert (case.stage, case.status, case.outcome, case.closed_at) == ("closed", "closed", "done", at(25))
    assert all(clock.ended_at for clock in town.rows(CaseClock, case_id=case_id))
    with pytest.raises(AlreadyThere):
        rate(town, case_id, satisfaction=1)


def test_an_unresolved_matter_waits_for_an_officer(town):
    case_id = town.case()
    town.asking(case_id)
    with pytest.raises(NotNow), town.db.write() as session:
        closing.close(session, town.officer, at(25), case_id)
    rate(town, case_id, resolved=False, satisfaction=1)
    assert town.get(Case, case_id).stage == "asking"
    assert {row.kind for row in town.rows(CaseClock, case_id=case_id) if row.ended_at is None} == {"settle"}
    with town.db.write() as session:
        closing.close(session, town.officer, at(26), case_id)
    assert town.get(Case, case_id).outcome == "done"


def object_to(town, submission_id, when):
    with town.db.write() as session:
        messages.object_(session, CITIZEN, when, submission_id, "根本没修", origin="web", origin_key="o1",
                         channel="web")  # fmt: skip


def test_an_objection_is_no_silence_and_waits_for_an_officer(town):
    case_id = town.case()
    town.asking(case_id)
    object_to(town, town.submission(case_id), at(25))
    assert {row.kind for row in town.rows(CaseClock, case_id=case_id) if row.ended_at is None} == {"settle"}
    sweep(town.db, FixedClock(at(20, month=12)))
    assert (town.get(Case, case_id).stage, town.rows(Rating)) == ("asking", [])
    with town.db.write() as session:
        rounds.reopen(session, town.officer, at(20, month=12), case_id, reason="异议成立")
    assert town.get(Case, case_id).round == 2


def test_one_citizens_silence_does_not_close_what_another_calls_unresolved(town):
    first, second = town.case(), town.case("路灯不亮", "巷口的路灯一个月没亮了")
    own = town.submission(first)
    with town.db.write() as session:
        merging.merge(session, town.officer, at(24, 11), first, second)
    town.asking(second, when=at(24, 12))
    rate(town, second, submission_id=own, resolved=False)
    for when in (at(28), at(10, month=12)):
        sweep(town.db, FixedClock(when))
    assert town.get(Case, second).stage == "asking"
    assert sorted((row.resolved, row.way) for row in town.rows(Rating) if row.way == "web") == [(False, "web")]
    assert town.clock("settle").ended_at is None


@pytest.mark.parametrize("satisfaction", [0, 6])
def test_a_judgement_is_checked(town, satisfaction):
    case_id = town.case()
    town.asking(case_id)
    with pytest.raises(Invalid):
        rate(town, case_id, satisfaction=satisfaction)
    with pytest.raises(Invalid), town.db.write() as session:
        closing.rate(session, CITIZEN, at(25), town.submission(case_id), None, None, None, " ")
    assert town.rows(Rating) == []


def test_the_unit_is_evaluated_once_and_in_time_as_its_clock_says(town):
    lead_id = town.asking(town.case())
    with town.db.write() as session:
        closing.evaluate(session, town.officer, at(26), lead_id, quality=4)
    (row,) = town.rows(UnitEvaluation)
    assert (row.in_time, row.quality) == (True, 4)
    with pytest.raises(AlreadyThere), town.db.write() as session:
        closing.evaluate(session, town.officer, at(26), lead_id, quality=5)


def test_a_new_round_leaves_the_closed_one_as_it_was(town):
    case_id = town.case()
    first_id = town.asking(case_id)
    rate(town, case_id)
    before = town.get(Assignment, first_id)
    with town.db.write() as session:
        rounds.reopen(session, town.officer, at(30), case_id, reason="又坏了")
    case = town.get(Case, case_id)
    assert (case.stage, case.status, case.round, case.outcome, case.closed_at, case.lead_id) == (
        "review", "pending", 2, None, None, None,
    )  # fmt: skip
    assert case.promise_at == at(9, 17, month=12)
    second_id = town.lead(case_id, "water")
    assert [row.round for row in town.rows(Assignment, case_id=case_id)] == [1, 2]
    after = town.get(Assignment, first_id)
    assert (after.state, after.ended_at, after.due_at) == (before.state, before.ended_at, before.due_at)
    assert [row.round for row in town.rows(Rating)] == [1]
    assert town.get(Case, case_id).lead_id == town.ids["water"]
    with town.db.write() as session:
        handling.feed_back(
            session,
            town.actor("handler@water"),
            at(30),
            second_id,
            report="再次派人修理，更换电缆",
            answer="您好，这次已经彻底修好。",
        )
        closing.confirm(session, town.officer, at(30), second_id)
    rate(town, case_id, satisfaction=2, when=at(30))
    assert [row.round for row in town.rows(Rating)] == [1, 2]


def test_merged_submissions_share_a_case_and_keep_their_promises(town):
    early = town.case(when=at(23))
    late = town.case()
    town.lead(early)
    promise = town.get(Case, early).promise_at
    submission_id = town.submission(early)
    with town.db.write() as session:
        merging.merge(session, town.officer, at(24, 11), early, late)
    merged, into = town.get(Case, early), town.get(Case, late)
    assert (merged.stage, merged.outcome, merged.merged_into_id) == ("closed", "merged", late)
    assert into.promise_at == promise == at(2, 17, month=12)
    with town.db.read() as session:
        assert [one.id for one in submissions_of(session, into)] == [town.submission(late), submission_id]
        assert submissions_of(session, merged) == []
    assert all(clock.ended_at for clock in town.rows(CaseClock, case_id=early))
    assert [row.kind for row in town.rows(SubmissionCase, case_id=late)] == ["founding", "merged"]
    assert (town.kinds(early)[-1], town.kinds(late)[-1]) == ("merged", "took_in")
    with town.db.read() as session:
        assert list(history.verify(session)) == []
    with pytest.raises(NotNow), town.db.write() as session:
        rounds.reopen(session, town.officer, at(25), early, reason="再办")


def test_danger_and_what_is_sensitive_go_with_a_merged_case(town):
    first, second, third = town.case(sensitive=True), town.case(), town.case()
    with town.db.write() as session:
        alerts.raise_(session, at(24), session.get_one(Case, first), "gas")
        merging.merge(session, town.officer, at(24, 11), first, second)
    into = town.get(Case, second)
    assert (into.danger, into.sensitive, into.urgent, into.priority) == ("gas", True, True, 0)
    assert "alert_raised" in town.kinds(second)
    with town.db.read() as session:
        assert [alert.case_id for alert in alerts.open_alerts(session, SYSTEM)] == [second]
    [ended, running] = town.rows(CaseClock, kind="danger")
    assert (ended.case_id, ended.end_cause, running.case_id, running.ended_at) == (first, "merged", second, None)
    with town.db.write() as session:
        for alert in session.scalars(select(Alert)):
            alert.acknowledged_at = at(24, 12)
        merging.merge(session, town.officer, at(24, 13), second, third)
    assert town.get(Case, third).danger == "gas" and "alert_raised" not in town.kinds(third)


def test_a_copy_is_noted_under_locks_in_the_order_of_ids(town, monkeypatch):
    first, second = town.case(), town.case()
    locked = []
    real = merging.lock_case

    def lock(session, case_id, *rest):
        locked.append(case_id)
        return real(session, case_id, *rest)

    monkeypatch.setattr(merging, "lock_case", lock)
    for case_id, other in ((first, second), (second, first)):
        locked.clear()
        with town.db.write() as session:
            merging.propose_copy(session, TUESDAY, case_id, other)
        assert locked[:2] == sorted((first, second))


def test_both_citizens_of_a_merged_case_are_answered_and_asked(town):
    first, second = town.case(), town.case("路灯不亮", "巷口的路灯一个月没亮了")
    own = town.submission(first)
    with town.db.write() as session:
        merging.merge(session, town.officer, at(24, 11), first, second)
    town.asking(second)
    assert all(row.served_at == TUESDAY for row in town.rows(Submission))
    rate(town, second, submission_id=own)
    assert town.get(Case, second).stage == "asking"
    rate(town, second, submission_id=town.submission(second))
    assert town.get(Case, second).stage == "closed"


def test_an_accusation_a_closed_case_and_the_case_itself_are_not_merged(town):
    first, second, third = town.case(), town.case(accusation="unread"), town.case(track="petition")
    closed = town.case()
    with town.db.write() as session:
        dispatch.direct_answer(session, town.officer, TUESDAY, closed, "好的，这件事已经当场答复。")
    for into, error in ((second, NotNow), (third, Invalid), (closed, NotNow), (first, Invalid)):
        with pytest.raises(error), town.db.write() as session:
            merging.merge(session, town.officer, TUESDAY, first, into)
    another = town.case()
    with pytest.raises(Conflict), town.db.write() as session:
        merging.merge(session, town.officer, TUESDAY, first, another, version=99)
    assert town.get(Case, first).stage == "review"


def test_a_copy_is_proposed_for_an_officer_to_decide(town):
    first, second = town.case(), town.case()
    with town.db.write() as session:
        merging.propose_copy(session, TUESDAY, second, first)
    assert town.get(Case, second).copy_of_id == first
    with town.db.read() as session:
        assert session.scalars(select(Case.stage).where(Case.id == second)).one() == "review"


def test_what_a_case_is_classified_as_at_closing_is_kept(town):
    case_id = town.case()
    lead_id = town.fed_back(case_id)
    with town.db.write() as session:
        closing.confirm(session, town.officer, at(25), lead_id, answer="您好，路灯已修好，谢谢反映。")
    assert town.rows(Classification, case_id=case_id, kind="closing") == []
    rate(town, case_id)
    case, (row,) = town.get(Case, case_id), town.rows(Classification, case_id=case_id, kind="closing")
    assert case.stage == "closed"
    assert (row.level1, row.nature, row.urgent, row.organisation_id, row.at) == (
        case.level1, case.nature, case.urgent, case.lead_id, at(25),
    )  # fmt: skip
    assert row.taxonomy_version == read_taxonomy().version
