"""Calls registered at the desk: what is stored of each kind, and what the agent is shown."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from cases.models import (
    Alert,
    Answer,
    Assignment,
    CallBack,
    Case,
    Contact,
    ContactPoint,
    Message,
    Party,
    Rating,
    Submission,
)
from cases.operations import codes, contacts
from core import ids
from intake import diversion
from tests.callcenter.conftest import BODY, PHONE, Room


def test_the_desk_opens_without_a_call(room: Room) -> None:
    page = room.client.get("/desk").get_data(as_text=True)
    assert "等来电" in page
    assert "登记并派单" in page


def test_a_call_is_registered_and_sent_with_its_number_and_code(room: Room) -> None:
    page = room.call(name="孙丽", place="翠湖花园 3 栋", area=str(room.city.area("TC0101"))).get_data(as_text=True)
    submission, case, contact = room.only()
    assert (submission.channel, submission.origin, submission.body) == ("hotline", "desk", BODY)
    assert (submission.area_id, submission.place) == (room.city.area("TC0101"), "翠湖花园 3 栋")
    assert (case.stage, case.accusation) == ("assigned", "no")
    assert case.lead_id is not None
    assert ids.grouped(submission.number) in page
    assert "已派给" in page
    (code,) = [word for word in _codes(page) if _opens(room, submission, word)]
    assert code
    assert (contact.kind, contact.number, contact.callback_flag) == ("new", "+8613912345108", "not_needed")
    assert contact.agent_id == room.account("fang.yating")
    with room.db.read() as session:
        assert contacts.submissions_of(session, contact.id) == [submission.id]
    (party,) = room.all(Party)
    assert (party.role, party.name, party.phone) == ("reporter", "孙丽", PHONE)


def _codes(page: str) -> list[str]:
    import re

    return [a + b for a, b in re.findall(r">(\d{4}) (\d{4})<", page)]


def _opens(room: Room, submission: Submission, code: str) -> bool:
    return codes.check(room.db, room.clock, submission.number, code, "test") == submission.id


def test_only_registered_it_waits_for_an_officer(room: Room) -> None:
    page = room.call("register").get_data(as_text=True)
    _submission, case, _contact = room.only()
    assert (case.stage, case.accusation, room.all(Assignment)) == ("review", "no", [])
    assert diversion.REASONS["held"] in page


def test_another_department_chosen_is_put_before_an_officer(room: Room) -> None:
    wanted = str(room.city.organisation("TC-SCJ"))
    page = room.call(lead=wanted).get_data(as_text=True)
    _submission, case, _contact = room.only()
    assert (case.stage, room.all(Assignment)) == ("review", [])
    assert diversion.REASONS["proposed"] in page


def test_a_department_that_is_not_there_is_refused(room: Room) -> None:
    answer = room.call(lead="99")
    assert answer.status_code == 400
    assert room.all(Submission) == room.all(Contact) == []
    assert "没有这个单位" in answer.get_data(as_text=True)


def test_answered_at_once_it_is_closed_and_served(room: Room) -> None:
    page = room.call("answer", answer="更换主管，今晚 18 时前恢复供水。").get_data(as_text=True)
    submission, case, contact = room.only()
    (answer,) = room.all(Answer)
    assert (case.stage, case.outcome, answer.kind, answer.text) == (
        "closed", "direct", "citizen", "更换主管，今晚 18 时前恢复供水。"
    )  # fmt: skip
    assert (answer.state, submission.served_way) == ("served", "hotline")
    assert "已当场答复" in page
    assert contact.note == "答复：更换主管，今晚 18 时前恢复供水。"


def test_what_may_be_an_accusation_is_not_answered_at_the_desk(room: Room) -> None:
    room.says.accusation = room.says.against_office = True
    page = room.call("answer", answer="知道了，我们会转给负责的人。").get_data(as_text=True)
    submission, case, contact = room.only()
    assert (case.accusation, case.stage, room.all(Answer)) == ("possible", "review", [])
    assert ids.grouped(submission.number) in page
    assert "由指定的人员受理" in page
    assert "城乡建设" not in page
    assert contact.kind == "new"


def test_what_may_be_an_accusation_is_sent_nowhere_and_told_to_nobody(room: Room) -> None:
    room.says.accusation = room.says.against_office = True
    page = room.call().get_data(as_text=True)
    _submission, case, _contact = room.only()
    assert (case.accusation, room.all(Assignment)) == ("possible", [])
    assert "已交给指定的人员受理" in page
    assert "/work/cases/" not in page


def test_without_a_classifier_the_call_is_registered_all_the_same(room: Room) -> None:
    room.says.broken = True
    answer = room.call("answer", answer="好的，已经记下，今晚派人去看。")
    submission, case, _contact = room.only()
    assert answer.status_code == 200
    assert (case.accusation, case.stage) == ("unread", "review")
    assert ids.grouped(submission.number) in answer.get_data(as_text=True)


def test_danger_to_life_is_told_at_once_and_raises_the_alert(room: Room) -> None:
    page = room.call(body="家里闻到很浓的煤气味，燃气泄漏了，不知道怎么办").get_data(as_text=True)
    _submission, case, _contact = room.only()
    (alert,) = room.all(Alert)
    assert (case.danger, case.priority, alert.case_id) == ("gas", 0, case.id)
    assert "110 / 119 / 120" in page
    assert "值班人员已收到提醒" in page


def test_a_danger_is_not_answered_away_before_somebody_on_duty_has_seen_it(room: Room) -> None:
    page = room.call(
        "answer", body="家里闻到很浓的煤气味，燃气泄漏了，不知道怎么办", answer="请先开窗离开，我们马上派人来看。"
    ).get_data(as_text=True)
    _submission, case, _contact = room.only()
    assert case.stage == "review"
    assert "还没有人确认" in page
    assert not room.all(Answer)


def test_an_answer_of_a_few_letters_is_refused_before_anything_is_written(room: Room) -> None:
    answer = room.call("answer", answer="好的。")
    assert answer.status_code == 400
    assert "至少 10 个字" in answer.get_data(as_text=True)
    assert "好的。" in answer.get_data(as_text=True)
    assert room.all(Submission) == []


def test_danger_is_told_while_typing_before_anything_is_stored(room: Room) -> None:
    page = room.call("suggest", body="家里闻到很浓的煤气味，燃气泄漏了").get_data(as_text=True)
    assert "110 / 119 / 120" in page
    assert room.all(Submission) == []


def test_the_same_token_twice_is_one_call(room: Room) -> None:
    form = room.form(do="send", flag="needed")
    room.client.post("/desk", data=form)
    page = room.client.post("/desk", data=form).get_data(as_text=True)
    submission, _case, _contact = room.only()
    assert len(room.all(CallBack)) == 1
    assert ids.grouped(submission.number) in page
    assert "没有重复登记" in page
    assert _codes(page) == []


def test_the_same_token_at_the_same_moment_is_one_call(room: Room) -> None:
    form = room.form(do="send", flag="needed")
    cookie = room.client.get_cookie("lx_staff")
    assert cookie is not None
    start = threading.Barrier(4)

    def press(_number: int) -> int:
        browser = room.app.test_client()
        browser.set_cookie("lx_staff", cookie.value)
        start.wait(30)
        return browser.post("/desk", data=form).status_code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(press, range(4))) == [200] * 4
    _submission, case, _contact = room.only()
    assert (case.stage, len(room.all(Assignment)), len(room.all(CallBack))) == ("assigned", 1, 1)


def test_an_anonymous_caller_leaves_no_name(room: Room) -> None:
    room.call(disclosure="anonymous", name="孙丽", flag="needed")
    submission, _case, contact = room.only()
    assert (submission.disclosure, submission.citizen_id) == ("anonymous", None)
    assert room.all(Party) == room.all(ContactPoint) == []
    # Only the call itself keeps the number that rang: to be called back, and to count harassment.
    assert (contact.number, contact.callback_person) == ("+8613912345108", None)


def test_an_anonymous_caller_may_leave_a_number(room: Room) -> None:
    room.call(disclosure="anonymous", number="", phone=PHONE)
    (party,) = room.all(Party)
    assert (party.name, party.phone) == (None, PHONE)


def test_answered_twice_by_a_double_press_is_answered_once(room: Room) -> None:
    form = room.form(do="answer", answer="抢修中，今晚八点前恢复供水。")
    for _press in (1, 2):
        page = room.client.post("/desk", data=form).get_data(as_text=True)
        assert "已当场答复" in page
    assert len(room.all(Answer)) == len(room.all(Contact)) == 1


def test_confidential_is_kept_so(room: Room) -> None:
    room.call(disclosure="confidential", name="孙丽", consent="no")
    submission, _case, _contact = room.only()
    assert (submission.disclosure, submission.consent_publish) == ("confidential", False)


def test_consent_that_was_not_asked_for_stays_unknown(room: Room) -> None:
    room.call()
    assert room.only()[0].consent_publish is None


def test_letters_prove_no_telephone(room: Room) -> None:
    room.call(channel="letter", name="孙丽")
    submission, _case, contact = room.only()
    assert (submission.channel, contact.channel) == ("letter", "letter")


# --- call-backs and harassment ----------------------------------------------------------------------------------------


def test_to_be_called_back_owes_a_call_with_its_time(room: Room) -> None:
    page = room.call(flag="needed", callback_person="孙女士", callback_phone="0571-88880000").get_data(as_text=True)
    _submission, _case, contact = room.only()
    (row,) = room.all(CallBack)
    assert (row.state, row.reason, row.contact_id) == ("open", "flagged", contact.id)
    assert row.due_at > room.clock.now()
    assert (contact.callback_person, contact.callback_phone) == ("孙女士", "+8657188880000")
    assert "已排回访" in page


def test_the_promised_time_counts(room: Room) -> None:
    room.call(flag="needed", callback_due="2026-11-24T16:30")
    (row,) = room.all(CallBack)
    assert row.due_at - room.clock.now() == timedelta(hours=6, minutes=30)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"flag": "needed", "number": ""}, "请填写回访电话"),
        ({"flag": "needed", "callback_phone": "123"}, "回访电话不对"),
        ({"flag": "needed", "callback_due": "2026-11-24T09:00"}, "应晚于现在"),
        ({"flag": "often"}, "请选择需回访"),
        ({"kind": "chat"}, "请选择来电类型"),
        ({"kind": "urge"}, "请先在“来电人”里选"),
        ({"earlier": "5"}, "已选了先前的一件"),
        ({"kind": "enquiry", "body": "", "answer": ""}, "请写下来电人问的"),
        ({"number": "1391234"}, "请核对来电号码"),
        ({"body": "停"}, "请再写详细些"),
        ({"phone": "12"}, "电话号码不对"),
        ({"disclosure": "secret"}, "请选择实名"),
        ({"area": "99"}, "请重新选择区县"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(room: Room, fields: dict[str, str], sentence: str) -> None:
    given = {"title": "三栋停水", "name": "孙丽", "place": "翠湖花园", "answer": "稍等", "comment": "谢谢"} | fields
    answer = room.call(**given)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert sentence in page
    assert room.all(Submission) == room.all(Contact) == room.all(CallBack) == []
    for value in ("三栋停水", "孙丽", "翠湖花园", given["answer"], "谢谢", fields.get("body", BODY)):
        assert value in page


def test_a_harassing_call_counts_against_the_number_and_makes_no_case(room: Room) -> None:
    room.call("register", body="", flag="nuisance")
    room.call("register", kind="nuisance", body="又来骂人")
    first, second = room.all(Contact)
    assert room.all(Submission) == []
    assert [(one.kind, one.callback_flag) for one in (first, second)] == [("nuisance", "nuisance")] * 2
    assert second.note == "又来骂人"
    page = room.call("find", body="").get_data(as_text=True)
    assert "记为骚扰电话 2 次" in page


def test_a_matter_of_a_nuisance_number_is_still_registered(room: Room) -> None:
    room.call(flag="nuisance")
    submission, _case, contact = room.only()
    assert (submission.body, contact.kind, contact.callback_flag) == (BODY, "new", "nuisance")


def test_silence_and_enquiries_are_kept_as_contacts(room: Room) -> None:
    room.call("register", kind="silent", body="", number="")
    page = room.call("answer", kind="enquiry", body="问几点上班", answer="九点到十七点。").get_data(as_text=True)
    silent, enquiry = room.all(Contact)
    assert (silent.kind, silent.number, enquiry.kind) == ("silent", None, "enquiry")
    assert enquiry.note == "问几点上班\n答复：九点到十七点。"
    assert room.all(Submission) == []
    assert "已记下：查询" in page


def test_an_enquiry_that_tells_of_danger_has_to_be_a_case(room: Room) -> None:
    answer = room.call("register", kind="enquiry", body="楼下着火了，浓烟滚滚怎么办")
    assert answer.status_code == 400
    assert "请登记为新诉求" in answer.get_data(as_text=True)
    assert room.all(Contact) == []


# --- about an earlier submission --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "stored"), [("add", "addition"), ("urge", "urge"), ("enquiry", "enquiry")])
def test_said_of_an_earlier_submission_it_is_added_there(room: Room, kind: str, stored: str) -> None:
    submission_id = room.classified()
    form = room.form(do="send", kind=kind, earlier=str(submission_id), body="还是没有亮")
    page = room.client.post("/desk", data=form).get_data(as_text=True)
    room.client.post("/desk", data=form)
    (message,), (contact,) = room.all(Message), room.all(Contact)
    assert (message.submission_id, message.kind, message.text) == (submission_id, stored, "还是没有亮")
    assert (message.channel, message.by_id, contact.kind) == ("hotline", room.account("fang.yating"), kind)
    with room.db.read() as session:
        assert contacts.submissions_of(session, contact.id) == [submission_id]
    assert len(room.all(Submission)) == 1
    assert "已记下" in page


def test_withdrawn_by_telephone_the_case_is_closed_once(room: Room) -> None:
    submission_id = room.classified()
    form = room.form(do="register", kind="withdraw", earlier=str(submission_id), body="已经修好了")
    assert room.client.post("/desk", data=form).status_code == 200
    assert room.client.post("/desk", data=form).status_code == 200
    assert (room.case(submission_id).outcome, len(room.all(Contact))) == ("withdrawn", 1)


def test_rated_by_telephone(room: Room) -> None:
    submission_id = room.answered()
    room.call("register", kind="rate", earlier=str(submission_id), body="", resolved="yes", score="5", comment="很快")
    (rating,) = room.all(Rating)
    assert (rating.resolved, rating.contacted, rating.satisfaction, rating.comment) == (True, None, 5, "很快")
    assert (rating.way, rating.asked_by_id) == ("hotline", room.account("fang.yating"))
    assert room.case(submission_id).stage == "closed"


def test_a_danger_told_with_a_rating_raises_the_alert(room: Room) -> None:
    submission_id = room.answered()
    room.call("register", kind="rate", earlier=str(submission_id), body="", resolved="no", score="1",
              comment="还在漏燃气")  # fmt: skip
    assert [row.kind for row in room.all(Alert)] == ["gas"]
    assert room.case(submission_id).priority == 0


def test_a_rating_of_nothing_is_refused_with_what_was_typed(room: Room) -> None:
    answer = room.call("register", kind="rate", earlier=str(room.answered()), body="")
    assert answer.status_code == 400
    assert "请至少回答一项评价" in answer.get_data(as_text=True)
    assert room.all(Rating) == room.all(Contact) == []


def test_what_can_not_be_done_now_is_said_and_kept(room: Room) -> None:
    submission_id = room.classified()
    room.call("register", kind="withdraw", earlier=str(submission_id))
    answer = room.call("register", kind="urge", earlier=str(submission_id), body="请再快些")
    assert answer.status_code == 409
    assert "请再快些" in answer.get_data(as_text=True)
    assert [one.kind for one in room.all(Contact)] == ["withdraw"]


def test_danger_told_of_an_earlier_submission_raises_the_alert(room: Room) -> None:
    submission_id = room.classified()
    page = room.call(kind="urge", earlier=str(submission_id), body="现在楼里着火了，浓烟很大").get_data(as_text=True)
    (alert,) = room.all(Alert)
    assert (alert.kind, room.case(submission_id).danger) == ("fire", "fire")
    assert "110 / 119 / 120" in page


@pytest.mark.parametrize("kind", ["add", "urge", "enquiry"])
def test_an_accusation_told_of_an_earlier_submission_hides_it(room: Room, kind: str) -> None:
    submission_id = room.classified()
    answer = room.call(kind=kind, earlier=str(submission_id), body="城管局的王队长向我索贿五千元")
    assert answer.status_code in (200, 303)
    assert room.case(submission_id).accusation == "possible"
    (message,), (contact,) = room.all(Message), room.all(Contact)
    assert (message.text, contact.kind) == ("城管局的王队长向我索贿五千元", kind)


def test_an_accusation_can_not_be_reached_by_its_id(room: Room) -> None:
    submission_id = room.submit()  # nobody has classified it: it counts as one
    for kind in ("add", "urge", "enquiry", "withdraw"):
        answer = room.call(kind=kind, earlier=str(submission_id), body="补充一点")
        assert answer.status_code == 404
    assert room.all(Message) == room.all(Contact) == []
    assert room.case(submission_id).stage == "review"


def test_who_may_not_register_is_sent_away(room: Room) -> None:
    room.sign(room.client, "huo.yan")
    assert room.client.get("/desk").status_code == 403
    assert room.call().status_code == 403
    assert room.all(Case) == []
