"""No page reads a big table from end to end: each statement of the pages opened most tells how it finds its rows."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from benchmarks.pages import HANDLER, LEADER, OFFICER
from core.database import Database
from search.service import SearchService
from tests.conftest import City

BIG = {
    "cases", "submissions", "submission_cases", "assignments", "events", "jobs", "case_clocks", "classifications",
    "published_replies", "messages", "answers", "deliveries", "notices", "parties", "contact_points", "audit_entries",
}  # fmt: skip
PAGES = [
    *((OFFICER, path) for path in ("/work/", "/work/review", "/work/cases", "/work/cases?status=closed")),
    (OFFICER, "/work/cases?status=in_progress&page=2"),
    *((HANDLER, path) for path in ("/work/", "/work/cases")),
    *((LEADER, path) for path in ("/work/", "/work/late")),
    *(("", path) for path in ("/", "/replies", "/replies?q=路灯", "/submit")),
]
_SCAN = re.compile(r"SCAN (\w+)(?! (?:USING|VIRTUAL))")


def scans_of(db: Database, sent: list[tuple[str, Any]]) -> list[str]:
    """The statements that read a big table whole, without an index."""
    found = []
    with db.engine.connect() as connection:
        for statement, parameters in sent:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            for row in plan:
                scanned = _SCAN.search(row[-1])
                if scanned and _table(statement, scanned.group(1)) in BIG:
                    found.append(f"{row[-1]}: {statement}")
    return found


def _table(statement: str, name: str) -> str:
    """The table behind an alias."""
    alias = re.search(rf"(\w+) AS {name}\b", statement)
    return alias.group(1) if alias else name


@pytest.fixture
def sent(app: Any, city: City) -> list[tuple[str, Any]]:
    """Every SELECT that the application sends from here on."""
    if not city.db.is_sqlite:
        pytest.skip("PostgreSQL reads small tables whole whatever the index")
    parts = app.extensions["hub"]
    parts.get(SearchService).ensure()
    kept: list[tuple[str, Any]] = []

    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith(("SELECT", "WITH")):
            kept.append((statement, parameters))

    event.listen(parts.get(Database).engine, "before_cursor_execute", keep)
    return kept


@pytest.mark.parametrize(("username", "address"), PAGES, ids=[f"{who or 'public'} {path}" for who, path in PAGES])
def test_no_big_table_is_read_whole(
    app: Any, client: FlaskClient, sign_in: Any, sent: list[tuple[str, Any]], username: str, address: str
) -> None:
    if username:
        sign_in(client, username)
    assert client.get(address).status_code == 200
    statements = list(sent)
    assert statements or address in ("/submit",)
    assert scans_of(app.extensions["hub"].get(Database), statements) == []


def test_a_whole_reading_is_noticed(app: Any, sent: list[tuple[str, Any]]) -> None:
    db = app.extensions["hub"].get(Database)
    assert scans_of(db, [("SELECT id FROM cases AS c WHERE c.title = ?", ("x",))]) != []
    assert scans_of(db, [("SELECT id FROM cases WHERE number = ?", ("x",))]) == []
