"""The side navigation of the workbench: each room registers its entries, a person sees those that are theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import flask
from sqlalchemy.orm import Session

from core.database import Database
from core.web.context import SignedInPerson, now
from core.web.parts import part

Count = Callable[[Session, Any, datetime], int | None]
GROUPS = ("", "热线", "督办", "管理")


@dataclass(frozen=True)
class NavEntry:
    """One place. `permissions`: any one is enough, none: everybody signed in. `count`: what waits there for a person.

    `late`: the count is shown in the colour of what is overdue. `others`: endpoints (or prefixes that end with *) that
    belong to this place too.
    """

    endpoint: str
    label: Any
    icon: str
    permissions: tuple[str, ...] = ()
    position: int = 100
    count: Count | None = None
    group: str = ""
    late: bool = False
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """An entry as it is shown."""

    entry: NavEntry
    url: str
    current: bool
    number: int | None


def register(app: flask.Flask, entries: Iterable[NavEntry]) -> None:
    """Add entries; a room calls it when its blueprint is registered."""
    app.extensions.setdefault("lx_navigation", []).extend(entries)


def places(person: SignedInPerson, counted: bool = True) -> list[tuple[str, list[Place]]]:
    """What a person sees, by group in order; entries whose page does not exist are absent."""
    app = flask.current_app
    entries = [
        entry
        for entry in app.extensions.get("lx_navigation", [])
        if entry.endpoint in app.view_functions and person.can_any(entry.permissions)
    ]
    entries.sort(key=lambda entry: (entry.position, entry.endpoint))
    numbers = _numbers(person, entries) if counted else {}
    groups = [*GROUPS, *(entry.group for entry in entries if entry.group not in GROUPS)]
    found = []
    for group in dict.fromkeys(groups):
        shown = [_place(entry, numbers.get(entry.endpoint)) for entry in entries if entry.group == group]
        if shown:
            found.append((group, shown))
    return found


def home_of(person: SignedInPerson) -> str:
    """The first place a person may go to, or ""."""
    for _group, shown in places(person, counted=False):
        return shown[0].url
    return ""


def _place(entry: NavEntry, number: int | None) -> Place:
    return Place(entry, flask.url_for(entry.endpoint), _is_current(entry), number)


def _is_current(entry: NavEntry) -> bool:
    here = flask.request.endpoint or ""
    return here == entry.endpoint or any(
        here.startswith(other[:-1]) if other.endswith("*") else here == other for other in entry.others
    )


def _numbers(person: SignedInPerson, entries: list[NavEntry]) -> dict[str, int | None]:
    counting = [entry for entry in entries if entry.count is not None]
    if not counting:
        return {}
    at = now()
    with part(Database).read() as session:
        return {entry.endpoint: entry.count(session, person.actor, at) for entry in counting if entry.count}
