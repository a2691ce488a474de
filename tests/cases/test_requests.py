"""Extensions, suspensions and late returns: asked, granted, refused."""

from __future__ import annotations

import pytest
from town import TUESDAY, at

from cases.errors import AlreadyThere, Forbidden, Invalid, NotNow
from cases.models import Assignment, AssignmentRequest, Case
from cases.operations import handling, requests


def ask(town, lead_id, days=2, who="handler@bureau", when=TUESDAY):
    with town.db.write() as session:
        return requests.ask_extension(session, town.actor(who), when, lead_id, days=days, reason="等配件").id


def test_a_granted_extension_adds_time_and_never_touches_the_promise(town):
    case_id = town.case()
    lead_id = town.lead(case_id)
    promise = town.get(Case, case_id).promise_at
    assert town.get(Assignment, lead_id).due_at == at(1, 17, month=12)
    request_id = ask(town, lead_id)
    assert town.clock("handle").extension_asked
    with town.db.write() as session:
        requests.grant(session, town.officer, at(25), request_id)
    assert town.get(Assignment, lead_id).due_at == town.get(Case, case_id).due_at == at(3, 17, month=12)
    assert not town.clock("handle").extension_asked
    assert town.get(Case, case_id).promise_at == promise
    row = town.get(AssignmentRequest, request_id)
    assert (row.state, row.decided_at, row.reason) == ("granted", at(25), "等配件")


def test_extensions_add_up_to_the_maximum_of_the_policy(town):
    lead_id = town.lead(town.case())
    with pytest.raises(Invalid) as refused:
        ask(town, lead_id, days=11)
    assert list(refused.value.fields) == ["days"]
    request_id = ask(town, lead_id, days=6)
    with pytest.raises(AlreadyThere):
        ask(town, lead_id, days=1)
    with town.db.write() as session:
        requests.grant(session, town.officer, at(25), request_id)
    with pytest.raises(Invalid) as refused:
        ask(town, lead_id, days=5)
    assert "还可以延长 4 天" in refused.value.fields["days"]
    ask(town, lead_id, days=4)


def test_a_petition_is_extended_once_with_the_responsible_heads_consent(town):
    lead_id = town.lead(town.case(track="petition"))
    due = town.get(Assignment, lead_id).due_at
    request_id = ask(town, lead_id, days=30)
    for who in (town.officer, town.actor("handler@bureau")):
        with pytest.raises(Forbidden), town.db.write() as session:
            requests.grant(session, who, at(25), request_id)
    with town.db.write() as session:
        requests.grant(session, town.actor("approver@bureau"), at(25), request_id)
    assert (town.get(Assignment, lead_id).due_at - due).days == 30
    with pytest.raises(Invalid):
        ask(town, lead_id, days=1)


def test_a_refused_extension_changes_no_time(town):
    lead_id = town.lead(town.case())
    due = town.get(Assignment, lead_id).due_at
    request_id = ask(town, lead_id)
    with town.db.write() as session:
        requests.refuse_request(session, town.officer, at(25), request_id, ground="理由不充分")
    assert town.get(Assignment, lead_id).due_at == due
    assert not town.clock("handle").extension_asked
    assert town.get(AssignmentRequest, request_id).state == "refused"
    with pytest.raises(AlreadyThere), town.db.write() as session:
        requests.grant(session, town.officer, at(25), request_id)


def suspend(town, lead_id, when):
    with town.db.write() as session:
        row = requests.ask_suspension(session, town.actor("handler@bureau"), when, lead_id, reason="等鉴定")
        requests.grant(session, town.officer, when, row.id)


def test_a_suspension_stops_the_platforms_clock_and_not_the_promise(town):
    case_id = town.case()
    lead_id = town.lead(case_id)
    promise = town.get(Case, case_id).promise_at
    suspend(town, lead_id, at(25))
    assert (town.get(Assignment, lead_id).state, town.get(Case, case_id).status) == ("held", "held")
    assert (town.clock("handle").paused_at, town.clock("promise").paused_at) == (at(25), None)
    with town.db.write() as session:
        requests.resume(session, town.actor("handler@bureau"), at(27), lead_id)
    # two working days stood still
    assert town.get(Assignment, lead_id).due_at == town.get(Case, case_id).due_at == at(3, 17, month=12)
    assert town.get(Assignment, lead_id).state == "doing"
    assert town.get(Case, case_id).promise_at == promise


def test_a_statutory_clock_is_never_suspended(town):
    lead_id = town.lead(town.case(track="petition"))
    due = town.get(Assignment, lead_id).due_at
    suspend(town, lead_id, at(25))
    assert town.clock("handle").paused_at is None
    with town.db.write() as session:
        requests.resume(session, town.actor("handler@bureau"), at(30), lead_id)
    assert town.get(Assignment, lead_id).due_at == due


def test_a_late_return_goes_back_by_consent(town):
    case_id = town.case()
    lead_id = town.lead(case_id)
    with town.db.write() as session:
        row = requests.ask_return(session, town.actor("handler@bureau"), at(27), lead_id, reason="职责已划转",
                                  suggested_id=town.ids["housing"])  # fmt: skip
        requests.grant(session, town.officer, at(27, 11), row.id)
    lead = town.get(Assignment, lead_id)
    assert (lead.state, lead.returned_reason, lead.suggested_id) == ("returned", "职责已划转", town.ids["housing"])
    assert town.get(Case, case_id).stage == "review"


def test_feeding_back_leaves_nothing_to_decide(town):
    lead_id = town.lead(town.case())
    request_id = ask(town, lead_id)
    with town.db.write() as session:
        handling.feed_back(session, town.actor("handler@bureau"), at(25), lead_id, report="已修好，到现场看过无误")
    assert town.get(AssignmentRequest, request_id).state == "void"
    with pytest.raises(AlreadyThere), town.db.write() as session:
        requests.grant(session, town.officer, at(25), request_id)
    with pytest.raises(NotNow):
        ask(town, lead_id)
