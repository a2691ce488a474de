"""Words that come after the first text: an accusation in them hides the case at once, a danger in them is raised."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from sqlalchemy import select

import classifier
from cases import visibility
from cases.conduct import OFFICE_WORDS, accuses_office
from cases.models import Alert, Case, CaseClock, Message
from cases.operations import accusations, alerts, closing, messages
from organisations.people import CITIZEN
from tests.cases.town import at

WORDS = "城管局的王队长向我索贿五千元"
SOURCE = {"origin": "web", "origin_key": "later-1", "channel": "web"}


def _sees(town, name, case_id):
    with town.db.read() as session:
        return visibility.may_see(session, town.actor(name), session.get_one(Case, case_id))


def _say(town, case_id, operation, text=WORDS, when=None, key="later-1", **more):
    with town.db.write() as session:
        return operation(session, CITIZEN, when or at(24, 11), town.submission(case_id), text,
                         **{**SOURCE, "origin_key": key}, **more)  # fmt: skip


def test_the_office_list_holds_every_word_of_the_classifier_about_those_in_office():
    with (Path(classifier.__file__).parent / "words" / "accusation.csv").open(encoding="utf-8") as file:
        listed = {row["phrase"] for row in csv.DictReader(file) if row["code"] == "office"}
    assert listed <= OFFICE_WORDS


@pytest.mark.parametrize("text", [WORDS, "他们收 红 包", "局长贪\n污", "徇私"])
def test_words_about_those_in_office_are_seen(text):
    assert accuses_office(text)


@pytest.mark.parametrize("text", ["我不是检举谁，只是问问", "没有要检举的意思", "我不想控告你们"])
def test_who_says_that_they_do_not_accuse_is_taken_at_their_word(text):
    assert not accuses_office(text)


@pytest.mark.parametrize(
    "text", ["不是检举，是控告王局长", "我没有检举过谁，但王局长受贿", "说没有贪污谁信", "去年他受贿"]
)
def test_but_not_what_else_they_say(text):
    assert accuses_office(text)


@pytest.mark.parametrize("text", ["", "还是没人来修", "请快一点，窗口态度很好", "食堂的肉腐败变质"])
def test_ordinary_words_are_not(text):
    assert not accuses_office(text)


@pytest.mark.parametrize("operation", [messages.add, messages.answer_question, messages.urge, messages.enquire])
def test_an_accusation_in_later_words_takes_the_case_from_the_office(town, operation):
    case_id = town.case()
    town.lead(case_id)
    assert _sees(town, "handler@bureau", case_id)
    _say(town, case_id, operation)
    assert town.get(Case, case_id).accusation == "possible"
    assert not _sees(town, "handler@bureau", case_id) and not _sees(town, "diversion@city", case_id)
    kinds = town.kinds(case_id)
    assert kinds.count("accusation_suspected") == 1 and kinds.index("accusation_suspected") == len(kinds) - 2
    assert len(town.rows(Message)) == 1


def test_so_does_an_objection_and_a_comment_on_the_answer(town):
    for number, say in enumerate((True, False)):
        case_id = town.case()
        town.asking(case_id)
        if say:
            _say(town, case_id, messages.object_, key=f"o{number}")
        else:
            with town.db.write() as session:
                closing.rate(session, CITIZEN, at(24, 12), town.submission(case_id), True, False, 1, WORDS)
        assert town.get(Case, case_id).accusation == "possible"
        assert not _sees(town, "handler@bureau", case_id)


def test_ordinary_words_change_nothing(town):
    case_id = town.case()
    town.lead(case_id)
    _say(town, case_id, messages.add, "路灯又坏了一盏")
    assert town.get(Case, case_id).accusation == "no" and _sees(town, "handler@bureau", case_id)


def test_words_before_the_classification_are_not_lost_by_it(town):
    case_id = town.case(accusation="unread")
    _say(town, case_id, messages.add)
    with town.db.write() as session:
        accusations.suspect(session, at(24, 12), session.get_one(Case, case_id), accusation=False)
    assert town.get(Case, case_id).accusation == "possible"


def test_new_words_are_read_anew_after_a_reader_said_no(town):
    case_id = town.case(accusation_decided_at=at(24, 9))
    _say(town, case_id, messages.add)
    row = town.get(Case, case_id)
    assert (row.accusation, row.accusation_decided_at) == ("possible", None)


def test_the_same_words_sent_again_after_a_reader_said_no_change_nothing(town):
    case_id = town.case()
    _say(town, case_id, messages.add)
    with town.db.write() as session:
        row = session.get_one(Case, case_id)
        row.accusation, row.accusation_decided_at = "no", at(24, 12)
    _say(town, case_id, messages.add)
    assert town.get(Case, case_id).accusation == "no"


@pytest.mark.parametrize("operation", [messages.add, messages.answer_question, messages.urge, messages.enquire])
def test_a_danger_in_later_words_is_raised(town, operation):
    case_id = town.case()
    town.lead(case_id)
    _say(town, case_id, operation, "现在漏燃气了", danger="gas")
    row = town.get(Case, case_id)
    assert (row.danger, row.urgent, row.priority) == ("gas", True, 0)
    assert town.clock("danger").ended_at is None and "alert_raised" in town.kinds(case_id)
    _say(town, case_id, operation, "现在漏燃气了", danger="gas")
    assert town.kinds(case_id).count("alert_raised") == 1


def test_a_second_danger_after_the_first_was_seen_is_raised_anew(town):
    case_id = town.case()
    _say(town, case_id, messages.add, "漏气", danger="gas")
    with town.db.write() as session:
        alerts.acknowledge(session, town.officer, at(24, 12), session.scalars(select(Alert.id)).one())
    _say(town, case_id, messages.add, "着火了", at(24, 13), key="later-2", danger="fire")
    alert = town.rows(Alert)[0]
    assert (alert.kind, alert.raised_at, alert.acknowledged_at, alert.acknowledged_by_id, alert.sent_count) == (
        "fire", at(24, 13), None, None, 0,
    )  # fmt: skip
    assert town.get(Case, case_id).danger == "fire" and town.kinds(case_id).count("alert_raised") == 2
    clocks = town.rows(CaseClock, kind="danger")
    assert [clock.ended_at is None for clock in clocks] == [False, True]


def test_a_danger_in_a_comment_is_raised_though_the_case_closes(town):
    case_id = town.case()
    town.asking(case_id)
    with town.db.write() as session:
        closing.rate(session, CITIZEN, at(24, 12), town.submission(case_id), True, True, 4, "漏燃气了", danger="gas")
    row = town.get(Case, case_id)
    assert (row.stage, row.danger, row.priority) == ("closed", "gas", 0)
    assert town.clock("danger").ended_at is None and len(town.rows(Alert)) == 1


def test_the_classification_of_the_same_words_does_not_raise_it_again(town):
    case_id = town.case()
    with town.db.write() as session:
        alerts.raise_(session, at(24, 10), session.get_one(Case, case_id), "gas")
        alerts.acknowledge(session, town.officer, at(24, 11), session.scalars(select(Alert.id)).one())
        alerts.raise_(session, at(24, 12), session.get_one(Case, case_id), "gas")
    assert town.rows(Alert)[0].acknowledged_at == at(24, 11)
