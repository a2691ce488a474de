"""Call-backs, left dialogues, harassing numbers and new query codes at the desk."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from cases.errors import WrongCode
from cases.models import BlockedNumber, CallBack, CallBackAttempt, Rating, Submission
from cases.operations import call_backs, closing, codes, contacts
from core import ids
from core.audit import AuditEntry
from intake.models import Dialogue
from tests.callcenter.conftest import BODY, PHONE, Room


def actions(room: Room) -> list[str]:
    with room.db.read() as session:
        return [entry.action for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]


def owed(room: Room, submission_id: int) -> int:
    """The call-back that silence owes; its id."""
    with room.db.write() as session:
        return call_backs.open_call_back(session, room.clock.now(), reason="silence", submission_id=submission_id).id


def try_it(room: Room, row_id: int, seen: int = 0, **fields: str) -> object:
    return room.client.post(f"/desk/callbacks/{row_id}", data={"seen": str(seen), **fields})


# --- call-backs -------------------------------------------------------------------------------------------------------


def test_what_is_owed_is_listed_with_masked_numbers(room: Room) -> None:
    room.call("register", kind="enquiry", body="问几点送水", flag="needed", callback_person="孙丽丽")
    page = room.client.get("/desk/callbacks").get_data(as_text=True)
    assert "问几点送水" in page
    assert "孙**" in page
    assert "139****5108" in page
    assert PHONE not in page
    assert "孙丽丽" not in page
    assert "没有要回访的" in room.client.get("/desk/callbacks?tab=due").get_data(as_text=True)
    room.later(days=5)
    room.sign(room.client, "fang.yating")
    assert "问几点送水" in room.client.get("/desk/callbacks?tab=due").get_data(as_text=True)


def test_the_list_is_paged(room: Room) -> None:
    with room.db.write() as session:
        for index in range(23):
            contacts.register_contact(session, room.city.actor("fang.yating"), room.clock.now(), contacts.NewContact(
                "hotline", "enquiry", room.clock.now(), PHONE, flag="needed", note=f"第 {index:02d} 通",
            ))  # fmt: skip
    page = room.client.get("/desk/callbacks?page=2").get_data(as_text=True)
    assert "第 22 通" in page
    assert "第 00 通" not in page


def test_whom_to_call_is_shown_on_the_audit_record(room: Room) -> None:
    row_id = owed(room, room.answered())
    assert PHONE not in room.client.get(f"/desk/callbacks/{row_id}").get_data(as_text=True)
    assert "revealed" not in actions(room)
    page = room.client.post(f"/desk/callbacks/{row_id}/number").get_data(as_text=True)
    assert PHONE in page
    assert "徐晓梅" in page
    assert "路灯已修好，感谢您的反映。" in page
    assert actions(room)[-1] == "revealed"


def test_nobody_answered_is_noted_and_tried_again(room: Room) -> None:
    row_id = owed(room, room.answered())
    answer = try_it(room, row_id, result="no_answer", note="响了八声", next_at="2026-11-25T09:30")
    assert answer.status_code == 302  # type: ignore[attr-defined]
    (row,), (attempt,) = room.all(CallBack), room.all(CallBackAttempt)
    assert (row.state, row.attempts, row.result) == ("open", 1, "no_answer")
    assert row.due_at - room.clock.now() == timedelta(hours=23, minutes=30)
    assert (attempt.note, attempt.by_id) == ("响了八声", room.account("fang.yating"))
    assert "响了八声" in room.client.get(f"/desk/callbacks/{row_id}").get_data(as_text=True)


def test_reached_the_rating_is_kept_with_the_attempt(room: Room) -> None:
    submission_id = room.answered()
    row_id = owed(room, submission_id)
    try_it(room, row_id, result="reached", resolved="yes", contacted="no", score="4", comment="还行")
    (row,), (rating,) = room.all(CallBack), room.all(Rating)
    assert (row.state, row.done_by_id) == ("done", room.account("fang.yating"))
    assert (rating.way, rating.resolved, rating.contacted, rating.satisfaction) == ("callback", True, False, 4)
    assert room.case(submission_id).stage == "closed"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"result": ""}, "请选择回访结果"),
        ({"result": "no_answer", "score": "5"}, "回访结果应是“已接通”"),
        ({"result": "no_answer", "next_at": "2026-11-24T09:00"}, "应晚于现在"),
    ],
)
def test_a_faulty_record_is_refused_with_what_was_typed(room: Room, fields: dict[str, str], sentence: str) -> None:
    row_id = owed(room, room.answered())
    answer = try_it(room, row_id, note="记了一句", **fields)
    page = answer.get_data(as_text=True)  # type: ignore[attr-defined]
    assert answer.status_code == 400  # type: ignore[attr-defined]
    assert sentence in page
    assert "记了一句" in page
    assert room.all(CallBackAttempt) == room.all(Rating) == []


def test_two_who_record_the_same_call_the_second_is_told(room: Room) -> None:
    row_id = owed(room, room.answered())
    try_it(room, row_id, result="no_answer")
    answer = try_it(room, row_id, result="no_answer", note="我也打了")
    assert answer.status_code == 409  # type: ignore[attr-defined]
    assert "我也打了" in answer.get_data(as_text=True)  # type: ignore[attr-defined]
    assert len(room.all(CallBackAttempt)) == 1


def test_a_call_back_about_what_is_not_to_be_seen_is_not_found(room: Room) -> None:
    row_id = owed(room, room.submit())
    assert room.client.get(f"/desk/callbacks/{row_id}").status_code == 404
    assert room.client.post(f"/desk/callbacks/{row_id}/number").status_code == 404
    assert try_it(room, row_id, result="reached").status_code == 404  # type: ignore[attr-defined]
    assert "路灯" not in room.client.get("/desk/callbacks").get_data(as_text=True)


# --- harassing numbers ------------------------------------------------------------------------------------------------


def test_only_a_supervisor_sees_and_blocks_numbers(room: Room) -> None:
    room.call("register", kind="nuisance", body="")
    (row,) = room.all(BlockedNumber)
    for path in ("get", "post"):
        answer = room.client.get("/desk/nuisance") if path == "get" else room.client.post(f"/desk/nuisance/{row.id}")
        assert answer.status_code == 403
    room.sign(room.client, "dou.jianping")
    page = room.client.get("/desk/nuisance").get_data(as_text=True)
    assert "139****5108" in page
    assert PHONE not in page
    assert "请写明限制的理由" in room.client.post(
        f"/desk/nuisance/{row.id}", data={"do": "block", "reason": " "}
    ).get_data(as_text=True)  # fmt: skip
    assert room.all(BlockedNumber)[0].blocked_at is None
    room.client.post(f"/desk/nuisance/{row.id}", data={"do": "block", "reason": "反复辱骂"})
    (row,) = room.all(BlockedNumber)
    assert (row.blocked_at, row.blocked_by_id, row.reason) == (
        room.clock.now(), room.account("dou.jianping"), "反复辱骂"
    )  # fmt: skip
    assert actions(room)[-1] == "number_blocked"
    room.client.post(f"/desk/nuisance/{row.id}", data={"do": "unblock"})
    (row,) = room.all(BlockedNumber)
    assert (row.blocked_at, row.count) == (None, 0)


def test_a_supervisor_blocks_a_number_that_nobody_marked(room: Room) -> None:
    assert room.client.post("/desk/nuisance", data={"number": PHONE, "reason": "公安通报"}).status_code == 403
    room.sign(room.client, "dou.jianping")
    answer = room.client.post("/desk/nuisance", data={"number": "1391", "reason": "公安通报"})
    assert (answer.status_code, "请输入完整的号码" in answer.text, "公安通报" in answer.text) == (400, True, True)
    assert room.client.post("/desk/nuisance", data={"number": PHONE, "reason": "公安通报"}).status_code == 302
    (row,) = room.all(BlockedNumber)
    assert (row.count, row.reason, row.number) == (0, "公安通报", "+8613912345108")


# --- a new query code -------------------------------------------------------------------------------------------------


def _issue(room: Room, submission_id: int, **fields: str) -> object:
    return room.client.post(f"/desk/code/{submission_id}", data=fields)


def test_a_new_code_opens_and_the_earlier_one_ends(room: Room) -> None:
    submission_id = room.classified()
    (submission,) = room.all(Submission)
    answer = room.client.post("/desk/code", data={"number": ids.grouped(submission.number)})
    assert answer.headers["Location"].endswith(f"/desk/code/{submission_id}")
    assert "徐**" in room.client.get(f"/desk/code/{submission_id}").get_data(as_text=True)
    page = _issue(room, submission_id, checked="registered_phone", told="139 1234 5108")
    text = page.get_data(as_text=True)  # type: ignore[attr-defined]
    import re

    first, second = re.findall(r">(\d{4}) (\d{4})<", text)[-1]
    assert codes.check(room.db, room.clock, submission.number, first + second, "t") == submission_id
    assert actions(room)[-1] == "code_reissued"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "请选择核实身份的方式"),
        ({"checked": "registered_phone", "told": "13800000000"}, "与登记的号码不一致"),
        ({"checked": "registered_phone", "told": ""}, "与登记的号码不一致"),
        ({"checked": "id_number", "told": "11010519491231002X"}, "与登记的不一致"),
    ],
)
def test_without_a_check_that_holds_there_is_no_code(room: Room, fields: dict[str, str], sentence: str) -> None:
    submission_id = room.classified()
    answer = _issue(room, submission_id, **fields)
    assert answer.status_code == 400  # type: ignore[attr-defined]
    assert sentence in answer.get_data(as_text=True)  # type: ignore[attr-defined]
    assert "code_reissued" not in actions(room)


def test_no_code_for_what_may_be_an_accusation_or_is_not_there(room: Room) -> None:
    submission_id = room.submit()
    (submission,) = room.all(Submission)
    for number in (submission.number, "1", "2611241234560"):
        assert room.client.post("/desk/code", data={"number": number}).status_code == 404
    assert room.client.get(f"/desk/code/{submission_id}").status_code == 404
    assert _issue(room, submission_id, checked="matter").status_code == 404  # type: ignore[attr-defined]
    with pytest.raises(WrongCode):
        codes.check(room.db, room.clock, submission.number, "00000000", "t")


# --- left dialogues ---------------------------------------------------------------------------------------------------


def test_left_dialogues_are_listed_and_one_that_goes_on_is_its_senders(room: Room) -> None:
    dialogue_id = room.left_dialogue(body="我叫徐晓梅，三栋停水了，电话 13912345108")
    page = room.client.get("/desk/dialogues").get_data(as_text=True)
    assert "三栋停水了" in page
    assert "徐晓梅" not in page
    assert PHONE not in page
    assert room.client.get(f"/desk/dialogues/{dialogue_id}").status_code == 200
    with room.db.write() as session:
        row = session.get_one(Dialogue, dialogue_id)
        row.state, row.listed_at = "open", None
    assert room.client.get(f"/desk/dialogues/{dialogue_id}").status_code == 404


def test_a_left_dialogue_is_handed_in_for_its_sender(room: Room) -> None:
    dialogue_id = room.left_dialogue()
    page = room.client.post(f"/desk/dialogues/{dialogue_id}", data={"do": "submit"}).get_data(as_text=True)
    (submission,), (row,) = room.all(Submission), room.all(Dialogue)
    assert (submission.channel, submission.body, row.state) == ("sms", BODY, "submitted")
    assert ids.grouped(submission.number) in page


def test_a_call_made_of_a_left_dialogue_closes_it(room: Room) -> None:
    dialogue_id = room.left_dialogue()
    page = room.client.post(f"/desk/dialogues/{dialogue_id}", data={"do": "call"}).get_data(as_text=True)
    assert BODY in page
    assert f'name="dialogue" value="{dialogue_id}"' in page
    assert "revealed" in actions(room)
    room.call(dialogue=str(dialogue_id))
    (submission,), (row,) = room.all(Submission), room.all(Dialogue)
    assert (row.state, row.submission_id) == ("closed", submission.id)


def test_the_sender_is_shown_on_the_audit_record_and_the_dialogue_can_be_closed(room: Room) -> None:
    dialogue_id = room.left_dialogue()
    assert PHONE not in room.client.get(f"/desk/dialogues/{dialogue_id}").get_data(as_text=True)
    page = room.client.post(f"/desk/dialogues/{dialogue_id}", data={"do": "number"}).get_data(as_text=True)
    assert PHONE in page
    assert actions(room)[-1] == "revealed"
    room.client.post(f"/desk/dialogues/{dialogue_id}", data={"do": "close"})
    assert room.all(Dialogue)[0].state == "closed"
    answer = room.client.post(f"/desk/dialogues/{dialogue_id}", data={"do": "close"})
    assert answer.status_code == 409


# --- 匿名 -------------------------------------------------------------------------------------------------------------


def test_the_number_of_who_wrote_without_a_name_is_not_shown(room: Room) -> None:
    submission_id = room.answered(disclosure="anonymous")
    row_id = owed(room, submission_id)
    for path in ("/desk/callbacks", f"/desk/callbacks/{row_id}", f"/desk/code/{submission_id}"):
        assert PHONE[-4:] not in room.client.get(path).get_data(as_text=True)
    answer = room.client.post(f"/desk/callbacks/{row_id}/number")
    assert answer.status_code == 403
    assert PHONE not in answer.get_data(as_text=True)
    assert "revealed" not in actions(room)
    file = room.client.get(f"/work/cases/{room.case(submission_id).id}").get_data(as_text=True)
    assert "查看电话" not in file
    assert "查看姓名" not in file
    assert PHONE[-4:] not in file


def test_the_sender_of_a_dialogue_without_a_name_is_not_shown(room: Room) -> None:
    row_id = room.left_dialogue()
    with room.db.write() as session:
        session.get_one(Dialogue, row_id).disclosure = "anonymous"
    page = room.client.get(f"/desk/dialogues/{row_id}").get_data(as_text=True)
    assert "看对方是谁" not in page
    assert "联系后登记" not in page
    for do in ("number", "call"):
        answer = room.client.post(f"/desk/dialogues/{row_id}", data={"do": do})
        assert answer.status_code == 403
        assert PHONE not in answer.get_data(as_text=True)
    assert "revealed" not in actions(room)


def test_silence_owes_no_call_to_who_wrote_without_a_name(room: Room) -> None:
    submission_id = room.answered(disclosure="anonymous")
    with room.db.write() as session:
        assert closing.call_after_silence(session, room.clock.now(), room.case(submission_id).id) == []
    assert room.all(CallBack) == []
