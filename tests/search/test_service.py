"""The search service over real rows: what enters the index, what staff may find, jobs, loss and mending."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from cases import history
from cases.history import Subscription
from cases.models import CaseExclusion, PublishedReply
from cases.operations import publishing
from core import jobs
from core.clock import FixedClock
from core.jobs import Job, Registry
from search import jobs as search_jobs
from search import service as module
from search.engine import SearchUnavailable
from search.service import SearchService
from search.tantivy_engine import TantivyEngine
from tests.portal.conftest import Petitions


@pytest.fixture
def petitions(city: Any, clock: FixedClock) -> Petitions:
    return Petitions(city, clock)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "search"


@pytest.fixture
def service(city: Any, folder: Path) -> SearchService:
    history.subscribe([Subscription(search_jobs.INDEX, search_jobs.QUEUE, None)])
    made = SearchService(TantivyEngine(folder), city.db)
    made.ensure()
    return made


@pytest.fixture
def run(city: Any, clock: FixedClock, service: SearchService) -> Any:
    registry = Registry()
    search_jobs.register(registry, service)

    def run_() -> int:
        ran = jobs.run_due(city.db, clock, registry, search_jobs.QUEUE)
        service._replies.refresh()
        service._cases.refresh()
        return ran

    return run_


def reply(petitions: Petitions, title: str = "学府路路灯不亮") -> str:
    given = petitions.submit()
    petitions.answer(given)
    return petitions.publish(given, title, "路灯不亮，请修。", "路灯已修好。")


def test_before_the_first_index_search_is_unavailable(city: Any, folder: Path) -> None:
    with pytest.raises(SearchUnavailable):
        SearchService(TantivyEngine(folder), city.db).search("路灯")


def test_a_released_reply_is_found_and_a_withdrawn_one_is_not(
    service: SearchService, petitions: Petitions, run: Any, city: Any, clock: FixedClock
) -> None:
    public_id = reply(petitions)
    assert run() > 0
    found = service.search("路灯")
    assert [item.reply.public_id for item in found.items] == [public_id]
    assert found.facets["organisation"][0].label == "棠川市城市管理局"
    with city.db.write() as session:
        row = session.scalars(select(PublishedReply)).one()
        publishing.withdraw(session, city.actor("zhuang.xiaoli"), clock.now(), row.id)
    run()
    assert service.search("路灯").total == 0
    assert run() == 0


def test_a_job_may_run_twice(
    service: SearchService, petitions: Petitions, run: Any, city: Any, clock: FixedClock
) -> None:
    reply(petitions)
    run()
    with city.db.write() as session:
        session.execute(update(Job).values(state="waiting", due=clock.now()))
    run()
    assert service.search("路灯").total == 1


def test_nothing_enters_before_it_is_classified_nor_an_accusation(
    service: SearchService, petitions: Petitions, run: Any, city: Any
) -> None:
    unread, accused = petitions.submit(), petitions.submit()
    petitions.classify(accused, accusation=True)
    run()
    officer = petitions.officer
    assert service.search_cases(officer, "路灯").total == 0
    petitions.classify(unread)
    run()
    assert [case.id for case in service.search_cases(officer, "路灯").items] == [unread.case_id]
    assert service.search_cases(officer, accused.number).items == ()


def test_a_case_that_turns_out_an_accusation_leaves_the_index(
    service: SearchService, petitions: Petitions, run: Any, city: Any
) -> None:
    given = petitions.submit()
    petitions.classify(given)
    run()
    petitions.classify(given, accusation=True)
    assert service.search_cases(petitions.officer, "路灯").items == ()
    run()
    assert service._cases.size() == 0


def test_staff_find_only_what_they_may_see(service: SearchService, petitions: Petitions, run: Any, city: Any) -> None:
    given = petitions.submit()
    petitions.answer(given)
    run()
    assert [case.id for case in service.search_cases(city.actor("huo.yan"), "路灯").items] == [given.case_id]
    other = service.search_cases(city.actor("ming.zhe"), "路灯")
    assert (other.total, other.items) == (0, ())
    assert service.search_cases(city.actor("ming.zhe"), given.number).items == ()
    assert service.search_cases(city.actor("admin.system"), "路灯").items == ()


def test_the_index_alone_never_opens_a_case(service: SearchService, petitions: Petitions, run: Any, city: Any) -> None:
    given = petitions.submit()
    petitions.answer(given)
    run()
    handler = city.actor("huo.yan")
    with city.db.write() as session:
        session.add(CaseExclusion(case_id=given.case_id, kind="recused", account_id=handler.account_id,
                                  since=petitions.clock.now()))  # fmt: skip
    found = service.search_cases(handler, "路灯")
    assert (found.total, found.items) == (None, ())


def test_a_number_finds_the_case_of_a_merged_submission(
    service: SearchService, petitions: Petitions, city: Any
) -> None:
    given = petitions.submit()
    petitions.classify(given)
    found = service.search_cases(petitions.officer, f"{given.number[:6]} {given.number[6:9]} {given.number[9:]}")
    assert [case.id for case in found.items] == [given.case_id]


def test_a_deleted_index_is_built_again_by_the_next_job(
    service: SearchService, petitions: Petitions, run: Any, folder: Path
) -> None:
    first = reply(petitions)
    run()
    shutil.rmtree(folder)
    second = reply(petitions, "东堤路路灯也不亮")
    run()
    assert {item.reply.public_id for item in service.search("路灯").items} == {first, second}


def test_reconciling_mends_what_is_missing_and_what_is_too_much(
    service: SearchService, petitions: Petitions, run: Any, city: Any
) -> None:
    gone, lost = reply(petitions), reply(petitions, "东堤路路灯也不亮")
    run()
    with city.db.write() as session:
        session.execute(update(PublishedReply).where(PublishedReply.public_id == gone).values(state="withdrawn"))
    service.indexer._indexes["reply"][0].rebuild([])
    service._replies.refresh()
    assert service.reconcile() == 1
    service._replies.refresh()
    assert [item.reply.public_id for item in service.search("路灯").items] == [lost]
    with city.db.write() as session:
        session.execute(update(PublishedReply).values(state="withdrawn"))
    assert service.reconcile() == 1
    assert service.reconcile() == 0


def test_reconciling_tells_how_far_it_is_after_each_chunk(
    service: SearchService, petitions: Petitions, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        reply(petitions, f"东堤路{number}号路灯不亮")
    run()
    for index, _load in service.indexer._indexes.values():
        index.rebuild([])
    monkeypatch.setattr(module, "_CHUNK", 2)
    told: list[int] = []
    assert service.reconcile(told.append) == 10
    assert told == [2, 4, 5] * 2
    assert service.reconcile() == 0


@pytest.mark.parametrize("lost", ["index", "reconcile"])
def test_a_lost_lease_stops_the_filling_and_the_next_try_fills(
    service: SearchService, petitions: Petitions, run: Any, folder: Path, city: Any, clock: FixedClock, lost: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The jobs of a batch, and the reconciliation of an index that is gone, renew their leases as it is filled."""
    one = reply(petitions)
    if lost == "reconcile":
        run()
        with city.db.write() as session:
            jobs.enqueue(session, search_jobs.RECONCILE, "now", due=clock.now(), queue=search_jobs.QUEUE)
    shutil.rmtree(folder)
    real, asked = jobs.renew, []

    def refused(works: list[jobs.Work]) -> None:
        asked.append(len(works))
        raise jobs.LeaseLost()

    monkeypatch.setattr(search_jobs, "renew", refused)
    monkeypatch.setattr(jobs, "renew", refused)
    run()
    assert len(asked) == 1
    monkeypatch.setattr(search_jobs, "renew", real)
    monkeypatch.setattr(jobs, "renew", real)
    run()
    with city.db.read() as session:
        due = select(Job.state).where(Job.queue == search_jobs.QUEUE, Job.due <= clock.now())
        assert set(session.scalars(due)) == {"done"}
    assert [item.reply.public_id for item in service.search("路灯").items] == [one]


def test_a_narrowed_facet_counts_as_if_it_were_not(service: SearchService, petitions: Petitions, run: Any) -> None:
    reply(petitions)
    run()
    found = service.search("路灯", {"year": ["1999"]})
    assert found.total == 0
    assert [(facet.value, facet.count) for facet in found.facets["year"]] == [("2026", 1)]


def test_similar_replies_leave_out_the_one_beside_which_they_stand(
    service: SearchService, petitions: Petitions, run: Any
) -> None:
    first, second = reply(petitions), reply(petitions, "东堤路路灯不亮")
    run()
    assert [one.reply.public_id for one in service.similar("路灯不亮", "", leave_out=[first])] == [second]


def test_a_busy_writer_puts_the_job_off(service: SearchService, petitions: Petitions, run: Any, city: Any) -> None:
    reply(petitions)
    with service.engine.replies.writer():
        run()
    with city.db.read() as session:
        assert session.scalars(select(Job.state).where(Job.error == "search_writer_busy")).all()
        assert not session.scalars(select(Job).where(Job.state == "dead")).all()
