"""Reading rows of which any may be damaged: what can't be read is DAMAGED, and the rows after it are read as always."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import Dialect, Table, type_coerce
from sqlalchemy.types import TypeEngine, UserDefinedType


class _Damaged:
    """What stands for a value that can't be read; like nothing else, and no digest can be made of it."""

    def __repr__(self) -> str:
        return "unreadable"


DAMAGED = _Damaged()


class _Leniently(UserDefinedType[Any]):
    cache_ok = False

    def __init__(self, kept: TypeEngine[Any]) -> None:
        self.kept = kept

    def get_col_spec(self, **_: Any) -> str:
        raise NotImplementedError  # for reading only

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        read = self.kept.dialect_impl(dialect).result_processor(dialect, coltype)

        def attempt(value: Any) -> Any:
            try:
                return value if read is None else read(value)
            except (ValueError, TypeError, AttributeError, RecursionError):
                return DAMAGED

        return attempt


def columns(table: Table) -> list[Any]:
    """A table's columns, to be selected so that a value which can't be read is DAMAGED."""
    return [type_coerce(column, _Leniently(column.type)).label(column.name) for column in table.c]


def digest(body: Callable[[], list[Any]]) -> str | None:
    """The SHA-256 of what a row says, as JSON; None when something in it can't be read."""
    try:
        return hashlib.sha256(json.dumps(body(), sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    except (ValueError, TypeError, AttributeError):
        return None
