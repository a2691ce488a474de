"""What the organisation that was asked does: sign, claim, return, note, feed back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from town import TUESDAY, at

from cases.errors import AlreadyThere, Conflict, Forbidden, Invalid, NotFound, NotNow
from cases.models import Answer, Assignment, Case, HandlingNote
from cases.operations import closing, deciding, dispatch, handling


def test_signing_ends_the_signing_clock(town):
    case_id = town.case()
    lead_id = town.lead(case_id, signed=False)
    version = town.get(Case, case_id).version
    with town.db.write() as session:
        handling.sign(session, town.actor("handler@bureau"), at(24, 11), lead_id, version)
    lead = town.get(Assignment, lead_id)
    assert (lead.state, lead.signed_at) == ("doing", at(24, 11))
    assert town.clock("sign").ended_at == at(24, 11)
    assert town.get(Case, case_id).status == "doing"
    with pytest.raises(Conflict), town.db.write() as session:
        handling.sign(session, town.actor("handler@bureau"), at(24, 12), lead_id, version)


def test_another_organisation_sees_nothing_and_a_colleague_without_the_role_may_not(town):
    lead_id = town.lead(town.case(), signed=False)
    with pytest.raises(NotFound), town.db.write() as session:
        handling.sign(session, town.actor("handler@water"), TUESDAY, lead_id)
    with pytest.raises(Forbidden), town.db.write() as session:
        handling.sign(session, town.actor("approver@bureau"), TUESDAY, lead_id)
    assert town.get(Assignment, lead_id).state == "to_sign"


def test_claiming_names_the_person_and_may_pass_to_a_colleague(town):
    lead_id = town.lead(town.case())
    first = town.actor("handler@bureau")
    second = replace(first, account_id=town.actor("handler@county").account_id)
    with town.db.write() as session:
        handling.claim(session, first, TUESDAY, lead_id)
        handling.claim(session, second, TUESDAY, lead_id, post="二科")
    assert (town.get(Assignment, lead_id).claimed_by_id, town.get(Assignment, lead_id).post) == (
        second.account_id,
        "二科",
    )
    with pytest.raises(AlreadyThere), town.db.write() as session:
        handling.claim(session, second, TUESDAY, lead_id)


def test_a_return_within_its_window_gives_reason_and_suggestion(town):
    case_id = town.case()
    promise = town.get(Case, case_id).promise_at
    lead_id = town.lead(case_id, co_ids=[town.ids["water"]])
    with town.db.write() as session:
        handling.return_(session, town.actor("handler@bureau"), at(25, 17), lead_id, reason="属于住房局职责",
                         suggested_id=town.ids["housing"])  # fmt: skip
    lead = town.get(Assignment, lead_id)
    assert (lead.state, lead.returned_reason, lead.suggested_id) == ("returned", "属于住房局职责", town.ids["housing"])
    case = town.get(Case, case_id)
    assert (case.stage, case.promise_at) == ("review", promise)
    assert [row.state for row in town.rows(Assignment, case_id=case_id)] == ["returned", "taken_back"]
    assert town.kinds(case_id)[-3:] == ["returned", "recalled", "back_to_review"]


def test_after_the_window_a_return_needs_consent(town):
    lead_id = town.lead(town.case())
    with pytest.raises(NotNow) as refused, town.db.write() as session:
        handling.return_(session, town.actor("handler@bureau"), at(26), lead_id, reason="不是我们的")
    assert "申请退回" in refused.value.message
    with pytest.raises(Invalid), town.db.write() as session:
        handling.return_(session, town.actor("handler@bureau"), at(24, 11), lead_id, reason=" ")


def test_notes_and_the_first_contact_are_kept(town):
    lead_id = town.lead(town.case())
    with town.db.write() as session:
        handling.note(session, town.actor("handler@bureau"), at(24, 11), lead_id, "已到现场")
        handling.first_contact(session, town.actor("handler@bureau"), at(24, 12), lead_id, "电话已接通")
    assert [(row.kind, row.text) for row in town.rows(HandlingNote)] == [
        ("note", "已到现场"),
        ("contact", "电话已接通"),
    ]
    assert town.get(Assignment, lead_id).first_contact_at == at(24, 12)
    with pytest.raises(AlreadyThere), town.db.write() as session:
        handling.first_contact(session, town.actor("handler@bureau"), at(24, 13), lead_id)


def test_a_lead_states_each_co_handlers_opinion_or_its_absence(town):
    case_id = town.case()
    lead_id = town.lead(case_id, co_ids=[town.ids["water"], town.ids["housing"]])
    _lead, water, housing = town.rows(Assignment, case_id=case_id)
    with town.db.write() as session:
        handling.sign(session, town.actor("handler@water"), TUESDAY, water.id)
        handling.feed_back(session, town.actor("handler@water"), TUESDAY, water.id, report="管道完好，没有发现渗漏")
    with pytest.raises(Invalid) as refused, town.db.write() as session:
        handling.feed_back(session, town.actor("handler@bureau"), TUESDAY, lead_id, report="已修好，到现场看过无误")
    assert list(refused.value.fields) == ["co_opinions"]
    assert town.get(Case, case_id).stage == "assigned"
    with town.db.write() as session:
        handling.feed_back(session, town.actor("handler@bureau"), TUESDAY, lead_id, report="已修好，到现场看过无误",
                           co_opinions={housing.id: "未答复，已两次去函"})  # fmt: skip
    assert town.get(Assignment, housing.id).opinion == "未答复，已两次去函"
    assert town.get(Assignment, water.id).opinion is None
    assert (town.get(Case, case_id).stage, town.get(Case, case_id).status) == ("fed_back", "doing")


def test_feeding_back_stops_the_clock_and_shows_the_citizen_nothing(town):
    case_id = town.case()
    lead_id = town.fed_back(case_id, when=at(25))
    assert town.clock("handle").ended_at == at(25)
    assert [(row.kind, row.state, row.text) for row in town.rows(Answer, case_id=case_id)] == [
        ("report", "written", "已修好，到现场看过无误"),
        ("citizen", "written", "您好，路灯已修好，请放心。"),
    ]
    assert town.get(Assignment, lead_id).fed_back_at == at(25)
    assert town.kinds(case_id)[-2:] == ["fed_back", "lead_fed_back"]


def test_feedback_comes_back_level_by_level(town):
    case_id = town.case()
    top_id = town.lead(case_id)
    bureau, street = town.actor("handler@bureau"), town.actor("handler@street")
    with town.db.write() as session:
        child_id = dispatch.assign_down(session, bureau, TUESDAY, top_id, town.ids["street"]).id
    with pytest.raises(NotNow), town.db.write() as session:
        handling.feed_back(session, bureau, TUESDAY, top_id, report="已修好，到现场看过无误")
    with town.db.write() as session:
        handling.sign(session, street, TUESDAY, child_id)
        handling.feed_back(session, street, TUESDAY, child_id, report="路灯已换新，当晚已经亮")
    assert town.get(Case, case_id).stage == "assigned"
    with pytest.raises(NotNow), town.db.write() as session:
        handling.feed_back(session, bureau, TUESDAY, top_id, report="已修好，到现场看过无误")
    with pytest.raises(Forbidden), town.db.write() as session:
        closing.confirm(session, town.officer, TUESDAY, child_id)
    with town.db.write() as session:
        assert closing.confirm(session, town.actor("approver@bureau"), TUESDAY, child_id) is None
        handling.feed_back(session, bureau, TUESDAY, top_id, report="已修好，到现场看过无误")
    assert town.get(Case, case_id).stage == "fed_back"


def test_returning_takes_the_chain_below_along(town):
    case_id = town.case()
    top_id = town.lead(case_id)
    bureau = town.actor("handler@bureau")
    with town.db.write() as session:
        child_id = dispatch.assign_down(session, bureau, TUESDAY, top_id, town.ids["county"]).id
        handling.return_(session, bureau, at(24, 11), top_id, reason="不是我们的")
    assert town.get(Assignment, child_id).state == "taken_back"
    assert town.get(Case, case_id).stage == "review"


def test_a_child_that_is_returned_leaves_its_parent_at_work(town):
    case_id = town.case()
    top_id = town.lead(case_id)
    with town.db.write() as session:
        child = dispatch.assign_down(session, town.actor("handler@bureau"), TUESDAY, top_id, town.ids["county"])
        handling.return_(session, town.actor("handler@county"), at(24, 11), child.id, reason="超出辖区")
    assert town.get(Assignment, top_id).state == "doing"
    assert town.get(Case, case_id).stage == "assigned"


@pytest.mark.parametrize("report", ["a", "已办。", "已 按 要 求 办 理 ！！！！！！！！"])
def test_a_feedback_of_a_few_letters_tells_nothing(town, report):
    lead_id = town.lead(town.case())
    for words in ({"report": report}, {"report": "已派人更换两盏路灯并试亮", "answer": report}):
        with pytest.raises(Invalid) as refused, town.db.write() as session:
            handling.feed_back(session, town.actor("handler@bureau"), at(25), lead_id, **words)
        assert "至少 10 个字" in refused.value.fields["answer" if "answer" in words else "report"]
    assert town.get(Assignment, lead_id).state == "doing"


def test_a_direct_answer_of_a_few_letters_is_none(town):
    case_id = town.case()
    with pytest.raises(Invalid) as refused, town.db.write() as session:
        deciding.direct_answer(session, town.officer, TUESDAY, case_id, "好的。")
    assert "至少 10 个字" in refused.value.fields["answer"]
    assert town.get(Case, case_id).stage == "review"
