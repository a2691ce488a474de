"""Taking in a submission: once, whole, sealed, and fixed from then on."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from cases.errors import Forbidden, Invalid, NotNow
from cases.models import (
    Alert,
    Attachment,
    Case,
    CaseClock,
    Citizen,
    ContactPoint,
    Event,
    ExtraField,
    Party,
    QueryCode,
    Submission,
)
from cases.models.submissions import OriginalChanged
from cases.operations import dispatch, drafts, submissions, taking
from cases.operations.submissions import FileGiven, PersonNamed, Reporter
from core import ids
from core.clock import FixedClock
from core.database import Database
from core.jobs import Job
from organisations.people import CITIZEN, SYSTEM
from tests.cases.petitions import BODY, TITLE, case_now, classify, new, ordinary, submit

pytestmark = pytest.mark.usefixtures("city")


def _count(db: Database, model: type) -> int:
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_submission_is_kept_whole(db: Database, clock: FixedClock) -> None:
    at = clock.now()
    file = FileGiven("路灯.jpg", "image", "image/jpeg", 1000, "a" * 64, "files/1")
    done = submit(
        db, at, place="湖滨路 8 号", place_masked="湖滨路 8 号", files=(file,), extra={"wish": "尽快修好"},
        parties=(PersonNamed("contact", "徐大海", "13900001111"),), consent_publish=True,
    )  # fmt: skip
    assert not done.repeated and done.code and len(done.code) == 8 and ids.number_ok(done.submission.number)
    with db.read() as session:
        kept = session.get_one(Submission, done.submission.id)
        assert (kept.title, kept.body, kept.place) == (TITLE, BODY, "湖滨路 8 号")
        assert "13812345678" not in kept.body_masked and "徐晓梅" not in kept.body_masked
        assert kept.promise_date is not None and kept.submitted_at == at and kept.consent_publish is True
        case = session.get_one(Case, done.case.id)
        assert (case.stage, case.status, case.number, case.accusation) == ("review", "pending", kept.number, "unread")
        parties = {p.role: (p.name, p.phone) for p in session.scalars(select(Party))}
        assert parties == {"reporter": ("徐晓梅", "138 1234 5678"), "contact": ("徐大海", "13900001111")}
        assert session.scalars(select(Attachment)).one().name == "路灯.jpg"
        assert session.scalars(select(ExtraField)).one().value == "尽快修好"
        assert {c.kind for c in session.scalars(select(CaseClock))} == {"review", "promise"}
        assert [e.kind for e in session.scalars(select(Event))] == ["submitted"]
        point = session.scalars(select(ContactPoint)).one()
        assert point.value == "+8613812345678" and point.verified_at == at


def test_nothing_personal_stands_in_the_rows(db: Database, clock: FixedClock) -> None:
    done = submit(db, clock.now(), place="湖滨路 8 号 3 栋 501", place_masked="湖滨路 8 号 *******")
    with db.read() as session:
        for table in ("submissions", "cases", "citizens", "contact_points", "parties", "events", "query_codes", "jobs"):
            stored = str(session.execute(text(f"select * from {table}")).all())
            for secret in ("徐晓梅", "1234 5678", "13812345678", "晓梅", "3 栋 501", done.code or "?"):
                assert secret not in stored, (table, secret)


def test_the_same_key_again_is_the_same_submission(db: Database, clock: FixedClock) -> None:
    first = submit(db, clock.now())
    again = submit(db, clock.now() + timedelta(hours=3), body="别的内容")
    assert again.repeated and again.code is None and again.submission.id == first.submission.id
    assert again.case.id == first.case.id
    assert (_count(db, Submission), _count(db, Case), _count(db, Event), _count(db, QueryCode)) == (1, 1, 1, 1)
    other = submit(db, clock.now() + timedelta(hours=3), key="form-1", origin="sms", body="别的内容")
    assert not other.repeated and other.submission.id != first.submission.id


def _together(db: Database, work: list) -> list:
    gate, results = threading.Barrier(len(work)), []

    def run(one) -> None:
        gate.wait()
        try:
            results.append(one())
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_two_at_once_under_one_key_are_one(db: Database, clock: FixedClock) -> None:
    at = clock.now()
    # Different words, so that neither the copy rule nor its lock helps.
    results = _together(db, [lambda i=i: submit(db, at, body=f"{BODY} 第{i}次") for i in range(6)])
    assert not [r for r in results if isinstance(r, Exception)]
    assert len({r.submission.id for r in results}) == 1 and sum(not r.repeated for r in results) == 1
    assert (_count(db, Submission), _count(db, Case), _count(db, Citizen)) == (1, 1, 1)


def test_two_copies_at_once_are_one(db: Database, clock: FixedClock) -> None:
    at = clock.now()
    results = _together(db, [lambda i=i: submit(db, at, key=f"key-{i}") for i in range(6)])
    assert not [r for r in results if isinstance(r, Exception)]
    assert len({r.submission.id for r in results}) == 1 and _count(db, Submission) == 1


def test_a_clash_found_late_gives_the_earlier_one(db: Database, clock: FixedClock, monkeypatch) -> None:
    """On PostgreSQL the other may commit after we looked: the unique key then decides."""
    first = submit(db, clock.now())
    looked = taking.earlier
    blind = iter([True])
    monkeypatch.setattr(taking, "earlier", lambda s, n: None if next(blind, False) else looked(s, n))
    again = submit(db, clock.now() + timedelta(hours=1), body="另一段文字", reporter=Reporter(phone="13700000000"))
    assert again.repeated and again.submission.id == first.submission.id
    assert (_count(db, Submission), _count(db, Citizen)) == (1, 1)


def test_a_number_drawn_twice_is_drawn_again(db: Database, clock: FixedClock, monkeypatch) -> None:
    first = submit(db, clock.now())
    numbers = iter([first.submission.number, ids.new_number(clock.now())])
    monkeypatch.setattr(taking.ids, "new_number", lambda at: next(numbers))
    second = submit(db, clock.now(), key="form-2", body="另一件事")
    assert second.submission.number != first.submission.number


def test_an_exact_copy_within_ten_minutes_answers_the_earlier_number(db: Database, clock: FixedClock) -> None:
    at = clock.now()
    first = submit(db, at)
    within = submit(db, at + timedelta(minutes=10), key="form-2")
    assert within.repeated and within.code is None and within.submission.number == first.submission.number
    later = submit(db, at + timedelta(minutes=10, seconds=1), key="form-3")
    assert not later.repeated
    other = Reporter(name="王芳", phone="13698765432")
    assert not submit(db, at + timedelta(minutes=1), key="form-4", reporter=other).repeated
    assert not submit(db, at + timedelta(minutes=1), key="form-5", body=BODY + "！").repeated
    anonymous = [submit(db, at, key=f"anon-{i}", reporter=Reporter(), disclosure="anonymous") for i in range(2)]
    assert not any(one.repeated for one in anonymous) and anonymous[0].submission.citizen_id is None


def test_an_import_looks_for_no_copies_and_owes_nothing(db: Database, clock: FixedClock) -> None:
    at = clock.now()
    with db.write() as session:
        session.info["quiet"] = True
        results = [
            submissions.submit(session, SYSTEM, at, new(at - timedelta(days=400), f"row-{i}", imported_at=at))
            for i in range(2)
        ]
    assert [r.repeated for r in results] == [False, False] and results[0].submission.received_at < at
    assert (_count(db, Submission), _count(db, CaseClock), _count(db, Job)) == (2, 0, 0)


def test_the_original_never_changes(db: Database, clock: FixedClock) -> None:
    done = submit(db, clock.now())
    for name, value in (("body", "改过的"), ("title_masked", "改过的"), ("received_at", clock.now() + timedelta(1))):
        with pytest.raises(OriginalChanged), db.write() as session:
            setattr(session.get_one(Submission, done.submission.id), name, value)
    with pytest.raises(OriginalChanged), db.write() as session:
        row = session.get_one(Submission, done.submission.id)
        row.submitted_at, row.body = None, "改过的"
    with db.write() as session:
        session.get_one(Submission, done.submission.id).served_at = clock.now()
    with db.write() as session:
        session.info["keeper"] = True
        session.get_one(Submission, done.submission.id).salt = None
    with db.read() as session:
        assert session.get_one(Submission, done.submission.id).body == BODY


def test_a_draft_is_not_received_until_it_is_handed_in(db: Database, clock: FixedClock) -> None:
    at, later = clock.now(), clock.now() + timedelta(days=1)
    draft = submit(db, at, draft=True)
    assert (draft.case.stage, draft.case.status) == ("draft", "draft") and draft.code
    assert _count(db, CaseClock) == 0
    assert not submit(db, at, key="form-9").repeated  # a draft is no copy of anything
    with db.write() as session:
        session.get_one(Submission, draft.submission.id).body_masked = "草稿可以改"
    with db.write() as session:
        handed = submissions.submit_draft(session, CITIZEN, later, draft.submission.id)
    assert (handed.case.stage, handed.submission.received_at, handed.repeated) == ("review", later, False)
    with db.write() as session:
        assert submissions.submit_draft(session, CITIZEN, later, draft.submission.id).repeated
    with db.read() as session:
        kinds = select(Event.kind).where(Event.case_id == draft.case.id).order_by(Event.seq)
        assert list(session.scalars(kinds)) == ["drafted", "submitted"]
        started = session.scalars(select(CaseClock.started_at).where(CaseClock.case_id == draft.case.id))
        assert set(started) == {later}


def test_a_draft_can_be_written_anew_until_it_is_handed_in(db: Database, clock: FixedClock) -> None:
    at = clock.now()
    file = FileGiven("旧.jpg", "image", "image/jpeg", 1000, "a" * 64, "files/1")
    draft = submit(db, at, draft=True, files=(file,), extra={"wish": "尽快"})
    again = new(
        at, body="改写后的内容，电话 13900001111", title="新标题", consent_publish=True, place="东门",
        reporter=Reporter(name="徐大海", phone="13900001111"), extra={"wish": "慢慢来"},
    )  # fmt: skip
    with db.write() as session:
        drafts.revise(session, CITIZEN, at, draft.submission.id, again)
    with db.write() as session:
        submissions.submit_draft(session, CITIZEN, at, draft.submission.id)
        kept = session.get_one(Submission, draft.submission.id)
        assert (kept.title, kept.place, kept.consent_publish) == ("新标题", "东门", True)
        assert kept.body == again.body and "13900001111" not in kept.body_masked
        assert kept.exact_digest == taking.exact_digest("新标题", again.body)
        assert session.get_one(Case, draft.case.id).title == "新标题"
        assert [p.name for p in session.scalars(select(Party))] == ["徐大海"]
        assert [f.value for f in session.scalars(select(ExtraField))] == ["慢慢来"]
        assert drafts.files_of(session, kept.id) == []
        assert submissions.own_submissions(session, "phone", "13812345678") == []
    with pytest.raises(NotNow), db.write() as session:
        drafts.revise(session, CITIZEN, at, draft.submission.id, again)


def test_danger_heads_the_queue(db: Database, clock: FixedClock) -> None:
    done = submit(db, clock.now(), danger="gas")
    assert (done.case.priority, done.case.urgent, done.case.danger) == (0, True, "gas")
    with db.read() as session:
        assert session.scalars(select(Alert)).one().acknowledged_at is None
        danger = session.scalars(select(CaseClock).where(CaseClock.kind == "danger")).one()
        assert danger.unit == "elapsed_minutes"


def test_a_petition_has_fifteen_days_to_be_decided(db: Database, clock: FixedClock) -> None:
    submit(db, clock.now(), track="petition")
    with db.read() as session:
        decide = session.scalars(select(CaseClock)).one()
        assert (decide.kind, decide.statutory, decide.unit, decide.amount) == ("decide", True, "calendar_days", 15)


def test_only_who_may_submits(city, db: Database, clock: FixedClock) -> None:
    at = clock.now()
    for name, allowed in (("fang.yating", True), ("pei.zhengyu", True), ("huo.yan", False)):
        with db.write() as session:
            if allowed:
                body = f"由 {name} 登记"
                assert submissions.submit(session, city.actor(name), at, new(at, name, body=body)).code
            else:
                with pytest.raises(Forbidden):
                    submissions.submit(session, city.actor(name), at, new(at, name))
    for wrong in ({"title": " ", "body": ""}, {"disclosure": "loud"}):
        with pytest.raises(Invalid):
            submit(db, at, key="x", **wrong)


def test_withdrawing_closes_the_case(city, db: Database, clock: FixedClock) -> None:
    done, case_id = ordinary(db, clock.now())
    with db.write() as session:
        dispatch.assign(session, city.actor("pei.zhengyu"), clock.now(), case_id, city.organisation("TC-CGJ"))
    with db.write() as session:
        submissions.withdraw(session, CITIZEN, clock.now(), done.submission.id, "solved")
    case = case_now(db, case_id)
    assert (case.stage, case.status, case.outcome) == ("closed", "closed", "withdrawn") and case.closed_at
    with db.read() as session:
        assert session.scalars(select(CaseClock).where(CaseClock.ended_at.is_(None))).all() == []
        assert session.get_one(Submission, done.submission.id).withdrawn_at == clock.now()
    with pytest.raises(NotNow), db.write() as session:
        submissions.withdraw(session, CITIZEN, clock.now(), done.submission.id)


def test_the_reason_of_a_withdrawal_is_a_code_in_the_history(db: Database, clock: FixedClock) -> None:
    for key, reason, kept in (("f1", "solved", "solved"), ("f2", "我叫徐晓梅，不想办了", "")):
        done = submit(db, clock.now(), key, body=f"{key} 的事")
        with db.write() as session:
            submissions.withdraw(session, CITIZEN, clock.now(), done.submission.id, reason)
        with db.read() as session:
            query = select(Event.data).where(Event.kind == "withdrawn", Event.case_id == done.case.id)
            assert session.scalars(query).one()["reason"] == kept


def test_withdrawing_an_accusation_leaves_it_to_its_reader(db: Database, clock: FixedClock) -> None:
    done = submit(db, clock.now())
    case_id = classify(db, clock.now(), done.submission.id, accusation=True)
    with db.write() as session:
        submissions.withdraw(session, CITIZEN, clock.now(), done.submission.id)
    assert case_now(db, case_id).stage == "review"


def test_withdrawing_leaves_an_alert_up(db: Database, clock: FixedClock) -> None:
    done = submit(db, clock.now(), danger="gas")
    with db.write() as session:
        submissions.withdraw(session, CITIZEN, clock.now(), done.submission.id)
    with db.read() as session:
        assert session.scalars(select(Alert)).one().acknowledged_at is None
        running = session.scalars(select(CaseClock).where(CaseClock.ended_at.is_(None))).all()
        assert [clock.kind for clock in running] == ["danger"]


def test_own_submissions_are_those_made_with_the_contact_point(db: Database, clock: FixedClock) -> None:
    at = clock.now()
    mine = Reporter(openid="o-mine", id_number="11010519491231002X", verified=("openid",))
    thief = Reporter(openid="o-thief", id_number="11010519491231002X", verified=("openid",))
    kept = [submit(db, at + timedelta(hours=i), f"m{i}", body=f"第{i}件", reporter=mine).submission for i in range(7)]
    submit(db, at, "t", body="别人填了我的身份证号", reporter=thief)
    with db.read() as session:
        found = submissions.own_submissions(session, "openid", "o-mine")
        assert [s.id for s in found] == [s.id for s in reversed(kept)][:5]
        assert len(submissions.own_submissions(session, "openid", "o-thief")) == 1
        assert submissions.own_submissions(session, "openid", "o-nobody") == []
        assert submissions.own_submissions(session, "phone", "o-mine") == []


def test_open_submissions_leave_out_drafts_and_what_is_over(db: Database, clock: FixedClock) -> None:
    at = clock.now()
    submit(db, at, "d", draft=True)
    over, _ = ordinary(db, at, "o", body="已撤回的")
    going, _ = ordinary(db, at, "g", body="还在办的")
    with db.write() as session:
        submissions.withdraw(session, CITIZEN, at, over.submission.id)
    with db.read() as session:
        found = submissions.open_submissions(session, "phone", "+86 138-1234-5678")
        assert [s.id for s in found] == [going.submission.id]
        assert len(submissions.own_submissions(session, "phone", "13812345678")) == 3
