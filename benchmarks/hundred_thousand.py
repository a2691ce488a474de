"""A hub's database with 100,000 cases for measuring pages: the demonstration city, more open cases, many closed ones.

Open cases go through the real operations. Closed ones are copies of the demonstration's closed cases, row by row in
every table, each under ids and numbers of its own and moved back in time; their sealed texts can't be opened, and no
measured page opens them. Published replies get generated texts.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, DateTime, Table, event, func, insert, select

import wiring
from benchmarks.search import MATTERS, PLACES, TAILS, THINGS
from cases.models import Case, PublishedReply, Submission, SubmissionCase
from core import ids, jobs
from core.clock import Clock
from core.database import Base, Database
from core.schema import bring_forward
from core.web.parts import Parts
from intake.forms import PetitionForm, take_form
from search.service import SearchService

# From parents to children.
TABLES = (
    "cases", "submissions", "submission_cases", "submission_points", "assignments", "case_clocks", "classifications",
    "decisions", "answers", "answer_submissions", "events", "parties", "ratings", "query_codes", "cards",
)  # fmt: skip
_STEP = 4 * 10**15  # between the ids of two copies of one row; a copy's ids stay below 2**63
_MOST_COPIES = 2000
_UNIQUE = {("cases", "number"), ("submissions", "number"), ("submissions", "origin_key")}
_SUBJECTS = {("case_clocks", "subject_id")}  # ids of cases, submissions or assignments without a foreign key


def fill(parts: Parts, open_cases: int) -> None:
    """The demonstration city and `open_cases` more petitions, classified and sent on as they would be."""
    db, clock = parts.get(Database), parts.get(Clock)  # type: ignore[type-abstract]
    # Filling is not what is measured, and pages only read.
    event.listen(db.engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"))
    bring_forward(db, lambda: None)
    wiring.seed_demonstration(parts)
    rng = random.Random(20_261_124)
    for number in range(open_cases):
        title = f"{rng.choice(PLACES)}{rng.choice(THINGS)}{rng.choice(MATTERS)}"
        body = "，".join([title, *rng.choices(TAILS, k=6), f"来信{number}"])
        form = PetitionForm(title, body, disclosure="named", name="王小明", phone=f"138{number:08d}")
        take_form(db, clock, (), form, ids.token())
    registry = wiring.registry(parts)
    while jobs.run_due(db, clock, registry, "jobs"):
        pass


def multiply(parts: Parts, cases: int) -> None:
    """Copies of closed cases until there are `cases` in all."""
    db = parts.get(Database)
    with db.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("PRAGMA cache_size=-1000000")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        _chosen(connection)
        closed = connection.exec_driver_sql("SELECT count(*) FROM closed_cases").scalar_one()
        there = connection.exec_driver_sql("SELECT count(*) FROM cases").scalar_one()
        copies = -(-(cases - there) // max(1, closed))
        if copies > _MOST_COPIES:
            raise ValueError(f"{closed} closed cases are too few to copy")
        connection.exec_driver_sql("CREATE TEMP TABLE copies (k INTEGER PRIMARY KEY)")
        connection.exec_driver_sql(
            f"WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < {copies}) "
            "INSERT INTO copies SELECT k FROM n"
        )
        for name in TABLES:
            _copy(connection, Base.metadata.tables[name])
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("BEGIN")


def _chosen(connection: Connection) -> None:
    connection.exec_driver_sql(
        "CREATE TEMP TABLE closed_cases AS SELECT id FROM cases WHERE stage = 'closed' AND merged_into_id IS NULL"
    )
    connection.exec_driver_sql(
        "CREATE TEMP TABLE closed_submissions AS SELECT DISTINCT submission_id AS id FROM submission_cases "
        "WHERE case_id IN (SELECT id FROM closed_cases) AND until IS NULL"
    )


def _copy(connection: Connection, table: Table) -> None:
    """Copy the rows of a table; its indexes are made again afterwards, which is many times faster than row by row."""
    kept = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL", (table.name,)
    ).all()
    kept = [row for row in kept if not row.sql.startswith("CREATE UNIQUE")]
    connection.exec_driver_sql(
        f'CREATE TEMP TABLE copied AS SELECT * FROM "{table.name}" AS t WHERE {_of(table)} ORDER BY t.id'
    )
    for row in kept:
        connection.exec_driver_sql(f'DROP INDEX "{row.name}"')
    connection.exec_driver_sql(_copying(table))
    connection.exec_driver_sql("DROP TABLE copied")
    for row in kept:
        connection.exec_driver_sql(row.sql)


def _copying(table: Table) -> str:
    columns = [column.name for column in table.columns]
    values = ", ".join(_value(table, name) for name in columns)
    listed = ", ".join(f'"{name}"' for name in columns)
    return f'INSERT INTO "{table.name}" ({listed}) SELECT {values} FROM copies CROSS JOIN copied AS t'


def _value(table: Table, name: str) -> str:
    column = table.columns[name]
    targets = {key.column.table.name for key in column.foreign_keys}
    moved = name == "id" or targets & set(TABLES) or (table.name, name) in _SUBJECTS
    if moved:
        return f't."{name}" + copies.k * {_STEP}'
    if (table.name, name) in _UNIQUE:
        return f"t.\"{name}\" || '.' || copies.k"
    if isinstance(getattr(column.type, "impl", column.type), DateTime):
        return f"strftime('%Y-%m-%d %H:%M:%f000', t.\"{name}\", '-' || (copies.k * 7) || ' hours')"
    return f't."{name}"'


def _of(table: Table) -> str:
    names = table.columns.keys()
    if table.name == "cases":
        return "t.id IN (SELECT id FROM closed_cases)"
    if table.name == "submissions":
        return "t.id IN (SELECT id FROM closed_submissions)"
    if table.name == "answer_submissions":
        return "t.submission_id IN (SELECT id FROM closed_submissions)"
    if "case_id" in names:
        return "t.case_id IN (SELECT id FROM closed_cases)"
    return "t.submission_id IN (SELECT id FROM closed_submissions)"


def publish(parts: Parts, count: int) -> None:
    """`count` published replies with generated texts, and their index."""
    db = parts.get(Database)
    with db.read() as session:
        pairs = session.execute(
            select(SubmissionCase.case_id, SubmissionCase.submission_id)
            .join(Case, Case.id == SubmissionCase.case_id)
            .join(Submission, Submission.id == SubmissionCase.submission_id)
            .where(Case.stage == "closed", Case.accusation == "no")
            .limit(1000)
        ).all()
        offices = list(session.scalars(select(Case.lead_id).where(Case.lead_id.is_not(None)).distinct()))
        classes = list(session.scalars(select(Case.level1).where(Case.level1.is_not(None)).distinct()))
        there = session.scalar(select(func.count()).select_from(PublishedReply)) or 0
    rows = _replies(random.Random(7), count - there, [tuple(pair) for pair in pairs], offices, classes)
    while batch := [row for _, row in zip(range(5000), rows, strict=False)]:
        with db.write() as session:
            session.execute(insert(PublishedReply), batch)
    parts.get(SearchService).rebuild("reply")


def _replies(
    rng: random.Random, count: int, pairs: list[tuple[int, ...]], offices: list[Any], classes: list[Any]
) -> Iterator[dict[str, Any]]:
    start = datetime(2019, 1, 1, tzinfo=UTC)
    for _ in range(count):
        thing, matter = rng.choice(THINGS), rng.choice(MATTERS)
        title = f"{rng.choice(PLACES)}{rng.randint(1, 400)}号{thing}{matter}"
        asked = start + timedelta(minutes=rng.randint(0, 4_000_000))
        case_id, submission_id = rng.choice(pairs)
        yield {
            "id": ids.new_id(), "public_id": ids.public_id(12), "case_id": case_id, "submission_id": submission_id,
            "state": "released", "title": title, "question": "，".join([title, *rng.choices(TAILS, k=6)]),
            "reply": "。".join(["您好", f"关于{thing}{matter}的问题", *rng.choices(TAILS, k=10)]), "masked_count": 0,
            "level1": rng.choice(classes), "organisation_id": rng.choice(offices), "asked_at": asked,
            "replied_at": asked + timedelta(days=3), "proposed_at": asked + timedelta(days=4),
            "published_at": asked + timedelta(days=5), "version": 1, "helped_yes": 0, "helped_no": 0,
        }  # fmt: skip
