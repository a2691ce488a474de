"""Query codes: kept as digests, and wrong ones make whoever guesses wait longer and longer."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from cases.errors import Forbidden, Invalid, NotFound, TooManyTries, WrongCode
from cases.models import CodeAttempt, QueryCode
from cases.operations import codes, submissions
from core import ids
from core.audit import AuditEntry
from core.clock import FixedClock
from core.database import Database
from tests.cases.petitions import ordinary, submit

pytestmark = pytest.mark.usefixtures("city")


def _wrong(db: Database, clock: FixedClock, number: str, asker: str = "10.0.0.1", code: str = "00000000") -> type:
    with pytest.raises((WrongCode, TooManyTries)) as raised:
        codes.check(db, clock, number, code, asker)
    return raised.type


@given(st.integers(0, 200))
def test_waits_grow_and_end(failures: int) -> None:
    wait = codes.wait_after(failures)
    assert wait <= codes.wait_after(failures + 1) <= codes.LONGEST_WAIT
    assert (wait == timedelta()) == (failures <= codes.FREE_TRIES)


def test_waits_double() -> None:
    minutes = [codes.wait_after(n).total_seconds() / 60 for n in range(5, 16)]
    assert minutes == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 480]


def test_number_and_code_open_a_submission(db: Database, clock: FixedClock) -> None:
    done = submit(db, clock.now())
    number, code = done.submission.number, done.code or ""
    wide = code.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    for typed_number, typed_code in ((number, code), (ids.grouped(number), f"{code[:4]} {code[4:]}"), (number, wide)):
        assert codes.check(db, clock, typed_number, typed_code, "10.0.0.1") == done.submission.id
    with db.read() as session:
        kept = session.scalars(select(QueryCode)).one()
        assert code not in kept.digest and kept.ended_at is None


def test_a_code_opens_its_own_number_only(db: Database, clock: FixedClock) -> None:
    one, two = submit(db, clock.now()), submit(db, clock.now(), "form-2", body="另一件")
    assert _wrong(db, clock, one.submission.number, code=two.code or "") is WrongCode


def test_a_digest_moved_to_another_submission_opens_nothing(db: Database, clock: FixedClock) -> None:
    one, two = submit(db, clock.now()), submit(db, clock.now(), "form-2", body="另一件")
    with db.write() as session:
        rows = {row.submission_id: row for row in session.scalars(select(QueryCode))}
        rows[two.submission.id].digest = rows[one.submission.id].digest
    assert _wrong(db, clock, two.submission.number, code=one.code or "") is WrongCode


def test_wrong_and_unknown_look_the_same(db: Database, clock: FixedClock) -> None:
    known = submit(db, clock.now()).submission.number
    unknown = ids.new_number(clock.now())
    seen = {number: [_wrong(db, clock, number, f"{number}-{i}") for i in range(8)] for number in (known, unknown)}
    assert seen[known] == seen[unknown] == [WrongCode] * 6 + [TooManyTries] * 2


def test_guessing_slows_the_asker(db: Database, clock: FixedClock) -> None:
    numbers = [submit(db, clock.now(), f"f{i}", body=f"第{i}件").submission.number for i in range(8)]
    kinds = [_wrong(db, clock, number) for number in numbers]
    assert kinds == [WrongCode] * 6 + [TooManyTries] * 2
    clock.advance(timedelta(minutes=1))
    assert _wrong(db, clock, numbers[0]) is WrongCode
    with pytest.raises(TooManyTries) as raised:
        codes.check(db, clock, numbers[0], "00000000", "10.0.0.1")
    assert raised.value.details["minutes"] == 2
    assert _wrong(db, clock, numbers[1], asker="10.0.0.2") is WrongCode


def test_a_known_pair_does_not_free_a_guesser(db: Database, clock: FixedClock) -> None:
    own = submit(db, clock.now())
    others = [submit(db, clock.now(), f"f{i}", body=f"第{i}件").submission.number for i in range(6)]
    kinds = []
    for number in others:
        kinds.append(_wrong(db, clock, number))
        if kinds[-1] is WrongCode and len(kinds) < 6:
            codes.check(db, clock, own.submission.number, own.code or "", "10.0.0.1")
    with pytest.raises(TooManyTries):
        codes.check(db, clock, own.submission.number, own.code or "", "10.0.0.1")


def test_a_slowed_number_stays_open_to_its_owner(city, db: Database, clock: FixedClock) -> None:
    done, _case = ordinary(db, clock.now())
    for i in range(7):
        _wrong(db, clock, done.submission.number, asker=f"asker-{i}")
    with pytest.raises(TooManyTries):
        codes.check(db, clock, done.submission.number, done.code or "", "10.0.0.9")
    with db.read() as session:
        assert submissions.own_submissions(session, "phone", "13812345678")[0].id == done.submission.id
    with db.write() as session:
        fresh = codes.reissue(session, city.actor("fang.yating"), clock.now(), done.submission.id, "call_back")
    assert codes.check(db, clock, done.submission.number, fresh, "10.0.0.9") == done.submission.id


def test_a_day_later_it_is_forgotten(db: Database, clock: FixedClock) -> None:
    done = submit(db, clock.now())
    for _ in range(7):
        _wrong(db, clock, done.submission.number)
    clock.advance(timedelta(hours=24))
    assert [_wrong(db, clock, done.submission.number) for _ in range(5)] == [WrongCode] * 5
    assert codes.check(db, clock, done.submission.number, done.code or "", "10.0.0.1") == done.submission.id
    clock.advance(timedelta(hours=24))
    with db.write() as session:
        assert codes.forget_attempts(session, clock.now()) == 2
        assert session.scalars(select(CodeAttempt)).all() == []


def test_wrong_codes_at_once_are_all_counted(db: Database, clock: FixedClock) -> None:
    number = submit(db, clock.now()).submission.number
    gate = threading.Barrier(6)

    def guess() -> None:
        gate.wait()
        _wrong(db, clock, number)

    threads = [threading.Thread(target=guess) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with db.read() as session:
        assert {row.kind: row.failures for row in session.scalars(select(CodeAttempt))} == {"asker": 6, "number": 6}


def test_the_desk_issues_a_new_code_on_record(city, db: Database, clock: FixedClock) -> None:
    done, _case = ordinary(db, clock.now())
    agent, stranger = city.actor("fang.yating"), city.actor("huo.yan")
    with db.write() as session:
        fresh = codes.reissue(session, agent, clock.now(), done.submission.id, "id_card")
    assert _wrong(db, clock, done.submission.number, code=done.code or "") is WrongCode
    assert codes.check(db, clock, done.submission.number, fresh, "10.0.0.1") == done.submission.id
    with db.read() as session:
        entry = session.scalars(select(AuditEntry)).one()
        assert (entry.action, entry.actor_id, entry.subject_id) == (
            "code_reissued", agent.account_id, done.submission.id,
        )  # fmt: skip
        assert entry.details == {"checked": "id_card"} and fresh not in str(entry.details)
        issued = session.scalars(select(QueryCode).where(QueryCode.ended_at.is_(None))).one()
        assert issued.issued_by_id == agent.account_id
    for actor, checked, error in (
        (agent, "because", Invalid), (stranger, "id_card", NotFound), (city.actor("tan.xiuzhen"), "id_card", Forbidden)
    ):  # fmt: skip
        with pytest.raises(error), db.write() as session:
            codes.reissue(session, actor, clock.now(), done.submission.id, checked)
