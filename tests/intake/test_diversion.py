"""Diversion: the rule as a table, and the job that records and carries it out once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select, update

from cases import history
from cases.models import Assignment, Case, Classification, Event, Submission
from cases.operations import base, merging, submissions
from cases.operations.submissions import NewSubmission, Reporter
from core import jobs
from core.clock import FixedClock
from intake import diversion
from intake.brain import Brain
from intake.diversion import CaseFacts, Fit, decide
from intake.text import prepare
from organisations import catalogue
from organisations.models import Account, Organisation, Post
from organisations.people import CITIZEN, SYSTEM
from tests.conftest import City


@dataclass(frozen=True)
class Said:
    """What a classifier says, sure of an ordinary matter unless told otherwise."""

    category: tuple[str, str, str] = ("城乡建设", "城市建设和市政管理", "城管执法")
    nature: str = "投诉"
    urgent: bool = False
    danger: str = ""
    sensitive: bool = False
    accusation: bool = False
    against_office: bool = False
    confidence: float = 0.9
    confidences: tuple[float, float, float] = (0.9, 0.8, 0.7)
    confident: bool = True
    alternatives: Sequence[tuple[str, str, float]] = (
        ("城乡建设", "城市建设和市政管理", 0.9),
        ("生态环境", "噪声", 0.1),
    )
    evidence: Sequence[tuple[str, int, int, float]] = (("title", 0, 2, 1.5),)
    is_text: bool = True
    version: str = "test-1"


class Sayer:
    """A classifier that says what it is told, and counts."""

    def __init__(self, said: Said) -> None:
        self.said, self.asked = said, 0

    def suggest(self, title: str, body: str) -> Said:
        self.asked += 1
        return self.said

    def suggest_many(self, rows: Iterable[tuple[str, str]]) -> Iterator[Said]:
        return (self.suggest(*row) for row in rows)


FIT = Fit(lead_id=1, co_ids=(2,), handle_days=5, sign_hours=4, track="hotline")
FACTS = CaseFacts(stage="review", track="hotline", round=1, danger=False, urgent=False, sensitive=False)


def test_sure_of_an_ordinary_matter_it_goes_by_itself() -> None:
    decision = decide(Said(), FIT, FACTS, 0.75)
    assert decision.automatic
    assert (decision.organisation_id, decision.co_ids, decision.handle_days, decision.sign_minutes) == (1, (2,), 5, 240)


@pytest.mark.parametrize(
    ("said", "fit", "facts", "reason"),
    [
        (Said(accusation=True, against_office=True), FIT, FACTS, "accusation"),
        (Said(accusation=True), FIT, FACTS, "report"),
        (Said(urgent=True), FIT, FACTS, "urgent"),
        (Said(sensitive=True), FIT, FACTS, "sensitive"),
        (Said(danger="gas"), FIT, FACTS, "danger"),
        (Said(confidence=0.7499), FIT, FACTS, "low_confidence"),
        (Said(), replace(FIT, lead_sure=False), FACTS, "level_unsure"),
        (Said(is_text=False), FIT, FACTS, "not_text"),
        (Said(), None, FACTS, "no_row"),
        (Said(), replace(FIT, lead_outside=True), FACTS, "outside"),
        (Said(), replace(FIT, lead_active=False), FACTS, "inactive"),
        (Said(), replace(FIT, track="petition"), FACTS, "track"),
        (Said(), FIT, replace(FACTS, track="petition"), "petition"),
        (Said(), FIT, replace(FACTS, round=2), "reopened"),
        (Said(), FIT, replace(FACTS, danger=True), "danger"),
        (Said(), FIT, replace(FACTS, urgent=True), "urgent"),
        (Said(), FIT, replace(FACTS, sensitive=True), "sensitive"),
        (Said(), FIT, replace(FACTS, is_copy=True), "copy"),
        (Said(), FIT, replace(FACTS, accuses=True), "accusation"),
        (Said(accusation=True), FIT, replace(FACTS, accuses=True), "accusation"),
        (Said(), FIT, replace(FACTS, stage="assigned"), "moved_on"),
        (Said(), FIT, replace(FACTS, refusals=("conduct",)), "conduct"),
    ],
)
def test_each_thing_that_a_person_has_to_look_at(said: Said, fit: Fit | None, facts: CaseFacts, reason: str) -> None:
    decision = decide(said, fit, facts, 0.75)
    assert decision.reasons == (reason,)
    assert reason in diversion.REASONS
    assert not decision.automatic


def test_without_a_threshold_the_model_judges_itself() -> None:
    assert decide(Said(confidence=0.3, confident=True), FIT, FACTS).automatic
    assert decide(Said(confidence=0.99, confident=False), FIT, FACTS).reasons == ("low_confidence",)


# --- the job ----------------------------------------------------------------------------------------------------------

BODY = "流动摊贩每天占道经营，堵住了小区的消防通道，希望管一管"


def case_with(
    city: City, clock: FixedClock, key: str, body: str = BODY, *, openid: str = "o1", area: str = "", wish: str = ""
) -> int:
    """A case as it is submitted; the clock moves a minute."""
    text = prepare("摊贩占道", body)
    new = NewSubmission(
        origin="web", origin_key=key, channel="web", title=text.title, body=text.body, title_masked=text.title_masked,
        body_masked=text.body_masked, received_at=clock.now(), reporter=Reporter(openid=openid),
        area_id=city.area(area) if area else None, extra={diversion.WISH: wish} if wish else {},
    )  # fmt: skip
    with city.db.write() as session:
        case_id = submissions.submit(session, CITIZEN, clock.now(), new).case.id
    clock.advance(timedelta(minutes=1))
    return case_id


def classify(city: City, clock: FixedClock, case_id: int, said: Said | None = None) -> Sayer:
    """Run the job for the case's newest submitting or reopening."""
    sayer = Sayer(said or Said())
    with city.db.read() as session:
        query = select(Event.id).where(Event.case_id == case_id, Event.kind.in_(diversion.KINDS))
        event_id = session.scalars(query.order_by(Event.seq.desc()).limit(1)).one()
    diversion.classify(city.db, clock, Brain(city.db, clock, lambda path: sayer), case_id, event_id)
    return sayer


def read(city: City, case_id: int) -> tuple[Case, list[Classification], list[Assignment]]:
    with city.db.read() as session:
        case = session.get_one(Case, case_id)
        rows = session.scalars(select(Classification).where(Classification.case_id == case_id)).all()
        assignments = session.scalars(select(Assignment).where(Assignment.case_id == case_id)).all()
        return case, list(rows), list(assignments)


def test_dispatched_by_the_catalogue_and_says_so(city: City, clock: FixedClock) -> None:
    case_id = case_with(city, clock, "k1", area="TC010101")
    classify(city, clock, case_id)
    case, (row,), (assignment,) = read(city, case_id)
    lead = city.organisation("TC01-CGJ")
    assert (case.stage, case.lead_id, case.accusation, case.level1) == ("assigned", lead, "no", "城乡建设")
    assert (assignment.organisation_id, assignment.automatic, assignment.role) == (lead, True, "lead")
    assert (row.kind, row.automatic, row.reasons, row.organisation_id) == ("diverted", True, [], lead)
    with city.db.read() as session:
        version = catalogue.in_force(session)
    assert version is not None
    assert (row.model_version, row.confidence, row.catalogue_version_id) == ("test-1", 0.9, version.id)
    assert row.evidence == [["title", 0, 2, 1.5]]
    assert row.alternatives == [["城乡建设", "城市建设和市政管理", 0.9], ["生态环境", "噪声", 0.1]]


def test_not_sure_it_waits_with_the_best_three_and_reasons(city: City, clock: FixedClock) -> None:
    case_id = case_with(city, clock, "k1")
    classify(city, clock, case_id, Said(confidence=0.4, confident=False))
    case, (row,), assignments = read(city, case_id)
    assert (case.stage, assignments, row.kind) == ("review", [], "suggested")
    assert (row.automatic, row.reasons) == (False, ["low_confidence"])
    assert row.organisation_id == city.organisation("TC-CGJ")
    assert len(row.alternatives) == 2


def test_a_possible_accusation_stays_unseen(city: City, clock: FixedClock) -> None:
    case_id = case_with(city, clock, "k1")
    classify(city, clock, case_id, Said(accusation=True, against_office=True))
    case, (row,), assignments = read(city, case_id)
    assert (case.accusation, case.stage, assignments, row.accusation) == ("possible", "review", [], True)


@pytest.mark.parametrize(
    "body", ["去年王局长受贿五万元，现在还在位子上", "审批过程中是不是存在弄虚作假", "我们这里就没有贪官了吗"]
)
def test_words_about_those_in_office_are_seen_though_past_or_doubted(city: City, clock: FixedClock, body: str) -> None:
    case_id = case_with(city, clock, "k1", body)
    classify(city, clock, case_id)
    case, (row,), assignments = read(city, case_id)
    assert (case.accusation, case.stage, assignments, row.accusation) == ("possible", "review", [], True)
    assert row.reasons[0] == "accusation"


def test_not_to_whom_it_complains_of(city: City, clock: FixedClock) -> None:
    case_id = case_with(city, clock, "k1", "找过城管局两次，工作人员推诿不管，摊贩还在占道")
    classify(city, clock, case_id)
    case, (row,), assignments = read(city, case_id)
    assert (case.stage, assignments, row.reasons) == ("review", [], ["conduct"])


def _nobody_at(city: City, clock: FixedClock, code: str) -> None:
    with city.db.write() as session:
        posts = select(Post.account_id).where(Post.organisation_id == city.organisation(code))
        session.execute(update(Account).where(Account.id.in_(posts)).values(disabled_at=clock.now()))


def test_not_to_an_office_where_nobody_has_an_account(city: City, clock: FixedClock) -> None:
    case_id = case_with(city, clock, "k1")
    _nobody_at(city, clock, "TC-CGJ")
    classify(city, clock, case_id)
    case, (row,), assignments = read(city, case_id)
    assert (case.stage, assignments, row.reasons) == ("review", [], ["unstaffed"])


@pytest.mark.parametrize(("changes", "reason"), [({"outside": True}, "outside"), ({"active": False}, "inactive")])
def test_an_office_that_has_no_account_for_another_reason_says_that_one(
    city: City, clock: FixedClock, changes: dict[str, bool], reason: str
) -> None:
    case_id = case_with(city, clock, "k1")
    _nobody_at(city, clock, "TC-CGJ")
    with city.db.write() as session:
        session.execute(update(Organisation).where(Organisation.id == city.organisation("TC-CGJ")).values(**changes))
    classify(city, clock, case_id)
    assert read(city, case_id)[1][0].reasons == [reason]


def test_only_registered_at_the_desk_it_waits_for_an_officer(city: City, clock: FixedClock) -> None:
    case_id = case_with(city, clock, "k1", wish=diversion.HOLD)
    classify(city, clock, case_id)
    case, (row,), assignments = read(city, case_id)
    assert (case.stage, case.accusation, assignments, row.reasons) == ("review", "no", [], ["held"])
    assert row.organisation_id == city.organisation("TC-CGJ")


def test_another_department_named_at_the_desk_is_put_before_an_officer(city: City, clock: FixedClock) -> None:
    case_id = case_with(city, clock, "k1", wish=str(city.organisation("TC-SCJ")))
    classify(city, clock, case_id)
    case, (row,), assignments = read(city, case_id)
    assert (case.stage, assignments, row.reasons) == ("review", [], ["proposed"])
    assert row.organisation_id == city.organisation("TC-SCJ")


@pytest.mark.parametrize("wish", ["TC-CGJ", "", "nobody", "99"])
def test_a_wish_for_the_same_or_for_nobody_changes_nothing(city: City, clock: FixedClock, wish: str) -> None:
    case_id = case_with(city, clock, "k1", wish=str(city.organisation(wish)) if wish == "TC-CGJ" else wish)
    classify(city, clock, case_id)
    case, (row,), (assignment,) = read(city, case_id)
    assert (case.stage, row.reasons, assignment.automatic) == ("assigned", [], True)


def test_a_wish_never_sends_what_may_be_an_accusation(city: City, clock: FixedClock) -> None:
    case_id = case_with(city, clock, "k1", wish=str(city.organisation("TC-SCJ")))
    classify(city, clock, case_id, Said(accusation=True, against_office=True))
    case, (row,), assignments = read(city, case_id)
    assert (case.accusation, case.stage, assignments) == ("possible", "review", [])
    assert row.reasons == ["accusation", "proposed"]


def test_danger_found_by_the_classifier_raises_the_alarm(city: City, clock: FixedClock) -> None:
    case_id = case_with(city, clock, "k1")
    classify(city, clock, case_id, Said(danger="gas"))
    case, (row,), assignments = read(city, case_id)
    assert (case.danger, case.priority, assignments) == ("gas", 0, [])
    assert row.reasons == ["danger"]


@pytest.mark.parametrize("confidence", [0.9, 0.4])
def test_a_second_run_changes_nothing(city: City, clock: FixedClock, confidence: float) -> None:
    case_id = case_with(city, clock, "k1")
    classify(city, clock, case_id, Said(confident=confidence > 0.5))
    before, rows, assignments = read(city, case_id)
    clock.advance(timedelta(hours=1))
    sayer = classify(city, clock, case_id, Said(category=("生态环境", "", "")))
    after, again, still = read(city, case_id)
    assert sayer.asked == 0
    assert (after.version, after.seq, len(again), len(still)) == (
        before.version,
        before.seq,
        len(rows),
        len(assignments),
    )


def test_a_reopened_case_is_judged_again_and_waits(city: City, clock: FixedClock) -> None:
    case_id = case_with(city, clock, "k1")
    classify(city, clock, case_id)
    clock.advance(timedelta(hours=1))
    with city.db.write() as session:
        case = session.get_one(Case, case_id)
        case.stage, case.round = "review", 2
        history.append(session, case, "reopened", clock.now())
    clock.advance(timedelta(minutes=1))
    classify(city, clock, case_id)
    _, rows, _ = read(city, case_id)
    assert [row.kind for row in sorted(rows, key=lambda row: row.at)] == ["diverted", "suggested"]
    assert "reopened" in max(rows, key=lambda row: row.at).reasons


def test_exactly_the_same_by_somebody_else_is_proposed_for_merging(city: City, clock: FixedClock) -> None:
    first = case_with(city, clock, "k1", openid="o1")
    classify(city, clock, first)
    second = case_with(city, clock, "k2", openid="o2")
    classify(city, clock, second)
    case, (row,), assignments = read(city, second)
    assert (case.copy_of_id, row.reasons, assignments) == (first, ["copy"], [])
    third = case_with(city, clock, "k3", "另一件事：绿化带里堆了很多建筑垃圾，一直没有清运", openid="o3")
    classify(city, clock, third)
    assert read(city, third)[0].copy_of_id is None


def test_never_merged_with_a_possible_accusation(city: City, clock: FixedClock) -> None:
    first = case_with(city, clock, "k1", openid="o1")
    classify(city, clock, first, Said(accusation=True, against_office=True))
    second = case_with(city, clock, "k2", openid="o2")
    classify(city, clock, second)
    case, (row,), _ = read(city, second)
    assert case.copy_of_id is None and "copy" not in row.reasons


def test_two_workers_at_once_record_once(city: City, clock: FixedClock) -> None:
    case_id = case_with(city, clock, "k1")
    together = Barrier(2)

    class Slow(Sayer):
        def suggest(self, title: str, body: str) -> Said:
            together.wait(timeout=30)
            return super().suggest(title, body)

    with city.db.read() as session:
        event_id = session.scalars(select(Event.id).where(Event.kind == "submitted")).one()
    brain = Brain(city.db, clock, lambda path: Slow(Said()))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: diversion.classify(city.db, clock, brain, case_id, event_id), range(2)))
    _, rows, assignments = read(city, case_id)
    assert (len(rows), len(assignments)) == (1, 1)


def test_what_moved_on_meanwhile_is_only_recorded(city: City, clock: FixedClock) -> None:
    case_id = case_with(city, clock, "k1")
    with city.db.write() as session:
        submission_id = session.scalars(select(Submission.id)).one()
        submissions.withdraw(session, CITIZEN, clock.now(), submission_id)
    classify(city, clock, case_id)
    case, rows, assignments = read(city, case_id)
    (row,) = (row for row in rows if row.kind != "closing")
    assert (case.stage, assignments, row.reasons) == ("closed", [], ["moved_on"])


def test_what_was_merged_meanwhile_is_left_alone(city: City, clock: FixedClock) -> None:
    into, case_id = case_with(city, clock, "k1"), case_with(city, clock, "k2", openid="o2")
    for one in (into, case_id):
        classify(city, clock, one, Said(confident=False, confidence=0.3))
    with city.db.write() as session:
        merging.merge(session, city.actor("pei.zhengyu"), clock.now(), case_id, into)
    before = read(city, case_id)[1]
    clock.advance(timedelta(minutes=1))
    with city.db.write() as session:
        owed = base.record(session, SYSTEM, "reopen", session.get_one(Case, case_id), clock.now())
        owed_id = owed.id
    diversion.classify(city.db, clock, Brain(city.db, clock, lambda path: Sayer(Said())), case_id, owed_id)
    assert [row.id for row in read(city, case_id)[1]] == [row.id for row in before]


@pytest.mark.parametrize(
    ("confidences", "reasons"),
    [
        ((0.9, 0.8, 0.1), ["level_unsure"]),  # without the third level the city's bureau leads, not the district's
        ((0.9, 0.3, 0.7), ["level_unsure"]),  # without the second the first level's own row
        ((0.9, 0.8, 0.7), []),
    ],
)
def test_a_level_in_doubt_does_not_choose_the_organisation(
    city: City, clock: FixedClock, confidences: tuple[float, float, float], reasons: list[str]
) -> None:
    case_id = case_with(city, clock, "k1", area="TC01")
    classify(city, clock, case_id, Said(confidences=confidences))
    assert read(city, case_id)[1][0].reasons == reasons


def test_outside_the_hub_an_officer_sends_it(city: City, clock: FixedClock) -> None:
    with city.db.write() as session:
        session.get_one(Organisation, city.organisation("TC-CGJ")).outside = True
    case_id = case_with(city, clock, "k1")
    classify(city, clock, case_id)
    assert read(city, case_id)[1][0].reasons == ["outside"]


def test_the_job_is_registered_and_runs_once(city: City, clock: FixedClock) -> None:
    case_id = case_with(city, clock, "k1")
    sayer = Sayer(Said())
    registry = jobs.Registry()
    diversion.register(registry, Brain(city.db, clock, lambda path: sayer))
    with city.db.write() as session:
        event_id = session.scalars(select(Event.id).where(Event.kind == "submitted")).one()
        payload = {"event": event_id, "case": case_id}
        jobs.enqueue(session, diversion.CLASSIFY, str(event_id), payload, due=clock.now())
    assert jobs.run_due(city.db, clock, registry, "jobs") == 1
    assert read(city, case_id)[0].stage == "assigned"


def test_preview_writes_nothing(city: City, clock: FixedClock) -> None:
    brain = Brain(city.db, clock, lambda path: Sayer(Said()))
    said, fit = diversion.preview(city.db, brain, "摊贩占道", BODY, city.area("TC02"))
    assert said.version == "test-1"
    assert fit is not None and fit.lead_id == city.organisation("TC02-CGJ")
    with city.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Classification)) == 0
