"""A case that was merged away is seen by exactly those who see the case it went into, whichever of them is marked."""

from __future__ import annotations

import pytest

from cases import history, readerless, visibility
from cases.errors import NotNow
from cases.models import Case, CaseExclusion, CaseReader, PublishedReply
from cases.operations import accusations, merging, messages, publishing, rounds
from core import jobs
from organisations.models import RoleGrant
from organisations.people import CITIZEN
from tests.cases.town import at

EVERYBODY = ("diversion@city", "agent@city", "supervisor@city", "handler@bureau", "approver@bureau")
ACCUSES = "举报城管局王队长收受商户贿赂，包庇违建"


@pytest.fixture
def reader(town):
    """The handler of the water works reads accusations."""
    _grant(town)
    return "handler@water"


def _grant(town):
    with town.db.write() as session:
        session.add(RoleGrant(account_id=town.actor("handler@water").account_id, role="accusation_reader",
                              organisation_id=town.ids["water"], granted_at=at(20)))  # fmt: skip


@pytest.fixture
def pair(town):
    """A case that was handled by the bureau and merged into another one of the bureau's."""
    away, lead = town.case(), town.case("第二件", "完全不同的内容")
    town.lead(away)
    town.lead(lead)
    _merge(town, away, lead)
    return away, lead


def _merge(town, away, lead):
    with town.db.write() as session:
        merging.merge(session, town.officer, at(24, 11), away, lead)


def _mark(town, case_id, name="diversion@city"):
    with town.db.write() as session:
        accusations.suspect_by_hand(session, town.actor(name), at(24, 12), case_id, reason="反映王队长收钱")


def _who_sees(town, case_id, *more):
    with town.db.read() as session:
        case = session.get_one(Case, case_id)
        return [one for one in (*EVERYBODY, *more) if visibility.may_see(session, town.actor(one), case)]


def _state(town, *cases):
    return [town.get(Case, one).accusation for one in cases]


@pytest.mark.parametrize("marked", [0, 1])
def test_marked_by_hand(town, reader, pair, marked):
    assert all(_who_sees(town, one) == list(EVERYBODY) for one in pair)
    _mark(town, pair[marked])
    assert _state(town, *pair) == ["possible", "possible"]
    assert [_who_sees(town, one, reader) for one in pair] == [[reader], [reader]]
    assert [town.kinds(one)[-1] for one in pair] == ["accusation_suspected", "accusation_suspected"]
    with pytest.raises(NotNow):
        _mark(town, pair[marked], reader)


def test_later_words(town, reader, pair):
    with town.db.write() as session:
        messages.add(session, CITIZEN, at(24, 13), town.submission(pair[1]), ACCUSES, origin="web", origin_key="w",
                     channel="web")  # fmt: skip
    assert _state(town, *pair) == ["possible", "possible"]
    assert [_who_sees(town, one) for one in pair] == [[], []]


def test_through_two_merges(town, reader, pair):
    last = town.case("第三件", "又一件")
    town.lead(last)
    _merge(town, pair[1], last)
    _mark(town, last)
    assert _state(town, *pair, last) == ["possible"] * 3
    assert [_who_sees(town, one) for one in (*pair, last)] == [[], [], []]


@pytest.mark.parametrize("decided_on", [0, 1])
def test_a_readers_no_gives_both_back(town, reader, pair, decided_on):
    _mark(town, pair[1])
    with town.db.write() as session:
        accusations.decide(session, town.actor(reader), at(24, 13), pair[decided_on], True, town.ids["bureau"])
    assert _state(town, *pair) == ["yes", "yes"]
    kept = [{row.organisation_id for row in town.rows(CaseExclusion, case_id=one)} for one in pair]
    assert town.ids["bureau"] in kept[0] and kept[0] == kept[1]
    with town.db.write() as session:
        accusations.decide(session, town.actor(reader), at(24, 14), pair[decided_on], False)
    assert _state(town, *pair) == ["no", "no"]
    assert [_who_sees(town, one) for one in pair] == [list(EVERYBODY)] * 2
    assert [row for row in town.rows(CaseExclusion) if row.until is None] == []


def test_readers_and_those_kept_away_are_the_same(town, reader, pair):
    _mark(town, pair[1])
    other = town.actor("handler@housing").account_id
    with town.db.write() as session:
        accusations.name_reader(session, town.actor(reader), at(24, 13), pair[1], other)
        accusations.exclude(session, town.actor(reader), at(24, 13), pair[1], organisation_id=town.ids["bureau"])
    readers = [[row.account_id for row in town.rows(CaseReader, case_id=one)] for one in pair]
    assert readers[0] == readers[1] and other in readers[0]
    assert {row.case_id for row in town.rows(CaseExclusion, organisation_id=town.ids["bureau"])} == set(pair)


def test_a_recused_person_sees_neither(town, pair):
    with town.db.write() as session:
        accusations.recuse(session, town.actor("supervisor@city"), at(24, 12), pair[1])
    assert ["supervisor@city" in _who_sees(town, one) for one in pair] == [False, False]


def test_who_is_kept_away_stays_so_after_the_merge(town):
    away, lead = town.case(), town.case("第二件", "完全不同的内容")
    with town.db.write() as session:
        accusations.recuse(session, town.actor("supervisor@city"), at(24, 10), away)
        accusations.recuse(session, town.actor("agent@city"), at(24, 10), lead)
    _merge(town, away, lead)
    for one in (away, lead):
        assert {"supervisor@city", "agent@city"}.isdisjoint(_who_sees(town, one))


def test_not_into_the_hands_of_an_office_that_is_kept_away(town):
    away, lead = town.case(), town.case("第二件", "完全不同的内容")
    town.lead(lead)
    with town.db.write() as session:
        accusations.recuse(session, town.officer, at(24, 10), away, organisation_id=town.ids["bureau"])
    with pytest.raises(NotNow):
        _merge(town, away, lead)
    assert town.get(Case, away).merged_into_id is None


def test_readers_that_come_later_read_both(town, pair):
    _mark(town, pair[1])
    assert [_who_sees(town, one, "handler@water") for one in pair] == [[], []]
    _grant(town)
    with town.db.read() as session:
        assert readerless.without_reader(session) == [pair[1]]
    assert readerless.name_readers(town.db, at(24, 14)) == 1
    assert [_who_sees(town, one, "handler@water") for one in pair] == [["handler@water"]] * 2


def test_published_replies_of_either_stop(town, reader):
    away, lead = town.case(), town.case("第二件", "完全不同的内容")
    town.asking(away)
    with town.db.write() as session:
        publishing.propose(session, town.actor("handler@bureau"), at(24, 11), away, title="灯", question="坏了",
                           reply="修好了")  # fmt: skip
        rounds.reopen(session, town.officer, at(24, 12), away, reason="又坏了")
        merging.merge(session, town.officer, at(24, 12), away, lead)
    _mark(town, lead)
    assert [row.state for row in town.rows(PublishedReply)] == ["refused"]


def test_the_index_hears_of_both(town, reader, pair):
    history.subscribe([history.Subscription("search.index", "search", None)])
    try:
        _mark(town, pair[1])
    finally:
        history.subscribe([])
    assert {row.payload["case"] for row in town.rows(jobs.Job)} == set(pair)
