"""The work lists find their rows by an index that holds open things only, or in the order that they are shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from cases.models import Attachment
from core.audit import AuditEntry
from core.clock import FixedClock
from core.database import Database
from organisations.people import Actor
from supervision import lateness
from tests.conftest import City
from workbench.queries import lines, listing, waiting
from workbench.queries.listing import Filters


def plan_of(db: Database, read: Callable[[Session], Any]) -> str:
    """How the database would find the rows of the last query that `read` sends."""
    sent: list[tuple[str, Any]] = []

    def keep(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        sent.append((statement, parameters))

    with db.read() as session:
        connection = session.connection()
        sqlite = connection.dialect.name == "sqlite"
        if not sqlite:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        event.listen(connection, "before_cursor_execute", keep)
        read(session)
        event.remove(connection, "before_cursor_execute", keep)
        rows = connection.exec_driver_sql(("EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN ") + sent[-1][0], sent[-1][1])
        return "\n".join(str(row[-1]) for row in rows)


def _late(session: Session, actor: Actor, at: Any) -> Any:
    return session.scalars(lateness.query_of(actor, at).limit(20)).all()


def _near(session: Session, actor: Actor, at: Any) -> Any:
    return session.scalars(lateness.query_of(actor, at, "near").limit(20)).all()


def _requests(session: Session, actor: Actor, _at: Any) -> Any:
    return session.scalars(waiting.requests_query(actor).limit(20)).all()


def _cards(session: Session, actor: Actor, at: Any) -> Any:
    return waiting.cards(session, actor, at)


def _files(session: Session, _actor: Actor, _at: Any) -> Any:
    return session.scalars(select(Attachment.id).where(Attachment.answer_id.in_([1, 2]))).all()


def _entries(session: Session, _actor: Actor, _at: Any) -> Any:
    query = select(AuditEntry).where(AuditEntry.action == "revealed").order_by(AuditEntry.seq.desc()).limit(51)
    return session.scalars(query).all()


def _due(due: str) -> Callable[..., Any]:
    def read(session: Session, actor: Actor, at: Any) -> Any:
        return session.scalars(listing.query_of(session, actor, at, Filters(due=due)).limit(20)).all()

    return read


def _clocks(session: Session, _actor: Actor, _at: Any) -> Any:
    return lines.running_clocks(session, [1, 2, 3])


@pytest.mark.parametrize(
    ("read", "index"),
    [
        (_late, "ix_case_clocks_late"),
        (_near, "ix_case_clocks_late"),
        (_requests, "ix_assignment_requests_asked"),
        (_cards, "ix_cards_at"),
        (_files, "ix_attachments_answer"),
        # Over a table as small as here PostgreSQL finds the other index of open clocks as cheap.
        (_due("late"), "ix_case_clocks_(late|open)"),
        (_due("soon"), "ix_case_clocks_(late|open)"),
        (_clocks, "ix_case_clocks_case"),
        (_entries, "ix_audit_entries_action"),
    ],
)
def test_a_list_uses_its_index(city: City, clock: FixedClock, read: Callable[..., Any], index: str) -> None:
    supervisor = city.actor("niu.guoqiang")
    assert re.search(index, plan_of(city.db, lambda session: read(session, supervisor, clock.now())))
