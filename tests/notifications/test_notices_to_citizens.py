"""What a citizen is told: of each event, in these words, at this address, and once however often the job runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from cases import sweep
from cases.models import AssignmentRequest, ContactPoint, Event, Submission
from cases.operations import closing, deciding, handling, messages, requests, rounds, silence
from cases.operations.inputs import Reporter
from channels.registry import Channels
from core import ids
from core.clock import to_local
from notifications import citizens
from notifications.models import NoticeTemplate
from organisations.models import Ground
from organisations.people import CITIZEN
from tests.notifications.conftest import Mute, Room, Speaks
from tests.workbench.conftest import Desk

HEAD = "【12345热线】您的诉求 {number} "
Happening = Callable[[Desk], int]


def ground_of(desk: Desk, operation: str) -> Ground:
    with desk.db.read() as session:
        query = select(Ground).where(Ground.track == "hotline", Ground.operation == operation)
        found = session.scalars(query.order_by(Ground.position, Ground.code)).first()
    assert found is not None
    return found


def accepted(desk: Desk) -> int:
    case_id = desk.waiting()
    with desk.db.write() as session:
        deciding.accept(session, desk.officer(), desk.clock.now(), case_id)
    return case_id


def assigned(desk: Desk) -> int:
    return desk.sent()


def forwarded(desk: Desk) -> int:
    case_id = desk.waiting()
    with desk.db.write() as session:
        deciding.forward(session, desk.officer(), desk.clock.now(), case_id, desk.city.organisation("TC-GAJ"))
    return case_id


def citizen_asked(desk: Desk) -> int:
    case_id = desk.waiting()
    with desk.db.write() as session:
        messages.ask_citizen(session, desk.officer(), desk.clock.now(), case_id, "工地在小区的哪一侧？")
    return case_id


def granted(desk: Desk, ask: Callable[..., AssignmentRequest], **what: object) -> int:
    case_id = desk.in_hand()
    with desk.db.write() as session:
        row = ask(session, desk.handler(), desk.clock.now(), desk.assignment(case_id).id, reason="要等设备", **what)
        requests.grant(session, desk.officer(), desk.clock.now(), row.id)
    return case_id


def extension_granted(desk: Desk) -> int:
    return granted(desk, requests.ask_extension, days=3)


def suspended(desk: Desk) -> int:
    return granted(desk, requests.ask_suspension)


def answer_served(desk: Desk) -> int:
    return desk.answered()


def answered_directly(desk: Desk) -> int:
    case_id = desk.waiting()
    with desk.db.write() as session:
        deciding.direct_answer(session, desk.officer(), desk.clock.now(), case_id, "夜间施工已经公告到本月底。")
    return case_id


def refused(desk: Desk) -> int:
    case_id, ground = desk.waiting(), ground_of(desk, "refuse")
    with desk.db.write() as session:
        deciding.refuse(session, desk.officer(), desk.clock.now(), case_id, ground=ground.code, text="法院已经受理。")
    return case_id


def guided(desk: Desk) -> int:
    case_id, ground = desk.waiting(), ground_of(desk, "guide")
    with desk.db.write() as session:
        deciding.guide(session, desk.officer(), desk.clock.now(), case_id, ground=ground.code, text="请向法院起诉。")
    return case_id


def lapsed(desk: Desk) -> int:
    case_id = citizen_asked(desk)
    desk.clock.advance(timedelta(days=10))
    sweep.sweep(desk.db, desk.clock)
    with desk.db.write() as session:
        silence.lapse_unanswered(session, desk.officer(), desk.clock.now(), case_id, text="没有说明工地在哪一侧。")
    return case_id


def reopened(desk: Desk) -> int:
    case_id = desk.answered()
    with desk.db.write() as session:
        closing.rate(session, CITIZEN, desk.clock.now(), desk.submission(case_id).id, True, True, 5)
        rounds.reopen(session, desk.officer(), desk.clock.now(), case_id, reason="又开始打桩")
    return case_id


HAPPENINGS = (accepted, assigned, forwarded, citizen_asked, extension_granted, suspended, answer_served,
              answered_directly, refused, guided, lapsed, reopened)  # fmt: skip
WORDS = {
    "accepted": HEAD + "已受理。最晚 {day} 前答复您；回复“进度”可随时查看。",
    "assigned": HEAD + "已转给市城管局办理，最晚 {day} 前答复您。",
    "forwarded": HEAD + "已转送市公安局，由该单位依照职责处理并与您联系。",
    "citizen_asked": "【12345热线】办理您的诉求 {number} 还需要了解：工地在小区的哪一侧？ "
    "请直接回复，或在网上“查进度”里补充。",
    "extension_granted": HEAD + "情况复杂，经批准延期办理，新的答复时间最晚是 {day}。",
    "suspended": HEAD + "因客观原因暂停办理，恢复后会接着办；答应您的答复时间不变。",
    "answer_served": HEAD + "有答复了：工地已停止夜间施工，感谢您的反映。 满意与否请回复“评价”，不认可请回复“不同意”。",
    "answered_directly": HEAD + "的答复：夜间施工已经公告到本月底。",
    "refused": HEAD + "按规定不予受理：法院已经受理。{article}",
    "guided": HEAD + "应通过其他途径解决：请向法院起诉。{article}",
    "lapsed": HEAD + "因到期没有收到补充，已终结：没有说明工地在哪一侧。 您仍可补齐后重新提交，或拨打 12345。",
    "reopened": HEAD + "已重新办理，最晚 {day} 前答复您。",
}


def test_every_kind_of_event_is_tried() -> None:
    assert {happening.__name__ for happening in HAPPENINGS} == citizens.KINDS == WORDS.keys()


@pytest.mark.parametrize("happening", HAPPENINGS)
def test_the_words_the_address_and_once(room: Room, happening: Happening) -> None:
    case_id, kind = happening(room.desk), happening.__name__
    room.tell()
    submission = room.desk.submission(case_id)
    with room.desk.db.read() as session:
        (notice,) = [row for row in room.notices() if row.kind == kind]
        point = session.get_one(ContactPoint, notice.contact_point_id)
        address = str(point.value)
    (sent,) = [message for message in room.sms.sent if message.key == notice.key]
    day = submission.promise_date
    if kind == "extension_granted":  # the three days more reach past what was promised
        due = to_local(room.desk.assignment(case_id).due_at).date()
        assert due > day
        day = due
    article = ground_of(room.desk, "refuse" if kind == "refused" else "guide").article
    law = f"（依据：{article}）" if article else ""
    assert (
        sent.text
        == str(notice.text)
        == WORDS[kind].format(number=ids.grouped(submission.number), day=f"{day.month} 月 {day.day} 日", article=law)
    )
    assert (sent.to, point.kind, notice.channel, notice.submission_id) == (address, "phone", "sms", submission.id)
    assert sent.to.startswith("+86138") and notice.state == "sent"
    count = len(room.notices())
    assert room.again() == [] and len(room.notices()) == count


def test_an_administrators_words_go_before(room: Room) -> None:
    with room.desk.db.write() as session:
        at = room.desk.clock.now()
        session.add(NoticeTemplate(code="assigned", text="{office}已接到 {number}。", changed_at=at))
    case_id = assigned(room.desk)
    assert f"市城管局已接到 {ids.grouped(room.desk.submission(case_id).number)}。" in room.tell()


def test_a_value_is_no_template(room: Room) -> None:
    case_id = room.desk.waiting()
    with room.desk.db.write() as session:
        deciding.direct_answer(
            session, room.desk.officer(), room.desk.clock.now(), case_id, "请见公告 {number}{office}"
        )
    assert "请见公告 {number}{office}" in room.tell()[-1]


# --- by which way -----------------------------------------------------------------------------------------------------


def by_wechat(desk: Desk, phone: str = "") -> int:
    return desk.sent(channel="wechat", reporter=Reporter(openid="oLIANXIN01", phone=phone))


def test_wechat_that_can_not_speak_first_is_passed_over_for_the_phone(room: Room) -> None:
    by_wechat(room.desk, "13812345678")
    room.tell()
    assert {(message.channel, message.to) for message in room.sms.sent} == {("sms", "+8613812345678")}


def test_by_no_way_nothing_is_owed(room: Room) -> None:
    by_wechat(room.desk)
    assert room.tell() == [] and room.notices() == []


def test_wechat_is_used_where_it_speaks(desk: Desk) -> None:
    wechat, sms = Speaks("wechat"), Speaks()
    room = Room(desk, sms, wechat, Channels({"sms": sms, "wechat": wechat}, Speaks("console")))
    by_wechat(desk, "13812345678")
    room.tell()
    assert [message.to for message in wechat.sent] == ["oLIANXIN01"] and sms.sent == []


def test_a_channel_that_is_off_is_written_down(desk: Desk) -> None:
    console, sms = Speaks("console"), Speaks()
    room = Room(desk, sms, Mute(), Channels({}, console))
    assigned(desk)
    room.tell()
    assert [message.channel for message in console.sent] == ["sms"]


def test_stop_is_kept_before_and_after(room: Room) -> None:
    case_id = assigned(room.desk)
    with room.desk.db.write() as session:
        session.execute(update(ContactPoint).values(stopped_at=room.desk.clock.now()))
    assert room.tell() == [] and room.notices() == []
    with room.desk.db.write() as session:
        session.execute(update(ContactPoint).values(stopped_at=None))
        handling.sign(session, room.desk.handler(), room.desk.clock.now(), room.desk.assignment(case_id).id)
        messages.ask_citizen(session, room.desk.officer(), room.desk.clock.now(), case_id, "在哪一侧？")
    with room.desk.db.write() as session:
        (event,) = session.scalars(select(Event).where(Event.kind == "citizen_asked"))
        citizens.owe_for_event(session, event.id, room.desk.clock.now(), room.channels)
        session.execute(update(ContactPoint).values(stopped_at=room.desk.clock.now()))
    assert room.tell() == []
    assert [row.state for row in room.notices() if row.kind == "citizen_asked"] == ["dropped"]


def test_a_withdrawn_submission_hears_nothing_more(room: Room) -> None:
    case_id = assigned(room.desk)
    room.tell()
    with room.desk.db.write() as session:
        session.execute(update(Submission).values(withdrawn_at=room.desk.clock.now()))
        handling.sign(session, room.desk.handler(), room.desk.clock.now(), room.desk.assignment(case_id).id)
        row = requests.ask_suspension(
            session, room.desk.handler(), room.desk.clock.now(), room.desk.assignment(case_id).id, reason="等"
        )
        requests.grant(session, room.desk.officer(), room.desk.clock.now(), row.id)
    assert room.tell() == []


def test_what_was_imported_is_never_told(room: Room) -> None:
    case_id = room.desk.waiting(imported_at=room.desk.clock.now())
    with room.desk.db.write() as session:
        deciding.accept(session, room.desk.officer(), room.desk.clock.now(), case_id)
    assert room.tell() == [] and room.notices() == []


def test_each_submission_of_a_merged_case_is_told(room: Room) -> None:
    from cases.operations import merging

    first, second = room.desk.waiting(), room.desk.waiting("别的题目", "另一个人也说工地夜里打桩。")
    with room.desk.db.write() as session:
        merging.merge(session, room.desk.officer(), room.desk.clock.now(), second, first)
        deciding.accept(session, room.desk.officer(), room.desk.clock.now(), first)
    texts = room.tell()
    assert len(texts) == 2 and len({message.to for message in room.sms.sent}) == 2
