"""Who reads a possible accusation first: never the office that the text accuses; its superior when nobody is left."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from cases import readerless
from cases.conduct import accuses
from cases.models import Event, Party
from cases.operations import accusations, base, closing, messages
from organisations.models import Account, Organisation, RoleGrant
from organisations.people import CITIZEN
from tests.cases.town import at

DISCIPLINE = {"临川市纪律检查委员会", "市纪委监委", "市纪委", "纪委", "纪检干部"}
READERS = ("bureau", "county", "water")


@pytest.mark.parametrize(
    "text",
    [
        "市纪委的李主任收红包",
        "向纪委的科长行贿才给办",
        "市纪委信访室干部索贿",
        "纪委包庇王局长",
        "向市纪委举报过，市纪委的人收了王局长的红包",
    ],
)
def test_whom_a_text_accuses(text):
    assert accuses(text, DISCIPLINE, in_sentence=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "向市纪委举报城管局王队长索贿",
        "请纪委严查城管局索贿",
        "希望市纪委介入，城管局局长受贿",
        "尊敬的纪委领导，城管局局长受贿",
        "纪委领导您好，城管局局长受贿",
        "市纪委监委：我举报王局长受贿",
        "我去市纪委反映过王局长贪污",
        "我给纪委写信举报王局长受贿",
        "已举报到市纪委，王局长仍打击报复",
        "让纪委查查王局长受贿的事",
        "城管局王局长受贿。市纪委在三楼",
        "纪委能不能管管受贿的王局长",
    ],
)
def test_whom_it_is_written_to(text):
    assert not accuses(text, DISCIPLINE, in_sentence=True)


def test_without_names_nobody_is_accused():
    assert not accuses("局长受贿", {""})


def _grant(session, town, *codes):
    for code in codes:
        account_id = town.actor(f"handler@{code}").account_id
        session.add(RoleGrant(account_id=account_id, role="accusation_reader", organisation_id=town.ids[code],
                              granted_at=at(20)))  # fmt: skip


def _suspected(town, body, *codes, party=""):
    case_id = town.case(title="举报", body=body)
    submission_id = town.submission(case_id)
    with town.db.write() as session:
        _grant(session, town, *(codes or READERS))
        if party:
            session.add(Party(submission_id=submission_id, role="accused", organisation_id=town.ids[party],
                              declared_at=at(24)))  # fmt: skip
    with town.db.write() as session:
        accusations.suspect(session, at(24, 12), base.lock_case(session, case_id), accusation=True)
    return case_id


def _names(town, case_id):
    with town.db.read() as session:
        return {account.username.split("@")[1] for account in accusations.readers_of(session, case_id)}


def test_all_read_what_accuses_none_of_their_offices(town):
    assert _names(town, _suspected(town, "王队长索贿。城管局在路口")) == {"water"}  # near enough
    assert _names(town, _suspected(town, "住房局的王科长索贿")) == set(READERS)
    assert _names(town, _suspected(town, "向城管局举报住房局的王科长索贿")) == set(READERS)


def test_the_accused_and_those_above_and_below_it_do_not(town):
    assert _names(town, _suspected(town, "东湖城管的王队长索贿")) == {"water"}
    assert _names(town, _suspected(town, "城管队员收黑钱")) == {"water"}
    assert _names(town, _suspected(town, "水务集团的经理索贿")) == {"bureau", "county"}


def test_the_superior_reads_when_nobody_else_is_left(town):
    assert _names(town, _suspected(town, "东湖城管的王队长索贿", "bureau", "county")) == {"bureau"}


def test_whom_the_citizen_named_as_accused_counts_without_a_word(town):
    assert _names(town, _suspected(town, "他索贿", party="water")) == {"bureau", "county"}


def test_a_discipline_body_is_kept_away_by_itself_and_by_those_above_alone(town):
    with town.db.write() as session:
        session.execute(update(Organisation).where(Organisation.id == town.ids["bureau"]).values(kind="纪检"))
    for body, read in (
        ("向城管局检举东湖城管的王队长", True),
        ("受理中心的主任受贿", True),
        ("城管局的王局长受贿", False),
    ):
        assert bool(_names(town, _suspected(town, body, "bureau"))) is read, body


def test_words_added_later_and_a_comment_count_too(town):
    case_id = town.case(title="事", body="请处理")
    town.asking(case_id)
    with town.db.write() as session:
        _grant(session, town, *READERS)
    with town.db.write() as session:
        closing.rate(session, CITIZEN, at(24, 12), town.submission(case_id), True, False, 1, "水务集团的经理索贿")
    assert _names(town, case_id) == {"bureau", "county"}
    other = town.case(title="事", body="请处理")
    with town.db.write() as session:
        messages.add(session, CITIZEN, at(24, 12), town.submission(other), "水务集团的经理索贿", origin="web",
                     origin_key="l1", channel="web")  # fmt: skip
    assert _names(town, other) == {"bureau", "county"}


def test_a_case_that_nobody_reads_gets_its_readers_as_soon_as_there_are_some(town):
    case_id = _suspected(town, "水务集团的经理索贿", "water")
    with town.db.read() as session:
        assert readerless.without_reader(session) == [case_id]
    with town.db.write() as session:
        assert readerless.name_missing(session, at(24, 13), case_id) == 0
        _grant(session, town, "housing")
    with town.db.write() as session:
        assert readerless.name_missing(session, at(24, 14), case_id) == 1
    with town.db.write() as session:
        assert readerless.name_missing(session, at(24, 15), case_id) == 0
        assert readerless.without_reader(session) == []
    assert _names(town, case_id) == {"housing"}
    assert [row.data for row in town.rows(Event, case_id=case_id, kind="accusation_suspected")] == [
        {"readers": 0}, {"readers": 1},
    ]  # fmt: skip


def test_a_reader_whose_account_was_disabled_reads_nothing(town):
    case_id = _suspected(town, "住房局的科长索贿", "water")
    with town.db.write() as session:
        session.scalars(select(Account).where(Account.username == "handler@water")).one().disabled_at = at(24, 13)
        session.flush()
        assert readerless.without_reader(session) == [case_id]
