"""The inbox: once, whatever happens; sealed; replayed; tried again."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from channels import inbox
from channels.contract import Ask, HangUp, Item, Kind, Message, Outcome, Receipt, ReceiptStatus, Request, Say
from channels.envelope import dump_outcome, dump_request, load_outcome, load_request
from channels.inbox import Delivery
from channels.registry import load
from core.clock import FixedClock
from core.database import Database
from core.errors import Conflict
from core.jobs import Job, Registry, run_due
from tests.channels.payloads import AT, settings_of
from tests.channels.room import GOT, Room

REQUEST = Request(
    "POST", "https://h/hooks/x?a=1", "/hooks/x", (("a", "1"),), {"content-type": "t", "cookie": "c"}, b"\xff", AT
)
MESSAGE = Message("x", "k1", "+8613800000001", Kind.TEXT, AT, text="路灯坏了")


def take(db: Database, room: Room, item: Item = MESSAGE, later: timedelta = timedelta()) -> Outcome:
    delivery = inbox.prepare(replace(REQUEST, received_at=AT + later), item)
    with db.write() as session:
        return inbox.accept(session, delivery, item, room.bindings)


def rows(db: Database) -> list[Delivery]:
    with db.read() as session:
        return list(session.scalars(select(Delivery)))


def got(db: Database) -> list[str]:
    with db.read() as session:
        return sorted(session.scalars(select(GOT.c.kind)))


def test_a_delivery_is_kept_raw_and_sealed(db: Database, room: Room) -> None:
    take(db, room)
    with db.read() as session:
        row = session.scalars(select(Delivery)).one()
        assert (row.channel, row.key, row.kind, row.state, row.attempts) == ("x", "k1", "text", "done", 1)
        kept = load_request(row.raw or "")
        assert kept == replace(REQUEST, headers={"content-type": "t"})
        stored = str(session.execute(text("select * from deliveries")).one())
        assert "12345678" not in stored and "hooks" not in stored


def test_a_repeat_gets_the_stored_answer_and_nothing_is_done_twice(db: Database, room: Room) -> None:
    first = take(db, room)
    room.text = "another"
    assert take(db, room, later=timedelta(hours=23)) == first
    assert got(db) == ["text"] and len(rows(db)) == 1


def test_after_a_day_the_number_alone(db: Database, room: Room) -> None:
    take(db, room)
    late = take(db, room, later=timedelta(hours=25))
    assert late.number == "2611240000017" and "12345678" not in late.text
    assert "261124 000 0017" in late.text


def test_expired_answers_are_forgotten(db: Database, room: Room) -> None:
    take(db, room)
    with db.write() as session:
        assert inbox.purge_answers(session, AT + timedelta(hours=23)) == 0
        assert inbox.purge_answers(session, AT + timedelta(hours=25)) == 1
    assert rows(db)[0].answer_sealed is None
    assert take(db, room).number == "2611240000017"


def test_another_channel_with_the_same_key_is_another_delivery(db: Database, room: Room) -> None:
    take(db, room)
    take(db, room, replace(MESSAGE, channel="y"))
    assert got(db) == ["text", "text"]


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        (replace(MESSAGE, kind=Kind.STOP), "consent.stop"),
        (replace(MESSAGE, kind=Kind.START), "consent.start"),
        (Receipt("x", "k1", "SM1", ReceiptStatus.DELIVERED, AT), "receipt.delivered"),
    ],
)
def test_each_kind_goes_where_it_is_bound(db: Database, room: Room, item: Item, kind: str) -> None:
    assert take(db, room, item) == Outcome()
    assert got(db) == [kind]


def test_twenty_threads_with_one_key_make_one(db: Database, room: Room) -> None:
    gate, answers, errors = threading.Barrier(20), [], []

    def run() -> None:
        gate.wait()
        try:
            answers.append(take(db, room))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(answers) == 20 and len(set(answers)) == 1
    assert got(db) == ["text"] and len(rows(db)) == 1


def test_a_refusal_is_the_answer_and_undoes_what_was_written(db: Database, room: Room) -> None:
    room.error = Conflict("请换个说法。")
    assert take(db, room).text == "请换个说法。"
    room.error = None
    assert take(db, room).text == "请换个说法。"
    assert got(db) == [] and rows(db)[0].error == "conflict"


def test_a_fault_loses_nothing_and_a_job_tries_again(db: Database, room: Room, clock: FixedClock) -> None:
    request = Request(
        "POST", "u", "/hooks/sms", (), {}, b"MessageSid=SM1&From=%2B8613800000001&Body=x", AT
    )  # fmt: skip
    channels = load(settings_of("sms"))
    (item,) = channels.receiver("sms").parse(request)  # type: ignore[union-attr]
    room.error = ZeroDivisionError()
    with db.write() as session:
        answer = inbox.accept(session, inbox.prepare(request, item), item, room.bindings)
    assert "已收到" in answer.text and answer.number == ""
    assert got(db) == [] and (rows(db)[0].state, rows(db)[0].error) == ("failed", "ZeroDivisionError")

    registry = Registry()
    inbox.register(registry, channels, room.bindings)
    clock.advance(timedelta(minutes=1))
    run_due(db, clock, registry, "jobs")
    assert (rows(db)[0].state, rows(db)[0].attempts) == ("failed", 2)
    room.error = None
    clock.advance(timedelta(minutes=5))
    run_due(db, clock, registry, "jobs")
    assert (rows(db)[0].state, rows(db)[0].attempts, rows(db)[0].error) == ("done", 3, None)
    assert got(db) == ["text"] and room.late == [room.text]
    with db.read() as session:
        assert session.scalars(select(Job)).one().state == "done"


def test_a_repeat_of_a_failed_delivery_is_another_try(db: Database, room: Room) -> None:
    room.error = ZeroDivisionError()
    take(db, room)
    room.error = None
    assert take(db, room).number == "2611240000017"
    assert got(db) == ["text"]


def test_a_database_that_cannot_write_keeps_no_half(db: Database, room: Room) -> None:
    room.error = OperationalError("x", {}, Exception())
    with pytest.raises(OperationalError):
        take(db, room)
    assert rows(db) == [] and got(db) == []


def test_a_replay_comes_with_the_same_delivery(db: Database, room: Room) -> None:
    channels = load(settings_of("sms"))
    request = replace(REQUEST, body=b"MessageSid=SM1&From=%2B8613800000001&Body=x")
    (item,) = channels.receiver("sms").parse(request)  # type: ignore[union-attr]
    with db.write() as session:
        inbox.accept(session, inbox.prepare(request, item), item, room.bindings)
    delivery_id = rows(db)[0].id
    with db.write() as session:
        assert inbox.replay(session, delivery_id, channels, room.bindings).number
    assert got(db) == ["text"]
    with db.write() as session:
        inbox.replay(session, delivery_id, channels, room.bindings, again=True)
    with db.read() as session:
        assert list(session.scalars(select(GOT.c.delivery_id))) == [delivery_id, delivery_id]


@pytest.mark.parametrize("before", ["done", "dead"])
def test_a_replay_that_fails_is_tried_again_also_when_it_was_before(
    db: Database, room: Room, clock: FixedClock, before: str
) -> None:
    channels, registry = load(settings_of("sms")), Registry()
    inbox.register(registry, channels, room.bindings)
    request = replace(REQUEST, body=b"MessageSid=SM1&From=%2B8613800000001&Body=x")
    (item,) = channels.receiver("sms").parse(request)  # type: ignore[union-attr]
    room.error = ZeroDivisionError()
    with db.write() as session:
        inbox.accept(session, inbox.prepare(request, item), item, room.bindings)
    if before == "done":
        room.error = None
    for _ in range(12):
        clock.advance(timedelta(hours=2))
        run_due(db, clock, registry, "jobs")
    with db.read() as session:
        assert session.scalars(select(Job.state)).one() == before
    room.error = ZeroDivisionError()
    with db.write() as session:
        inbox.replay(session, rows(db)[0].id, channels, room.bindings, again=True)
    with db.read() as session:
        job = session.scalars(select(Job)).one()
    assert (rows(db)[0].state, job.state, job.attempts, job.finished_at) == ("failed", "waiting", 0, None)
    room.error = None
    run_due(db, clock, registry, "jobs")
    with db.read() as session:
        assert session.scalars(select(Job.state)).one() == "done"
    assert rows(db)[0].state == "done"
    assert got(db) == ["text"] * (2 if before == "done" else 1)


def test_envelopes_come_back_as_they_went() -> None:
    outcome = Outcome("t", "n", (Say("a"), Ask("b", "next", digits=1), HangUp()), "c")
    assert load_outcome(dump_outcome(outcome)) == outcome
    request = replace(REQUEST, headers={"content-type": "t", "x-twilio-signature": "s"})
    assert load_request(dump_request(request)) == request
