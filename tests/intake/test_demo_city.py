"""The demonstration city as a new hub finds it: every petition where it was written to be, its past consistent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

import wiring
from app import create_app
from cases import history
from cases.models import (
    Alert,
    Assignment,
    CallBack,
    Card,
    Case,
    CaseClock,
    Event,
    PublishedReply,
    Submission,
    SubmissionCase,
)
from core import crypto, jobs
from core.clock import FixedClock
from core.config import Settings
from core.database import Database
from intake.brain import Brain
from intake.demo.petitions import shipped
from intake.demo.seeding import seed_petitions
from organisations import sessions
from organisations.models import Account, Organisation
from portal import figures
from search.service import KINDS, SearchService
from tests.conftest import AT, RING, Templates

STAGES = {"fed_back": "fed_back", "asking": "asking", "draft": "draft", "review": "review", "returned": "review"}


@pytest.fixture(scope="module")
def filled(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    crypto.use(RING)
    url = templates.copy("city", tmp_path_factory.mktemp("demo") / "hub.db")
    db = Database(url)
    clock = FixedClock(AT)
    history.subscribe(wiring.SUBSCRIPTIONS)
    assert seed_petitions(db, clock, Brain(db, clock, wiring._load_classifier)) == len(shipped())
    history.subscribe([])
    yield db
    db.dispose()
    templates.drop(url)


@pytest.fixture
def session(filled: Database) -> Iterator[Session]:
    with filled.read() as session:
        yield session


def state_of(session: Session, case: Case) -> str:
    """The state as the files call it."""
    if case.stage == "closed":
        return case.outcome if case.outcome in {"refused", "guided"} else "closed"
    if case.stage == "review":
        states = session.scalars(select(Assignment.state).where(Assignment.case_id == case.id)).all()
        return "returned" if "returned" in states else "review"
    if case.stage == "assigned":
        lead = session.scalars(
            select(Assignment.state).where(
                Assignment.case_id == case.id, Assignment.role == "lead", Assignment.ended_at.is_(None)
            )
        ).one()
        return {"to_sign": "pending", "held": "suspended"}.get(lead, lead)
    return case.stage


def test_every_petition_is_where_it_was_written_to_be(session: Session) -> None:
    rows = session.execute(
        select(Submission.origin_key, Case)
        .join(SubmissionCase, SubmissionCase.submission_id == Submission.id)
        .join(Case, Case.id == SubmissionCase.case_id)
    )
    found = {key.removeprefix("demo."): state_of(session, case) for key, case in rows}
    assert found == {one.key: one.state for one in shipped()}


def test_categories_and_leads_are_as_written(session: Session) -> None:
    written = {
        one.key: one for one in shipped() if one.state not in {"review", "draft", "refused", "guided", "returned"}
    }
    rows = session.execute(
        select(Submission.origin_key, Case.level1, Case.level2, Case.nature, Case.lead_id)
        .join(SubmissionCase, SubmissionCase.submission_id == Submission.id)
        .join(Case, Case.id == SubmissionCase.case_id)
    )
    codes = dict(session.execute(select(Organisation.id, Organisation.code)).tuples().all())
    for key, level1, level2, nature, lead_id in rows:
        one = written.get(key.removeprefix("demo."))
        if one is not None:
            assert (level1, level2, nature, codes[lead_id]) == (one.level1, one.level2, one.nature, one.lead_code), key


def test_histories_are_whole_and_nothing_is_owed(session: Session) -> None:
    assert list(history.verify(session)) == []
    assert session.scalar(select(func.count(jobs.Job.id))) == 0


def test_time_goes_forward_and_stays_before_now(session: Session) -> None:
    last: dict[int, Any] = {}
    for case_id, at in session.execute(select(Event.case_id, Event.at).order_by(Event.case_id, Event.seq)):
        assert last.get(case_id, at) <= at <= AT
        last[case_id] = at
    assert session.scalar(select(func.count()).where(Case.closed_at > AT)) == 0


def test_cards_agree_with_the_clocks(session: Session) -> None:
    levels = Counter()
    for card, clock in session.execute(select(Card, CaseClock).join(CaseClock, CaseClock.id == Card.clock_id)):
        levels[card.level] += 1
        assert card.at > clock.due_at
        assert clock.ended_at is None or clock.ended_at >= card.at
    assert 5 <= levels["yellow"] <= 45 and 1 <= levels["red"] <= 15
    owed = select(func.count()).where(CaseClock.next_at < AT - timedelta(minutes=1))
    assert session.scalar(owed) == 0


def test_two_persons_stand_for_what_is_published(session: Session) -> None:
    rows = list(session.scalars(select(PublishedReply)))
    released = [row for row in rows if row.state == "released"]
    assert len(released) == sum(one.public for one in shipped()) >= 40
    assert all(row.released_by_id and row.released_by_id != row.proposed_by_id for row in released)
    assert any(row.state == "proposed" for row in rows)


def test_danger_was_seen_and_calls_are_owed(session: Session) -> None:
    alerts = list(session.scalars(select(Alert)))
    assert len(alerts) >= 5 and sum(alert.acknowledged_at is None for alert in alerts) <= 1
    assert {"open", "done"} <= set(session.scalars(select(CallBack.state)))


def test_accusations_stay_with_their_readers(session: Session) -> None:
    kept = Counter(session.scalars(select(Case.accusation)))
    written = [one for one in shipped() if one.level1 == "纪检监察" and one.nature == "举报"]
    assert kept["yes"] + kept["possible"] == len(written)
    assert session.scalar(select(func.count()).where(Case.copy_of_id.is_not(None))) >= 8


def test_a_second_time_adds_nothing(filled: Database) -> None:
    clock = FixedClock(AT)
    assert seed_petitions(filled, clock, Brain(filled, clock, wiring._load_classifier)) == 0


def test_the_figures_are_not_empty(session: Session) -> None:
    shown = figures.count(session, AT)
    assert min(shown.received, shown.today, shown.due, shown.rated, shown.resolved, shown.published) > 0
    assert 60 <= (shown.in_time_share or 0) <= 100


@pytest.fixture
def pages(filled: Database, settings: Settings, clock: FixedClock) -> Iterator[flask.Flask]:
    application = create_app(settings.model_copy(update={"database_url": filled.url}), clock=clock)
    for kind in KINDS:
        application.extensions["hub"].get(SearchService).rebuild(kind)
    yield application
    application.extensions["hub"].get(Database).dispose()


def test_every_list_has_something_to_show(filled: Database, pages: flask.Flask) -> None:
    def page(path: str, username: str = "") -> str:
        client: FlaskClient = pages.test_client()
        if username:
            with filled.write() as session:
                account = session.scalars(select(Account).where(Account.username == username)).one()
                account.must_change_password = False
                client.set_cookie("lx_staff", sessions.start(session, account.id, AT))
        answer = client.get(path)
        assert answer.status_code == 200, path
        return answer.get_data(as_text=True)

    look: Callable[..., str] = page
    assert look("/replies").count('href="/replies/') >= 10
    lists = {
        "pei.zhengyu": ("/work/", "/work/review", "/work/cases"),
        "shangguan.min": ("/work/requests",),
        "dou.jianping": ("/work/late",),
        "bai.zhengxing": ("/work/accusations",),
        "huo.yan": ("/work/cases",),
    }
    for username, paths in lists.items():
        for path in paths:
            assert "/work/cases/" in look(path, username) or "case=" in look(path, username), (username, path)
    assert "/work/replies/" in look("/work/replies", "zhuang.xiaoli")
