"""标为疑似检举控告: whoever works with a case may say that it is one; then its readers alone see it."""

from __future__ import annotations

import pytest

from cases import visibility
from cases.errors import Conflict, Forbidden, Invalid, NotFound, NotNow
from cases.models import Case, Decision, Event, PublishedReply
from cases.operations import accusations, publishing
from core.audit import AuditEntry
from organisations.models import RoleGrant
from tests.cases.town import at

WHY = "群众电话里说王队长收钱"
EVERYBODY = ("diversion@city", "agent@city", "supervisor@city", "handler@bureau", "approver@bureau")


def _mark(town, name, case_id, **more):
    with town.db.write() as session:
        return accusations.suspect_by_hand(
            session, town.actor(name), at(24, 12), case_id, **{"reason": f" {WHY} ", **more}
        )


def _sees(town, name, case_id):
    with town.db.read() as session:
        return visibility.may_see(session, town.actor(name), session.get_one(Case, case_id))


@pytest.fixture
def reader(town):
    """The handler of the water works reads accusations."""
    with town.db.write() as session:
        session.add(RoleGrant(account_id=town.actor("handler@water").account_id, role="accusation_reader",
                              organisation_id=town.ids["water"], granted_at=at(20)))  # fmt: skip
    return "handler@water"


@pytest.mark.parametrize("name", EVERYBODY)
def test_whoever_works_with_a_case_marks_it(town, reader, name):
    case_id = town.case()
    town.lead(case_id)
    assert all(_sees(town, one, case_id) for one in EVERYBODY)
    _mark(town, name, case_id)
    assert town.get(Case, case_id).accusation == "possible" and _sees(town, reader, case_id)
    assert [one for one in EVERYBODY if _sees(town, one, case_id)] == []
    (decision,) = town.rows(Decision)
    assert (decision.kind, decision.text, decision.by_id) == ("suspected", WHY, town.actor(name).account_id)
    (event,) = town.rows(Event, case_id=case_id, kind="accusation_suspected")
    assert (event.actor_id, event.data) == (decision.by_id, {"readers": 1, "decision": decision.id})
    (entry,) = town.rows(AuditEntry)
    assert (entry.action, entry.actor_id, entry.subject_id) == ("accusation_marked", decision.by_id, case_id)
    assert WHY not in str(entry.details)


def test_who_may_not(town):
    case_id = town.case()
    with pytest.raises(NotFound):
        _mark(town, "handler@bureau", case_id)  # not theirs to see
    with town.db.write() as session:
        session.add(RoleGrant(account_id=town.actor("handler@housing").account_id, role="publisher", granted_at=at(20)))
    town.lead(case_id)
    publisher = town.actor("handler@bureau")
    town.people["publisher@bureau"] = type(publisher)(
        publisher.account_id, publisher.organisation_ids, frozenset({"publisher"}), frozenset({"case.read"})
    )
    with pytest.raises(Forbidden):
        _mark(town, "publisher@bureau", case_id)
    assert town.get(Case, case_id).accusation == "no"


def test_not_without_a_reason_nor_on_what_somebody_changed(town):
    case_id = town.case()
    with pytest.raises(Invalid) as refused:
        _mark(town, "diversion@city", case_id, reason="  ")
    assert list(refused.value.fields) == ["reason"]
    with pytest.raises(Conflict):
        _mark(town, "diversion@city", case_id, version=town.get(Case, case_id).version + 1)
    assert town.get(Case, case_id).accusation == "no" and town.rows(AuditEntry) == []


@pytest.mark.parametrize("accusation", ["possible", "yes"])
def test_not_on_what_is_one_already(town, reader, accusation):
    case_id = town.case()
    _mark(town, "diversion@city", case_id)
    with town.db.write() as session:
        session.get_one(Case, case_id).accusation = accusation
    with pytest.raises(NotFound):
        _mark(town, "diversion@city", case_id)
    with pytest.raises(NotNow):
        _mark(town, reader, case_id)


def test_a_readers_no_does_not_stand_against_it(town):
    case_id = town.case(accusation_decided_at=at(24, 9))
    _mark(town, "agent@city", case_id)
    row = town.get(Case, case_id)
    assert (row.accusation, row.accusation_decided_at) == ("possible", None)


def test_a_proposed_reply_is_not_published(town):
    case_id = town.case()
    town.asking(case_id)
    with town.db.write() as session:
        publishing.propose(session, town.actor("handler@bureau"), at(24, 11), case_id, title="灯", question="坏了",
                           reply="修好了")  # fmt: skip
    _mark(town, "supervisor@city", case_id)
    assert [row.state for row in town.rows(PublishedReply)] == ["refused"]
