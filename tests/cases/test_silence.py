"""We asked a citizen and heard nothing: the officer is told, and may end the case; a late answer stops that."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cases import sweep
from cases.errors import Forbidden, NotNow
from cases.models import CaseClock, Decision, Event
from cases.operations import messages, silence
from core.clock import FixedClock
from core.database import Database
from organisations.people import CITIZEN
from tests.cases.petitions import case_now, ordinary

TEXT = "多次请您补充路灯的位置，没有收到回复。"


@pytest.fixture
def asked(city: Any, db: Database, clock: FixedClock) -> tuple[int, int]:
    """A submission whose citizen was asked for more, and its case."""
    done, case_id = ordinary(db, clock.now())
    with db.write() as session:
        messages.ask_citizen(session, city.actor("pei.zhengyu"), clock.now(), case_id, "请写明路灯在哪里")
    return done.submission.id, case_id


def _kinds(db: Database, case_id: int) -> list[str]:
    with db.read() as session:
        return list(session.scalars(select(Event.kind).where(Event.case_id == case_id).order_by(Event.seq)))


def _lapse(city: Any, db: Database, clock: FixedClock, case_id: int, who: str = "pei.zhengyu") -> Decision:
    with db.write() as session:
        return silence.lapse_unanswered(session, city.actor(who), clock.now(), case_id, text=TEXT)


def _answer(db: Database, clock: FixedClock, submission_id: int) -> None:
    with db.write() as session:
        messages.answer_question(
            session, CITIZEN, clock.now(), submission_id, "柳林路口", origin="web", origin_key="a1", channel="web"
        )


def test_silence_is_told_once_and_ends_the_case_when_an_officer_says_so(
    city: Any, db: Database, clock: FixedClock, asked: tuple[int, int]
) -> None:
    clock.advance(timedelta(days=2))
    sweep.sweep(db, clock)
    assert "citizen_silent" not in _kinds(db, asked[1])
    clock.advance(timedelta(days=3))
    sweep.sweep(db, clock)
    sweep.sweep(db, clock)
    assert _kinds(db, asked[1]).count("citizen_silent") == 1
    decision = _lapse(city, db, clock, asked[1])
    case = case_now(db, asked[1])
    assert (case.stage, case.outcome, decision.kind, decision.text) == ("closed", "lapsed", "lapsed", TEXT)
    assert _kinds(db, asked[1])[-1] == "lapsed"
    with db.read() as session:
        running = select(CaseClock.kind).where(CaseClock.case_id == case.id, CaseClock.ended_at.is_(None))
        assert session.scalars(running).all() == []


def test_before_the_time_is_over_nothing_lapses(
    city: Any, db: Database, clock: FixedClock, asked: tuple[int, int]
) -> None:
    with pytest.raises(NotNow):
        _lapse(city, db, clock, asked[1])
    assert case_now(db, asked[1]).stage == "review"


def test_an_answer_keeps_the_case_open_also_when_it_comes_late(
    city: Any, db: Database, clock: FixedClock, asked: tuple[int, int]
) -> None:
    clock.advance(timedelta(days=5))
    sweep.sweep(db, clock)
    _answer(db, clock, asked[0])
    with pytest.raises(NotNow):
        _lapse(city, db, clock, asked[1])


def test_an_answer_in_time_makes_no_silence(city: Any, db: Database, clock: FixedClock, asked: tuple[int, int]) -> None:
    _answer(db, clock, asked[0])
    clock.advance(timedelta(days=5))
    sweep.sweep(db, clock)
    assert "citizen_silent" not in _kinds(db, asked[1])


def test_only_diversion_ends_it_and_only_where_somebody_was_asked(
    city: Any, db: Database, clock: FixedClock, asked: tuple[int, int]
) -> None:
    clock.advance(timedelta(days=5))
    sweep.sweep(db, clock)
    with pytest.raises(Forbidden):
        _lapse(city, db, clock, asked[1], "tan.xiuzhen")
    _other, unasked = ordinary(db, clock.now(), "form-9", body="井盖松动，过车很响。")
    with pytest.raises(NotNow):
        _lapse(city, db, clock, unasked)
