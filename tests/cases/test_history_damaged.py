"""Rows that can't be read, and cases that are gone, are named; what comes after them is looked at all the same."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest
from sqlalchemy.engine import make_url
from town import at

from cases import history
from core import audit


def run(town, *statements: str) -> None:
    """Change rows past every check, as somebody with the file would."""
    with contextlib.closing(sqlite3.connect(make_url(town.db.url).database)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def faults(town) -> list[str]:
    with town.db.read() as session:
        return list(history.verify(session))


@pytest.fixture
def two(town):
    """Two cases, each with events; gives the ids."""
    if not town.db.is_sqlite:
        pytest.skip("PostgreSQL keeps types and foreign keys itself")
    return sorted([town.case(), town.case("第二件")])


@pytest.mark.parametrize(
    "change", ["data = '{bad'", "at = 'nonsense'", "at = 7", "actor_id = x'00ff'", "organisation_id = 'x'"]
)
def test_an_event_that_can_not_be_read_is_named_and_the_rest_looked_at(town, two, change):
    first, second = two
    run(town, f"UPDATE events SET {change} WHERE case_id = {first} AND seq = 1",
        f"UPDATE events SET kind = 'forged' WHERE case_id = {second} AND seq = 1")  # fmt: skip
    assert faults(town) == [f"case {first}: event 1 was changed", f"case {second}: event 1 was changed"]


def test_a_number_that_is_none_is_named(town, two):
    first, _second = two
    run(town, f"UPDATE events SET seq = 'x' WHERE case_id = {first} AND seq = 1")
    assert any(fault.startswith(f"case {first}: event x was changed") for fault in faults(town))


def test_events_whose_case_is_gone_are_named(town, two):
    first, _second = two
    run(town, f"DELETE FROM cases WHERE id = {first}")
    [fault] = faults(town)
    assert fault.startswith(f"case {first}: the case is gone, its history of ")


def test_an_audit_entry_that_can_not_be_read_is_named_and_the_rest_looked_at(town, two):
    with town.db.write() as session:
        for _ in range(3):
            audit.record(session, at=at(24), actor_id=None, action="exported")
    run(town, "UPDATE audit_entries SET details = '{' WHERE seq = 1",
        "UPDATE audit_entries SET action = 'forged' WHERE seq = 3")  # fmt: skip
    with town.db.read() as session:
        assert audit.faults(session) == ["audit entry 1: was changed", "audit entry 3: was changed"]


def test_a_beginning_or_a_head_that_is_gone_is_named(town, two):
    with town.db.write() as session:
        for _ in range(3):
            audit.record(session, at=at(24), actor_id=None, action="exported")
    run(town, "DELETE FROM audit_entries WHERE seq = 1", "DELETE FROM chain_heads")
    with town.db.read() as session:
        assert audit.faults(session) == [
            "audit entry 2: does not follow entry 0", "audit chain: ends at 3, where it should end is gone"
        ]  # fmt: skip


def test_an_audit_that_is_gone_is_named_where_somebody_signed_in(town, two):
    with town.db.read() as session:
        assert audit.faults(session) == []
        assert audit.faults(session, owed=True) == ["audit chain: is empty, although people have signed in"]
