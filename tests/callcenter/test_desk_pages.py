"""What the desk shows of a caller, of a text being typed and of the knowledge base, with and without script."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import delete, select

from callcenter import advice
from cases.models import Contact, Submission
from cases.operations import contacts
from core import ids
from core.audit import AuditEntry
from core.web.parts import Parts
from organisations.models import RoleGrant
from search.engine import SearchUnavailable
from search.service import SearchService
from tests.callcenter.conftest import BODY, PHONE, Room


def number_of(room: Room, submission_id: int) -> str:
    with room.db.read() as session:
        return session.get_one(Submission, submission_id).number


def searches(room: Room) -> list[dict[str, object]]:
    with room.db.read() as session:
        query = select(AuditEntry).where(AuditEntry.action == "person_searched").order_by(AuditEntry.id)
        return [entry.details or {} for entry in session.scalars(query)]


def test_a_complete_number_shows_what_was_said_before_on_the_audit_record(room: Room) -> None:
    submission_id = room.classified()
    page = room.call("find", body="", number="139 1234 5108").get_data(as_text=True)
    assert ids.grouped(number_of(room, submission_id)) in page
    assert "有 1 件没办结" in page
    assert "徐**" in page
    assert "徐晓梅" not in page
    assert searches(room) == [{"by": "phone", "found": 1}, {"by": "calls", "found": 0}]


@pytest.mark.parametrize("number", ["1391234", "5108", "徐晓梅", "' OR 1=1 --"])
def test_part_of_a_number_finds_nobody_and_says_what_is_needed(room: Room, number: str) -> None:
    room.classified()
    page = room.call("find", number=number, body=BODY).get_data(as_text=True)
    assert "请输入完整的手机号" in page
    assert "路灯坏了" not in page
    assert BODY in page
    assert searches(room) == []


def test_a_submission_is_found_by_its_number(room: Room) -> None:
    submission_id = room.classified()
    page = room.call("find", number=ids.grouped(number_of(room, submission_id)), body="").get_data(as_text=True)
    assert "路灯坏了" in page
    with room.db.read() as session:
        actions = [entry.action for entry in session.scalars(select(AuditEntry))]
    assert "case_read" in actions


def test_what_may_be_an_accusation_is_not_among_the_earlier_ones(room: Room) -> None:
    submission_id = room.submit()
    for number in (PHONE, number_of(room, submission_id)):
        page = room.call("find", number=number, body="").get_data(as_text=True)
        assert "路灯坏了" not in page


def test_earlier_calls_and_a_blocked_number_are_shown(room: Room) -> None:
    room.call("register", kind="enquiry", body="问几点上班")
    with room.db.write() as session:
        contacts.block_number(session, room.city.actor("dou.jianping"), room.clock.now(), PHONE, "反复辱骂")
    page = room.call("find", body="").get_data(as_text=True)
    assert "这个号码已被限制" in page
    assert "11-24 10:00" in page


def test_the_number_never_stands_in_an_address(room: Room) -> None:
    with room.client.application.test_request_context():
        rules = [rule.rule for rule in room.app.url_map.iter_rules() if rule.endpoint.startswith("callcenter.")]
    assert "/desk" in rules
    assert not [rule for rule in rules if "<" in rule and "<int:" not in rule and "filename" not in rule]


def test_without_script_a_button_shows_the_same_suggestion(room: Room) -> None:
    page = room.call("suggest").get_data(as_text=True)
    assert "城管执法" in page
    assert "把握" in page
    assert "92%" in page
    assert "<mark>停水</mark>" in page
    assert room.all(Submission) == []


def test_while_typing_the_suggestion_comes_as_json(room: Room) -> None:
    answer = room.client.post("/desk/live/advice", data=room.form(place="东塘街道翠湖花园"))
    found = json.loads(answer.get_data(as_text=True))
    assert "城管执法" in found["advice"]
    assert found["title"].startswith("翠湖花园三栋")
    assert found["danger"].strip() == ""
    assert found["began"] == room.clock.now().isoformat()
    assert room.all(Submission) == room.all(Contact) == []


def test_while_typing_danger_is_told(room: Room) -> None:
    form = room.form(body="楼下着火了，有人困在里面")
    found = room.client.post("/desk/live/advice", data=form).get_json()
    assert "110 / 119 / 120" in found["danger"]


def test_a_chosen_department_stays_chosen_while_typing(room: Room) -> None:
    wanted = str(room.city.organisation("TC-SCJ"))
    found = room.client.post("/desk/live/advice", data=room.form(lead=wanted)).get_json()
    assert f'value="{wanted}" checked' in found["advice"]


def test_what_waits_for_an_officer_says_why(room: Room) -> None:
    room.says.accusation = room.says.against_office = True
    page = room.call("suggest").get_data(as_text=True)
    assert "先由分流员看过再派：可能涉及检举控告" in page


def test_an_office_where_nobody_can_sign_is_said_before_the_call_is_registered(room: Room) -> None:
    assert "尚未开通账号" not in room.call("suggest").get_data(as_text=True)
    with room.db.write() as session:
        session.execute(delete(RoleGrant).where(RoleGrant.role == "handler"))
    page = room.call("suggest").get_data(as_text=True)
    assert "先由分流员看过再派：承办单位尚未开通账号" in page


def test_danger_is_nothing_that_goes_by_itself(room: Room) -> None:
    page = room.call("suggest", body="楼下着火了，有人困在里面出不来").get_data(as_text=True)
    assert "先由分流员看过再派：涉及人身安全" in page


def test_the_caller_comes_as_json_too(room: Room) -> None:
    room.classified()
    found = room.client.post("/desk/live/caller", data=room.form()).get_json()
    assert "路灯坏了" in found["caller"]
    assert (found["unfinished"], found["error"]) == (1, "")
    found = room.client.post("/desk/live/caller", data=room.form(number="13")).get_json()
    assert "请输入完整的手机号" in found["error"]


@pytest.mark.parametrize("address", ["caller", "advice", "knowledge"])
def test_the_endpoints_are_for_agents_alone(room: Room, address: str) -> None:
    room.sign(room.client, "huo.yan")
    assert room.client.post(f"/desk/live/{address}", data=room.form()).status_code == 403


# --- the knowledge base -----------------------------------------------------------------------------------------------


def test_published_replies_are_found_by_words_and_by_the_text(room: Room) -> None:
    public_id = room.published()
    page = room.call("know", words="停水", body="").get_data(as_text=True)
    assert f"read:{public_id}" in page
    page = room.call("suggest").get_data(as_text=True)
    assert f"read:{public_id}" in page
    found = room.client.post("/desk/live/knowledge", data=room.form(words="停水", body="")).get_json()
    assert 'aria-keyshortcuts="1"' in found["knowledge"]
    found = room.client.post("/desk/live/knowledge", data=room.form(words="无关词语", body="")).get_json()
    assert "没有查到" in found["knowledge"]


def test_a_reply_read_out_is_marked_as_used_and_answers_the_call(room: Room) -> None:
    public_id = room.published()
    page = room.call(f"read:{public_id}").get_data(as_text=True)
    assert f'name="used" value="{public_id}"' in page
    assert "请拨打供水热线，2 小时内有人联系您。</textarea>" in page
    room.call("answer", used=public_id, answer="请拨打供水热线，有人值班。")
    contact = room.all(Contact)[-1]
    assert contact.note == "答复：请拨打供水热线，有人值班。\n念过的答复：停水了去哪里问"


def test_without_search_the_desk_works_on(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_args: object, **_more: object) -> object:
        raise SearchUnavailable

    parts: Parts = room.app.extensions["hub"]
    for name in ("search", "similar"):
        monkeypatch.setattr(parts.get(SearchService), name, down)
    page = room.call("suggest", words="停水").get_data(as_text=True)
    assert "知识库暂时查不了" in page
    assert "已派给" in room.call().get_data(as_text=True)


def test_without_a_classifier_the_page_says_so(room: Room) -> None:
    room.says.broken = True
    assert "分类建议暂时用不了" in room.call("suggest").get_data(as_text=True)


def test_evidence_is_the_heaviest_words_once() -> None:
    from intake.text import prepare
    from tests.callcenter.conftest import Says

    said = Says(evidence=(("body", 0, 2, 0.2), ("body", 3, 5, 0.9), ("title", 0, 2, 0.5), ("body", 0, 2, -1.0)))
    assert advice._evidence(prepare("停水", "翠湖，停水了"), said) == ("停水", "翠湖")
