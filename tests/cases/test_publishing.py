"""Publishing: two people, the citizen's consent, nothing personal, never an accusation; taken back at once."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, text

from cases.errors import AlreadyThere, Forbidden, Invalid, NotFound, NotNow, NotPublishable, SamePerson
from cases.models import Event, PublishedReply, Submission, SubmissionCase
from cases.operations import accusations, dispatch, publishing, submissions
from cases.operations.submissions import PersonNamed, Reporter
from core.audit import AuditEntry
from core.clock import FixedClock
from core.database import Database
from organisations.people import CITIZEN
from tests.cases.petitions import classify, ordinary, submit

pytestmark = pytest.mark.usefixtures("city")

WORDS = {
    "title": "徐晓梅反映路灯不亮",
    "question": "我叫徐晓梅，电话 13812345678，邻居李国强也说路灯坏了。",
    "reply": "已联系徐晓梅（13812345678），路灯已修好，请拨打 0513-85512345 监督。",
}
ANSWER = "徐晓梅您好，路灯已修好，维修人员电话 13700001111。"


@pytest.fixture
def answered(city: Any, db: Database, clock: FixedClock) -> int:
    _done, case_id = ordinary(
        db, clock.now(), consent_publish=True, parties=(PersonNamed("contact", "李国强", "13900001111"),)
    )
    with db.write() as session:
        dispatch.direct_answer(session, city.actor("pei.zhengyu"), clock.now(), case_id, ANSWER)
    return case_id


def _act(db: Database, operation: Any, *args: Any, **kwargs: Any) -> Any:
    with db.write() as session:
        return operation(session, *args, **kwargs)


def _row(db: Database, published_id: int) -> PublishedReply:
    with db.read() as session:
        return session.get_one(PublishedReply, published_id)


def _kinds(db: Database) -> list[str]:
    with db.read() as session:
        query = select(Event.kind).where(Event.kind.like("reply%")).order_by(Event.case_id, Event.seq)
        return list(session.scalars(query))


def test_one_proposes_another_releases(city: Any, db: Database, clock: FixedClock, answered: int) -> None:
    proposer, publisher = city.actor("pei.zhengyu"), city.actor("zhuang.xiaoli")
    row = _act(db, publishing.propose, proposer, clock.now(), answered, **WORDS)
    kept = _row(db, row.id)
    assert (kept.state, kept.version, kept.proposed_by_id) == ("proposed", 1, proposer.account_id)
    with db.read() as session:
        stored = str(session.execute(text("select * from published_replies")).all())
        number = session.scalars(select(Submission.number)).one()
    for secret in ("徐晓梅", "李国强", "13812345678", "85512345"):
        assert secret not in stored
    assert kept.reply.startswith("已联系***（***********），路灯已修好")
    assert len(kept.title) == len(WORDS["title"]) and kept.masked_count == 7
    assert number not in kept.public_id and len(kept.public_id) == 12
    with db.read() as session:
        assert [r.id for r in publishing.queue(session, 1)[0]] == [row.id]
    _act(db, publishing.release, publisher, clock.now(), row.id)
    kept = _row(db, row.id)
    assert (kept.state, kept.version, kept.published_at) == ("released", 2, clock.now())
    assert kept.released_by_id == publisher.account_id and kept.masked_count == 7
    with db.read() as session:
        assert publishing.queue(session, 1) == ([], 0)
    with pytest.raises(NotNow):
        _act(db, publishing.release, publisher, clock.now(), row.id)
    with pytest.raises(AlreadyThere):
        _act(db, publishing.propose, proposer, clock.now(), answered, **WORDS)
    _act(db, publishing.withdraw, publisher, clock.now(), row.id, "内容有误")
    kept = _row(db, row.id)
    assert (kept.state, kept.version, kept.reason) == ("withdrawn", 3, "内容有误")
    assert _kinds(db) == ["reply_proposed", "reply_released", "reply_withdrawn"]
    again = _act(db, publishing.propose, proposer, clock.now(), answered, **WORDS)
    assert again.public_id != row.public_id


def test_nobody_releases_what_they_proposed(city: Any, db: Database, clock: FixedClock, answered: int) -> None:
    both = city.actor("shangguan.min")
    row = _act(db, publishing.propose, both, clock.now(), answered, **WORDS)
    with pytest.raises(SamePerson):
        _act(db, publishing.release, both, clock.now(), row.id)
    with pytest.raises(Forbidden):
        _act(db, publishing.release, city.actor("pei.zhengyu"), clock.now(), row.id)
    assert _row(db, row.id).state == "proposed"


@pytest.mark.parametrize(("consent", "proposable"), [(None, True), (False, False)])
def test_without_consent_nothing_comes_out(
    city: Any, db: Database, clock: FixedClock, answered: int, consent: bool | None, proposable: bool
) -> None:
    with db.write() as session:
        session.scalars(select(Submission)).one().consent_publish = consent
    proposer = city.actor("pei.zhengyu")
    if not proposable:
        with pytest.raises(NotPublishable):
            _act(db, publishing.propose, proposer, clock.now(), answered, **WORDS)
        return
    row = _act(db, publishing.propose, proposer, clock.now(), answered, **WORDS)
    with pytest.raises(NotPublishable):
        _act(db, publishing.release, city.actor("zhuang.xiaoli"), clock.now(), row.id)
    submission_id = row.submission_id
    _act(db, publishing.change_consent, CITIZEN, clock.now(), submission_id, True)
    _act(db, publishing.release, city.actor("zhuang.xiaoli"), clock.now(), row.id)
    _act(db, publishing.change_consent, CITIZEN, clock.now(), submission_id, False)
    assert (_row(db, row.id).state, _row(db, row.id).reason) == ("withdrawn", "consent")


def test_suspicion_takes_back_what_is_out(city: Any, db: Database, clock: FixedClock, answered: int) -> None:
    row = _act(db, publishing.propose, city.actor("pei.zhengyu"), clock.now(), answered, **WORDS)
    _act(db, publishing.release, city.actor("zhuang.xiaoli"), clock.now(), row.id)
    classify(db, clock.now(), row.submission_id, accusation=True)
    assert _row(db, row.id).state == "withdrawn"
    with pytest.raises(NotFound):
        _act(db, publishing.propose, city.actor("pei.zhengyu"), clock.now(), answered, **WORDS)
    reader = city.actor("cen.lu")
    with pytest.raises(NotPublishable):
        _act(db, publishing.propose, reader, clock.now(), answered, **WORDS)
    _act(db, accusations.decide, reader, clock.now(), answered, True)
    with pytest.raises(NotPublishable):
        _act(db, publishing.propose, reader, clock.now(), answered, **WORDS)


def test_a_proposal_that_became_suspect_is_refused(city: Any, db: Database, clock: FixedClock, answered: int) -> None:
    row = _act(db, publishing.propose, city.actor("pei.zhengyu"), clock.now(), answered, **WORDS)
    classify(db, clock.now(), row.submission_id, accusation=True)
    assert (_row(db, row.id).state, _row(db, row.id).reason) == ("refused", "accusation")
    for operation in (publishing.release, publishing.masked_words, publishing.refuse):
        with pytest.raises(NotFound):
            _act(db, operation, city.actor("zhuang.xiaoli"), clock.now(), row.id)


def test_nothing_unanswered_or_withdrawn_is_published(city: Any, db: Database, clock: FixedClock) -> None:
    _done, case_id = ordinary(db, clock.now(), consent_publish=True)
    with pytest.raises(NotPublishable):
        _act(db, publishing.propose, city.actor("pei.zhengyu"), clock.now(), case_id, **WORDS)
    _act(db, submissions.withdraw, CITIZEN, clock.now(), _done.submission.id)
    with pytest.raises(NotPublishable):
        _act(db, publishing.propose, city.actor("pei.zhengyu"), clock.now(), case_id, **WORDS)


def test_refusing_says_why(city: Any, db: Database, clock: FixedClock, answered: int) -> None:
    row = _act(db, publishing.propose, city.actor("pei.zhengyu"), clock.now(), answered, **WORDS)
    _act(db, publishing.refuse, city.actor("shangguan.min"), clock.now(), row.id, "请删去13812345678")
    assert (_row(db, row.id).state, _row(db, row.id).reason) == ("refused", "请删去***********")
    for operation in (publishing.refuse, publishing.withdraw):
        with pytest.raises(NotNow):
            _act(db, operation, city.actor("shangguan.min"), clock.now(), row.id)
    assert _kinds(db) == ["reply_proposed", "reply_refused"]


def test_what_was_masked_is_shown_to_the_releasing_person(
    city: Any, db: Database, clock: FixedClock, answered: int
) -> None:
    row = _act(db, publishing.propose, city.actor("pei.zhengyu"), clock.now(), answered, **WORDS)
    words = _act(db, publishing.masked_words, city.actor("zhuang.xiaoli"), clock.now(), row.id)
    assert {(w.field, w.word) for w in words} == {
        ("question", "徐晓梅"), ("question", "13812345678"), ("reply", "徐晓梅"), ("reply", "13700001111"),
        ("title", "徐晓梅"), ("question", "李国强"), ("reply", "13812345678"), ("reply", "0513-85512345"),
    }  # fmt: skip
    with pytest.raises(Forbidden):
        _act(db, publishing.masked_words, city.actor("huo.yan"), clock.now(), row.id)
    with db.read() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "masked_words_read")).one()
        assert entry.details["words"] == len(words) == 8 and "徐晓梅" not in str(entry.details)


def test_the_words_that_the_proposer_typed_are_kept_sealed_and_only_until_the_decision(
    city: Any, db: Database, clock: FixedClock, answered: int
) -> None:
    typed = {**WORDS, "reply": "请找维修工，车牌苏F12345。"}
    row = _act(db, publishing.propose, city.actor("pei.zhengyu"), clock.now(), answered, **typed)
    kept = _row(db, row.id)
    assert "苏F12345" in (kept.hidden or "") and "苏F12345" not in f"{kept.hidden_sealed}{kept.reply}"
    words = _act(db, publishing.masked_words, city.actor("zhuang.xiaoli"), clock.now(), row.id)
    (plate,) = [one for one in words if one.kind == "plate"]
    assert kept.reply[plate.start : plate.end] == "*" * len("苏F12345") and plate.word == "苏F12345"
    _act(db, publishing.release, city.actor("zhuang.xiaoli"), clock.now(), row.id)
    assert _row(db, row.id).hidden_sealed is None
    after = _act(db, publishing.masked_words, city.actor("zhuang.xiaoli"), clock.now(), row.id)
    assert not [one for one in after if one.kind == "plate"]


@pytest.mark.parametrize("gap", ["", "\u200b", " ", "-"])
def test_nothing_of_any_citizen_of_the_case_is_released(
    city: Any, db: Database, clock: FixedClock, answered: int, gap: str
) -> None:
    """Whoever joined the case later is as hidden as who wrote first, however their name and number are typed."""
    other = submit(
        db, clock.now(), "form-2", body="路灯坏了好几天。",
        reporter=Reporter(name="欧阳春霞", phone="051385559876", address="湖滨路望江小区"),
    )  # fmt: skip
    with db.write() as session:
        first = session.scalars(select(SubmissionCase.submission_id).where(SubmissionCase.case_id == answered)).one()
        session.add(SubmissionCase(submission_id=other.submission.id, case_id=answered, since=clock.now()))
    number, name = gap.join(("0513", "8555", "9876")), gap.join(("欧阳", "春霞"))
    typed = {
        "title": "路灯",
        "question": f"{name}（{number}）也来问过。",
        "reply": f"{name}您好，望江小区的路灯修好了。",
    }
    row = _act(db, publishing.propose, city.actor("pei.zhengyu"), clock.now(), answered, **typed, submission_id=first)
    _act(db, publishing.release, city.actor("zhuang.xiaoli"), clock.now(), row.id)
    shown = _row(db, row.id)
    for word in ("欧阳", "春霞", "8555", "9876"):
        assert word not in f"{shown.title}{shown.question}{shown.reply}"


def test_who_may_propose(city: Any, db: Database, clock: FixedClock, answered: int) -> None:
    for name, changes, error in (
        ("huo.yan", {}, NotFound), ("tan.xiuzhen", {}, Forbidden), ("pei.zhengyu", {"reply": " "}, Invalid),
        ("pei.zhengyu", {"submission_id": 1}, NotFound),
    ):  # fmt: skip
        with pytest.raises(error):
            _act(db, publishing.propose, city.actor(name), clock.now(), answered, **{**WORDS, **changes})
