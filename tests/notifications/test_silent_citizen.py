"""Who is told that a citizen did not answer us."""

from __future__ import annotations

from datetime import timedelta

from cases import sweep
from cases.operations import messages
from tests.notifications.conftest import Room


def test_the_officer_who_asked_is_told_that_no_answer_came(room: Room) -> None:
    case_id = room.desk.waiting()
    with room.desk.db.write() as session:
        messages.ask_citizen(session, room.desk.officer(), room.desk.clock.now(), case_id, "请写明工地在哪里")
    room.desk.clock.advance(timedelta(days=5))
    sweep.sweep(room.desk.db, room.desk.clock)
    room.tell()
    room.again()
    assert room.lines("citizen_silent") == {"pei.zhengyu": ["citizen_silent"]}
