"""Each delivery is taken in once: repeated, at the same moment, tried again after a fault, or replayed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from cases.models import Message, Submission
from channels import inbox
from channels.inbox import Delivery
from core.clock import FixedClock
from core.database import Database
from core.jobs import Job
from intake import receive
from intake.models import Dialogue, Turn
from tests.conftest import City
from tests.intake.talk import BINDINGS, Talk, answer_of, number_and_code


def count(db: Database, model: Any) -> int:
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def text_of(talk: Talk, words: str, key: str) -> Any:
    return talk.request({"MsgType": "text", "Content": words}, {"Body": words}, key)


@pytest.mark.parametrize("channel", ["wechat", "sms"])
def test_the_same_delivery_at_the_same_moment(city: City, clock: FixedClock, channel: str) -> None:
    talk = Talk(city.db, clock, channel)
    for words in ("小区停水两天了", "码头路", "没有"):
        talk.say(words)
    request = text_of(talk, "确认", "24869471003459999")
    with ThreadPoolExecutor(6) as pool:
        answers = {answer_of(response) for response in pool.map(talk.deliver, [request] * 12)}
    assert len(answers) == 1
    number, code = number_and_code(answers.pop())
    assert code
    with city.db.read() as session:
        assert session.scalars(select(Submission.number)).all() == [number]
    assert count(city.db, Turn) == 4


def test_two_first_messages_at_the_same_moment_are_one_dialogue(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "sms")
    requests = [text_of(talk, f"小区停水了，这是第{at}条说明", f"SM{at:032x}") for at in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert all(response.status == 200 for response in pool.map(talk.deliver, requests))
    with city.db.read() as session:
        (only,) = session.scalars(select(Dialogue)).all()
        turns = session.scalars(select(Turn)).all()
    assert len(turns) == 6
    assert sum(f"第{at}条" in f"{only.body}{only.place or ''}" for at in range(6)) == 6


def test_a_replay_changes_nothing(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    for words in ("小区停水两天了", "码头路", "没有"):
        talk.say(words)
    first = talk.say("确认")
    talk.say("催办")
    with city.db.read() as session:
        deliveries = session.scalars(select(Delivery.id).order_by(Delivery.received_at, Delivery.id)).all()
    before = {model: count(city.db, model) for model in (Submission, Message, Dialogue, Turn)}
    answers = []
    for delivery_id in deliveries:
        with city.db.write() as session:
            answers.append(inbox.replay(session, delivery_id, talk.channels, BINDINGS, again=True).text)
    assert {model: count(city.db, model) for model in before} == before
    assert first in answers


def test_a_replay_after_the_answer_was_forgotten_gives_the_number(city: City, clock: FixedClock) -> None:
    talk = Talk(city.db, clock, "wechat")
    for words in ("小区停水两天了", "码头路", "没有"):
        talk.say(words)
    number, code = number_and_code(talk.say("确认"))
    with city.db.write() as session:
        last = session.scalars(select(Delivery).order_by(Delivery.received_at.desc()).limit(1)).one()
        last.answer_sealed = None
    with city.db.write() as session:
        again = inbox.replay(session, last.id, talk.channels, BINDINGS, again=True)
    assert again.number == number and code not in again.text
    assert count(city.db, Submission) == 1


def test_a_fault_loses_nothing(city: City, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(city.db, clock, "wechat")

    def broken(*_args: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(receive.dialogue, "question", broken)  # the dialogue is written by then
        assert "已收到" in talk.say("小区停水两天了")
    assert count(city.db, Dialogue) == 0
    with city.db.read() as session:
        delivery_id = session.scalars(select(Job).where(Job.name == inbox.RETRY)).one().payload["delivery"]
    with city.db.write() as session:
        assert "在哪里" in inbox.replay(session, delivery_id, talk.channels, BINDINGS).text
    with city.db.read() as session:
        assert session.scalars(select(Dialogue)).one().body == "小区停水两天了"
