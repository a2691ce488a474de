"""Finding the area that a text speaks of, by the tree's names and aliases."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import select
from sqlalchemy.orm import Session

from organisations.models import Area, AreaAlias

_SHORTEST = 2
_FRESH = timedelta(seconds=30)  # how long a process may go on with the names it read


@dataclass(frozen=True)
class _Hit:
    area_id: int
    length: int
    at: int


class PlaceIndex:
    """Every name of every active area, read once; `find` needs no database."""

    def __init__(self, paths: Iterable[tuple[int, str]], names: Iterable[tuple[str, int]]) -> None:
        self._chains = {area_id: tuple(int(part) for part in path.split("/") if part) for area_id, path in paths}
        self._areas: dict[str, list[int]] = {}
        for name, area_id in names:
            if len(name) >= _SHORTEST and area_id in self._chains:
                self._areas.setdefault(name, []).append(area_id)
        longest_first = sorted(self._areas, key=lambda name: (-len(name), name))
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def find(self, text: str) -> int | None:
        """The area that a normalised text names: the longest names count, the most specific area is taken.

        Of several areas that don't contain one another, the one with most of its superiors named; then the deepest, the
        one with the longest name, the first. None when no name stands in the text.
        """
        hits = list(self._hits(text))
        named = {hit.area_id for hit in hits}
        best = max(hits, key=lambda hit: self._rank(hit, named), default=None)
        return best.area_id if best else None

    def _hits(self, text: str) -> Iterable[_Hit]:
        for match in self._pattern.finditer(text) if self._pattern else ():
            for area_id in self._areas[match[0]]:
                yield _Hit(area_id, len(match[0]), match.start())

    def _rank(self, hit: _Hit, named: set[int]) -> tuple[int, int, int, int]:
        chain = self._chains[hit.area_id]
        return len(named.intersection(chain)), len(chain), hit.length, -hit.at


def load_index(session: Session) -> PlaceIndex:
    """An index of the active areas as they are now."""
    areas = session.execute(select(Area.id, Area.path, Area.name).where(Area.active)).all()
    aliases = session.execute(select(AreaAlias.name, AreaAlias.area_id)).tuples().all()
    return PlaceIndex(((row.id, row.path) for row in areas), [*((row.name, row.id) for row in areas), *aliases])


# By connection pool, which all sessions of one database share and which ends with it.
_indexes: WeakKeyDictionary[Any, tuple[datetime, PlaceIndex]] = WeakKeyDictionary()


def index_of(session: Session, at: datetime) -> PlaceIndex:
    """The index of this database, read again when it is older than half a minute; fit for a write session."""
    pool: Any = session.get_bind().engine.pool
    kept = _indexes.get(pool)
    if kept is None or not kept[0] <= at < kept[0] + _FRESH:
        kept = _indexes[pool] = (at, load_index(session))
    return kept[1]


def find_area(source: Session | PlaceIndex, text: str) -> int | None:
    """The area that a normalised text names, by a session or by an index made before; None when it names none."""
    return (source if isinstance(source, PlaceIndex) else load_index(source)).find(text)
