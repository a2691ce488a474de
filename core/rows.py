"""Rows written as they are, by statements made once: for the few paths where each message counts.

SQLAlchemy's unit of work costs several times as much as the statement that comes of it, and its own way of running a
statement twice as much as handing the driver a text that is ready.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import CursorResult, Dialect, TextClause, bindparam, inspect, text
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from core.database import Base

Step = Callable[[Any], Any]


class _Ready(NamedTuple):
    """A statement in a driver's own words: its text, and each parameter's name with what is done to its value."""

    text: str
    steps: tuple[tuple[str, Step | None], ...]
    positional: bool

    def parameters(self, values: Mapping[str, Any]) -> Any:
        given = [values[name] if step is None else step(values[name]) for name, step in self.steps]
        return tuple(given) if self.positional else dict(zip([name for name, _ in self.steps], given, strict=True))


def run(session: Session, statement: TextClause, values: Mapping[str, Any]) -> CursorResult[Any]:
    """Execute a statement that is made once (kept in a constant or a cache); its types are those of its bindparams."""
    connection = session.connection()
    ready = _ready(statement, connection.dialect)
    return connection.exec_driver_sql(ready.text, ready.parameters(values))


def insert_new(session: Session, model: type[Base], values: Mapping[str, Any]) -> bool:
    """Insert one row, every column of it in `values`, unless a unique key of it is taken; gives whether it is new."""
    return run(session, _insert_new(model, tuple(values)), values).rowcount == 1


def store_new(session: Session, row: Base) -> bool:
    """Store a row that is in no session yet, unless a unique key of it is taken; gives whether it is new.

    A new one then stands in the session as a stored row, without being read back. No default is filled in.
    """
    if not insert_row(session, row):
        return False
    for name in _columns(type(row)):
        set_committed_value(row, name, row.__dict__.get(name))
    make_transient_to_detached(row)
    session.add(row)
    return True


def insert_row(session: Session, row: Base) -> bool:
    """As `store_new`, but the row stays in no session: for what this transaction only writes. `change_row` changes it
    again."""
    return insert_new(session, type(row), {name: row.__dict__.get(name) for name in _columns(type(row))})


def change_row(session: Session, row: Base, names: tuple[str, ...]) -> None:
    """Write these columns of a row that `insert_row` stored and that stands in no session."""
    values = {name: row.__dict__.get(name) for name in names}
    run(session, _change(type(row), names), values | {"row_id": row.id})


@lru_cache(maxsize=200)
def _ready(statement: TextClause, dialect: Dialect) -> _Ready:
    compiled = statement.compile(dialect=dialect)
    order = compiled.positiontup
    steps = [
        (name, compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect))
        for name in order or compiled.binds
    ]
    return _Ready(str(compiled), tuple(steps), order is not None)


@lru_cache(maxsize=200)
def _columns(model: type[Base]) -> tuple[str, ...]:
    return tuple(attribute.key for attribute in inspect(model).column_attrs)


@lru_cache(maxsize=200)
def _change(model: type[Base], names: tuple[str, ...]) -> TextClause:
    columns = model.__table__.c
    given = ", ".join(f'"{name}" = :{name}' for name in names)
    statement = f'UPDATE "{model.__tablename__}" SET {given} WHERE id = :row_id'  # noqa: S608
    return text(statement).bindparams(
        bindparam("row_id", type_=columns["id"].type), *(bindparam(name, type_=columns[name].type) for name in names)
    )


@lru_cache(maxsize=200)
def _insert_new(model: type[Base], names: tuple[str, ...]) -> TextClause:
    columns = model.__table__.c
    listed = ", ".join(f'"{name}"' for name in names)
    given = ", ".join(f":{name}" for name in names)
    statement = f'INSERT INTO "{model.__tablename__}" ({listed}) VALUES ({given}) ON CONFLICT DO NOTHING'  # noqa: S608
    return text(statement).bindparams(*(bindparam(name, type_=columns[name].type) for name in names))
