"""The outbox against a stand-in for Twilio: waits while it is down, and a call is owed when nothing helps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from cases.models import CallBack, ContactPoint
from cases.operations import citizens as people
from cases.operations import deciding, messages
from channels.adapters.sms import Sms
from channels.contract import Kind, Message, Outcome, Receipt, ReceiptStatus, Rejected, Retryable
from channels.inbox import Delivery
from channels.registry import Channels
from core.jobs import Job
from intake import left
from intake.models import Dialogue
from notifications import delivery
from notifications.models import Notice
from tests.channels.payloads import settings_of
from tests.channels.provider_stub import Provider, provider_stub
from tests.notifications.conftest import Room, Speaks
from tests.workbench.conftest import Desk


@pytest.fixture
def provider() -> Iterator[Provider]:
    with provider_stub() as stub:
        yield stub


@pytest.fixture
def twilio(desk: Desk, provider: Provider) -> Room:
    """A hub whose SMS goes by Twilio's client to the stand-in."""
    sms = Sms(settings_of("sms", twilio_api_base=provider.address))
    return Room(desk, Speaks(), None, Channels({"sms": sms}, Speaks("console")))


def only(room: Room) -> Notice:
    (notice,) = room.notices()
    return notice


def asked(room: Room) -> int:
    """A case whose citizen must answer a question: the only notice."""
    case_id = room.desk.waiting()
    with room.desk.db.write() as session:
        messages.ask_citizen(session, room.desk.officer(), room.desk.clock.now(), case_id, "在哪一侧？")
    return case_id


def accepted(room: Room) -> None:
    case_id = room.desk.waiting()
    with room.desk.db.write() as session:
        deciding.accept(session, room.desk.officer(), room.desk.clock.now(), case_id)


def call_backs(room: Room) -> list[tuple[str, int | None, str]]:
    with room.desk.db.read() as session:
        return [(row.reason, row.submission_id, row.state) for row in session.scalars(select(CallBack))]


def stopped(room: Room) -> bool:
    with room.desk.db.read() as session:
        return session.scalars(select(ContactPoint)).one().stopped_at is not None


# --- sending ----------------------------------------------------------------------------------------------------------


def test_it_waits_while_the_provider_is_down_and_sends_when_it_is_back(twilio: Room, provider: Provider) -> None:
    provider.status, provider.body = 503, {"code": None, "message": "down", "status": 503}
    asked(twilio)
    for _ in range(3):
        twilio.tell()
        assert (only(twilio).state, only(twilio).error) == ("waiting", "provider_down")
        twilio.desk.later(minutes=10)
    provider.status, provider.body = 201, {"sid": "SM" + "7" * 32, "status": "queued"}
    twilio.tell()
    notice = only(twilio)
    assert (notice.state, notice.provider_id, notice.attempts) == ("sent", "SM" + "7" * 32, 4)
    assert [form["Body"] for _path, _auth, form in provider.asked] == [[str(notice.text)]] * 4
    assert call_backs(twilio) == []


def test_between_tries_the_provider_is_left_alone(twilio: Room, provider: Provider) -> None:
    provider.status, provider.body = 429, {"code": 20429, "message": "busy", "status": 429}
    asked(twilio)
    twilio.tell()
    twilio.desk.later(seconds=10)
    twilio.tell()
    assert len(provider.asked) == 1


def test_a_provider_that_stays_down_is_given_up_and_a_call_owed(twilio: Room, provider: Provider) -> None:
    provider.status, provider.body = 503, {"code": None, "message": "down", "status": 503}
    case_id = asked(twilio)
    for _ in range(12):
        twilio.tell()
        assert only(twilio).state == "waiting"
        twilio.desk.later(hours=2)
    for _ in range(3):
        twilio.tell()
        twilio.desk.later(hours=2)
    assert (only(twilio).state, only(twilio).error, len(provider.asked)) == ("failed", "provider_down", 13)
    assert call_backs(twilio) == [("undelivered", twilio.desk.submission(case_id).id, "open")]


def test_one_that_may_have_been_taken_is_tried_once_more_only(room: Room) -> None:
    room.sms.fails = [Retryable("timeout", maybe_sent=True) for _ in range(5)]
    asked(room)
    for _ in range(4):
        room.tell()
        room.desk.later(hours=2)
    assert (only(room).state, only(room).attempts, len(room.sms.fails)) == ("failed", 2, 3)


def test_the_time_that_the_provider_asks_for_is_kept(room: Room) -> None:
    room.sms.fails = [Retryable("busy", after=timedelta(minutes=45))]
    asked(room)
    room.tell()
    room.desk.later(minutes=44)
    assert room.tell() == []
    room.desk.later(minutes=2)
    assert len(room.tell()) == 1


@pytest.mark.parametrize(("code", "error"), [(21211, "bad_address"), (21617, "refused")])
def test_what_is_rejected_is_not_tried_again(twilio: Room, provider: Provider, code: int, error: str) -> None:
    provider.status, provider.body = 400, {"code": code, "message": "no", "status": 400}
    asked(twilio)
    for _ in range(3):
        twilio.tell()
        twilio.desk.later(hours=2)
    assert (only(twilio).state, only(twilio).error, len(provider.asked)) == ("failed", error, 1)
    assert [reason for reason, _submission, _state in call_backs(twilio)] == ["undelivered"]
    assert not stopped(twilio)


def test_who_opted_out_at_the_provider_is_remembered(twilio: Room, provider: Provider) -> None:
    provider.status, provider.body = 400, {"code": 21610, "message": "unsubscribed", "status": 400}
    asked(twilio)
    twilio.tell()
    assert stopped(twilio) and len(call_backs(twilio)) == 1


def test_what_need_not_arrive_owes_no_call(room: Room) -> None:
    room.sms.fails = [Rejected("bad_address")]
    accepted(room)
    room.tell()
    assert only(room).state == "failed" and call_backs(room) == []


def test_a_worker_that_dies_after_sending_does_not_lose_the_notice(room: Room) -> None:
    asked(room)
    room.tell()
    assert room.again() == [] and only(room).attempts == 1


# --- receipts ---------------------------------------------------------------------------------------------------------


def receive(room: Room, status: ReceiptStatus, provider_id: str = "sms-1") -> None:
    at = room.desk.clock.now()
    with room.desk.db.write() as session:
        delivery.receipt(session, Receipt("sms", f"{provider_id}.{status}", provider_id, status, at), Delivery())


def test_receipts_move_the_state(room: Room) -> None:
    asked(room)
    room.tell()
    receive(room, ReceiptStatus.SENT)
    assert only(room).state == "sent"
    receive(room, ReceiptStatus.DELIVERED)
    assert (only(room).state, only(room).delivered_at) == ("delivered", room.desk.clock.now())


def test_a_late_receipt_changes_nothing(room: Room) -> None:
    asked(room)
    room.tell()
    receive(room, ReceiptStatus.DELIVERED)
    for status in (ReceiptStatus.SENT, ReceiptStatus.FAILED, ReceiptStatus.ACCEPTED):
        receive(room, status)
    receive(room, ReceiptStatus.DELIVERED, "of-somebody-else")
    assert only(room).state == "delivered" and call_backs(room) == []


def test_a_receipt_of_failure_owes_one_call(room: Room) -> None:
    case_id = asked(room)
    room.tell()
    for _ in range(2):
        receive(room, ReceiptStatus.FAILED)
    assert only(room).state == "failed"
    assert call_backs(room) == [("undelivered", room.desk.submission(case_id).id, "open")]


# --- what is no event -------------------------------------------------------------------------------------------------


def test_a_late_answer_is_sent_once(room: Room) -> None:
    at = room.desk.clock.now()
    message = Message("sms", "SM1", "+8613812345678", Kind.TEXT, at, "进度")
    for _ in range(2):
        with room.desk.db.write() as session:
            given = Delivery(id=77, channel="sms", key="SM1", received_at=at)
            delivery.late_answer(session, message, Outcome("您的诉求正在办理。"), given)
    assert room.tell() == ["您的诉求正在办理。"]
    assert [message.to for message in room.sms.sent] == ["+8613812345678"]


def test_no_answer_is_no_notice(room: Room) -> None:
    at = room.desk.clock.now()
    with room.desk.db.write() as session:
        message = Message("sms", "SM1", "+8613812345678", Kind.TEXT, at, "进度")
        delivery.late_answer(session, message, Outcome(), Delivery(id=77, channel="sms", key="SM1", received_at=at))
    assert room.tell() == []


def dialogue(room: Room, state: str = "open") -> int:
    at = room.desk.clock.now()
    with room.desk.db.write() as session:
        people.ensure_point(session, "phone", "+8613812345678", at)
        row = Dialogue(channel="sms", sender_digest="d", state=state, step="place", started_at=at, last_at=at)
        row.sender, row.body = "+8613812345678", "路灯不亮"
        session.add(row)
        session.flush()
        return row.id


def test_a_dialogue_left_is_reminded_of_once(room: Room) -> None:
    row_id = dialogue(room)
    room.desk.later(minutes=45)
    for _ in range(2):
        with room.desk.db.write() as session:
            left.remind(session, row_id, room.desk.clock.now())
    assert room.tell() == ["【12345热线】您上次说的事还没有提交。接着回复就可以办完；不回复的话，话务员会联系您。"]
    assert room.again() == []


def test_a_dialogue_that_ended_meanwhile_is_not_reminded_of(room: Room) -> None:
    row_id = dialogue(room)
    room.desk.later(minutes=45)
    with room.desk.db.write() as session:
        left.remind(session, row_id, room.desk.clock.now())
        session.execute(update(Dialogue).values(state="submitted"))
    assert room.tell() == []
    with room.desk.db.read() as session:
        assert set(session.scalars(select(Job.state).where(Job.name == left.TELL))) == {"done"}
