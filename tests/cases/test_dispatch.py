"""Who is asked to act: assigning, its refusals, taking back, and what needs nobody."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select
from town import TUESDAY, Town, at

from cases.errors import Conflict, Forbidden, Invalid, NotAutomatic, NotFound, NotNow
from cases.models import Answer, Assignment, Case, CaseClock, CaseExclusion, CaseReader, Decision, Event, Submission
from cases.operations import dispatch, handling
from organisations.models import Account, RoleGrant


def assign(town: Town, case_id: int, lead: str = "bureau", **more) -> int:
    with town.db.write() as session:
        return dispatch.assign(session, town.officer, TUESDAY, case_id, town.ids[lead], **more).id


def test_assigning_asks_lead_and_co_handlers_and_starts_their_clocks(town):
    case_id = town.case()
    lead_id = assign(town, case_id, co_ids=[town.ids["water"]], instruction="请尽快", handle_days=3)
    lead, co = town.rows(Assignment, case_id=case_id)
    assert (lead.id, lead.role, lead.state, lead.organisation_id) == (lead_id, "lead", "to_sign", town.ids["bureau"])
    assert (co.role, co.organisation_id, co.assigner_organisation_id) == ("co", town.ids["water"], town.ids["city"])
    assert lead.instruction == "请尽快"
    case = town.get(Case, case_id)
    assert (case.stage, case.status, case.lead_id) == ("assigned", "pending", town.ids["bureau"])
    # three working days after Tuesday end on Friday at five; four working hours from ten end at three
    assert lead.due_at == case.due_at == at(27, 17)
    assert lead.sign_due_at == at(24, 15)
    assert lead.return_until == at(25, 17)
    assert town.kinds(case_id)[-1] == "assigned"


def test_assigning_ends_the_review_clock_and_leaves_the_promise(town):
    case_id = town.case()
    promise = town.get(Case, case_id).promise_at
    assign(town, case_id)
    clocks = {clock.kind: clock for clock in town.rows(CaseClock, case_id=case_id)}
    assert clocks["review"].ended_at == TUESDAY
    assert clocks["promise"].ended_at is None
    assert town.get(Case, case_id).promise_at == promise == at(3, 17, month=12)


def test_an_older_version_is_a_conflict_and_changes_nothing(town):
    case_id = town.case()
    seen = town.get(Case, case_id).version
    assign(town, case_id, version=seen)
    with pytest.raises(Conflict), town.db.write() as session:
        dispatch.assign(session, town.officer, TUESDAY, case_id, town.ids["bureau"], co_ids=[town.ids["water"]],
                        version=seen)  # fmt: skip
    assert len(town.rows(Assignment, case_id=case_id)) == 1


@pytest.mark.parametrize(
    ("who", "error"), [("handler@bureau", NotFound), ("supervisor@city", Forbidden), ("agent@city", Forbidden)]
)
def test_only_diversion_assigns(town, who, error):
    case_id = town.case()
    with pytest.raises(error), town.db.write() as session:
        dispatch.assign(session, town.actor(who), TUESDAY, case_id, town.ids["bureau"])
    assert town.rows(Assignment) == []


def test_there_is_one_lead_a_round(town):
    case_id = town.case()
    lead_id = assign(town, case_id)
    with pytest.raises(Invalid) as refused, town.db.write() as session:
        dispatch.assign(session, town.officer, TUESDAY, case_id, town.ids["water"])
    assert "lead_id" in refused.value.fields
    assert assign(town, case_id, co_ids=[town.ids["water"]]) == lead_id
    assert assign(town, case_id, co_ids=[town.ids["water"]]) == lead_id
    assert [row.role for row in town.rows(Assignment, case_id=case_id)] == ["lead", "co"]


@pytest.mark.parametrize("code", ["closed", "unknown", "excluded"])
def test_an_organisation_that_cannot_be_asked_is_named(town, code):
    case_id = town.case()
    town.ids["unknown"], town.ids["excluded"] = 77, town.ids["housing"]
    with town.db.write() as session:
        session.add(CaseExclusion(case_id=case_id, kind="recused", organisation_id=town.ids["excluded"], since=TUESDAY))
    for lead, cos, field in ((code, [], "lead_id"), ("bureau", [code], "co_ids")):
        with pytest.raises(Invalid) as refused, town.db.write() as session:
            dispatch.assign(session, town.officer, TUESDAY, case_id, town.ids[lead],
                            co_ids=[town.ids[one] for one in cos])  # fmt: skip
        assert list(refused.value.fields) == [field]
    assert town.rows(Assignment) == []


def test_an_organisation_that_was_cleared_may_be_asked_again(town):
    case_id = town.case()
    with town.db.write() as session:
        session.add(CaseExclusion(case_id=case_id, kind="accused", organisation_id=town.ids["bureau"], since=TUESDAY,
                                  until=TUESDAY))  # fmt: skip
    assert assign(town, case_id)


def test_a_possible_accusation_waits_for_its_reader(town):
    case_id = town.case(accusation="possible")
    with town.db.write() as session:
        session.add(CaseReader(case_id=case_id, account_id=town.officer.account_id, since=TUESDAY))
    with pytest.raises(NotNow), town.db.write() as session:
        dispatch.assign(session, town.officer, TUESDAY, case_id, town.ids["bureau"])


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"accusation": "unread"}, "accusation"),
        ({"accusation": "possible"}, "accusation"),
        ({"accusation": "yes"}, "accusation"),
        ({"urgent": True}, "urgent"),
        ({"danger": "gas"}, "danger"),
        ({"sensitive": True}, "sensitive"),
        ({"body": "打了三次电话，城管一直推诿不管"}, "conduct"),
        ({"body": "柳林街道工作人员态度很差"}, "conduct"),
        ({"body": "受理中心不作为"}, "conduct"),
    ],
)
def test_what_needs_a_person_is_never_sent_by_rule(town, facts, reason):
    case_id = town.case(**facts)
    with pytest.raises(NotAutomatic) as refused, town.db.write() as session:
        dispatch.auto_assign(session, TUESDAY, case_id, town.ids["county"])
    assert refused.value.reasons == [reason]
    assert town.get(Case, case_id).stage == "review"


def test_where_nobody_can_sign_nothing_is_sent_by_rule(town):
    case_id = town.case()
    with town.db.write() as session:
        handlers = select(Account.id).where(Account.username == "handler@housing")
        session.execute(delete(RoleGrant).where(RoleGrant.account_id.in_(handlers)))
    with pytest.raises(NotAutomatic) as refused, town.db.write() as session:
        dispatch.auto_assign(session, TUESDAY, case_id, town.ids["housing"])
    assert refused.value.reasons == ["unstaffed"]
    with town.db.write() as session:
        lead = dispatch.assign(session, town.officer, TUESDAY, case_id, town.ids["housing"])
    assert lead.organisation_id == town.ids["housing"]  # an officer may all the same


def test_an_ordinary_matter_is_sent_by_rule_and_says_so(town):
    case_id = town.case(body="城管局门前的路灯坏了三盏，水务集团态度恶劣")
    with town.db.write() as session:
        lead = dispatch.auto_assign(session, TUESDAY, case_id, town.ids["housing"], [town.ids["bureau"]], 2)
    assert lead.automatic and lead.assigner_id is None
    assert [row.automatic for row in town.rows(Assignment, case_id=case_id)] == [True, True]
    assert town.rows(Event, case_id=case_id, kind="assigned")[0].data["automatic"] is True


def test_taking_back_before_signing_puts_the_case_before_diversion_again(town):
    case_id = town.case()
    promise = town.get(Case, case_id).promise_at
    lead_id = assign(town, case_id, co_ids=[town.ids["water"]])
    with town.db.write() as session:
        dispatch.take_back(session, town.officer, at(24, 11), lead_id, reason="派错了")
    lead, co = town.rows(Assignment, case_id=case_id)
    assert (lead.state, lead.returned_reason, lead.ended_at) == ("taken_back", "派错了", at(24, 11))
    assert co.state == "taken_back"
    case = town.get(Case, case_id)
    assert (case.stage, case.status, case.lead_id, case.promise_at) == ("review", "pending", None, promise)
    running = {clock.kind for clock in town.rows(CaseClock, case_id=case_id) if clock.ended_at is None}
    assert running == {"review", "promise"}


def test_after_signing_nothing_is_taken_back(town):
    lead_id = assign(town, town.case())
    with town.db.write() as session:
        handling.sign(session, town.actor("handler@bureau"), at(24, 11), lead_id)
    with pytest.raises(NotNow), town.db.write() as session:
        dispatch.take_back(session, town.officer, at(24, 12), lead_id, reason="派错了")


def test_an_assignment_goes_down_to_subordinates_only(town):
    case_id = town.case()
    lead_id = assign(town, case_id)
    handler = town.actor("handler@bureau")
    with town.db.write() as session:
        handling.sign(session, handler, at(24, 11), lead_id)
    with pytest.raises(Invalid), town.db.write() as session:
        dispatch.assign_down(session, handler, at(24, 11), lead_id, town.ids["water"])
    with town.db.write() as session:
        child = dispatch.assign(session, handler, at(24, 11), case_id, town.ids["street"], parent_id=lead_id)
    assert (child.parent_id, child.assigner_organisation_id) == (lead_id, town.ids["bureau"])
    assert town.get(Case, case_id).lead_id == town.ids["bureau"]
    with pytest.raises(NotNow), town.db.write() as session:
        dispatch.assign_down(session, handler, at(24, 12), lead_id, town.ids["county"])


def test_a_matter_is_reported_up_to_a_superior(town):
    lead_id = assign(town, town.case(), "county")
    handler = town.actor("handler@county")
    with town.db.write() as session:
        handling.sign(session, handler, at(24, 11), lead_id)
        upper = dispatch.report_up(session, handler, at(24, 11), lead_id, town.ids["bureau"], instruction="超出权限")
    assert (upper.kind, upper.parent_id, upper.assigner_organisation_id) == ("report_up", lead_id, town.ids["county"])
    with pytest.raises(NotNow), town.db.write() as session:
        dispatch.report_up(session, handler, at(24, 11), lead_id, town.ids["city"])


@pytest.mark.parametrize(("operation", "outcome"), [("refuse", "refused"), ("guide", "guided")])
@pytest.mark.parametrize("track", ["hotline", "petition"])
def test_ending_on_a_ground_keeps_the_article_of_the_track(town, operation, outcome, track):
    case_id = town.case(track=track)
    with pytest.raises(Invalid) as refused, town.db.write() as session:
        getattr(dispatch, operation)(session, town.officer, TUESDAY, case_id, ground="none")
    assert list(refused.value.fields) == ["ground"]
    with town.db.write() as session:
        getattr(dispatch, operation)(session, town.officer, TUESDAY, case_id, ground=f"{operation}-1")
    (decision,) = town.rows(Decision, case_id=case_id)
    assert (decision.kind, decision.article, decision.text) == (outcome, f"{track} 第一条", "依法应由法院受理。")
    case = town.get(Case, case_id)
    assert (case.stage, case.outcome, case.closed_at) == ("closed", outcome, TUESDAY)
    assert all(clock.ended_at for clock in town.rows(CaseClock, case_id=case_id))


def test_a_direct_answer_is_served_and_closes(town):
    case_id = town.case()
    with town.db.write() as session:
        dispatch.direct_answer(session, town.actor("agent@city"), TUESDAY, case_id, "周一至周五工作时间可以办理。")
    (answer,) = town.rows(Answer, case_id=case_id)
    assert (answer.kind, answer.state, answer.text) == ("citizen", "served", "周一至周五工作时间可以办理。")
    submission = town.get(Submission, town.submission(case_id))
    assert (submission.served_at, submission.served_way) == (TUESDAY, "web")
    assert town.get(Case, case_id).outcome == "direct"


def test_accepting_stamps_when_and_by_whom_once(town):
    case_id = town.case(track="petition")
    with town.db.write() as session:
        dispatch.register(session, town.officer, TUESDAY, case_id)
        dispatch.accept(session, town.officer, at(25), case_id)
    submission = town.get(Submission, town.submission(case_id))
    assert (submission.registered_at, submission.accepted_at) == (TUESDAY, at(25))
    assert submission.accepted_by_id == town.ids["city"]
    lead_id = assign(town, case_id)
    # sixty calendar days from the acceptance, not from the assignment
    assert town.get(Assignment, lead_id).due_at.astimezone(TUESDAY.tzinfo).date().isoformat() == "2027-01-24"


def test_forwarding_closes_with_no_result_owed(town):
    case_id = town.case(track="petition")
    with town.db.write() as session:
        dispatch.forward(session, town.officer, TUESDAY, case_id, town.ids["water"], text="请依职权处理")
    (passed,) = town.rows(Assignment, case_id=case_id)
    assert (passed.kind, passed.state, passed.organisation_id) == ("forward", "confirmed", town.ids["water"])
    assert (town.get(Case, case_id).outcome, town.kinds(case_id)[-1]) == ("forwarded", "forwarded")
