"""Pages of a list: `Page` with numbers where counting is cheap, `Slice` by a key where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import flask
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.web.forms import whole

T = TypeVar("T")

SIZE = 30
MOST_PAGES = 1000


def page_number() -> int:
    """Which page the address asks for; the first when it says nothing sensible."""
    return whole(flask.request.args.get("page"), 1, MOST_PAGES) or 1


def address_with(*, to: str = "", **changes: Any) -> str:
    """The present address (or that of the endpoint `to`) with some arguments changed; None or "" removes one."""
    arguments: dict[str, Any] = {**flask.request.args.to_dict(flat=False), **changes}
    kept = {name: value for name, value in arguments.items() if value not in (None, "", [])}
    values: dict[str, Any] = {**(flask.request.view_args or {}), **kept}
    return flask.url_for(to or flask.request.endpoint or "", **values)


@dataclass(frozen=True)
class Page(Generic[T]):
    """One numbered page and how many there are. `endpoint`: where its links lead when a form's answer shows it."""

    items: Sequence[T]
    number: int
    total: int
    size: int = SIZE
    endpoint: str = ""

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.size))

    @property
    def first(self) -> int:
        """The number of the first item shown, from 1; 0 when nothing is."""
        return (self.number - 1) * self.size + 1 if self.items else 0

    @property
    def last(self) -> int:
        """The number of the last item shown."""
        return (self.number - 1) * self.size + len(self.items)

    def window(self) -> list[int | None]:
        """The page numbers to show: first, last and those around; None stands for a gap."""
        near = {1, self.pages, *range(self.number - 2, self.number + 3)}
        shown: list[int | None] = []
        for number in sorted(n for n in near if 1 <= n <= self.pages):
            if shown and shown[-1] is not None and number - shown[-1] > 1:
                shown.append(None)
            shown.append(number)
        return shown

    def url(self, number: int) -> str:
        """The present address on another page."""
        return address_with(to=self.endpoint, page=None if number == 1 else number)


@dataclass(frozen=True)
class Slice(Generic[T]):
    """Items from a key onwards. `next`: the key of the following slice, "" at the end; `after`: this one's key."""

    items: Sequence[T]
    next: str = ""
    after: str = ""

    def first_url(self) -> str:
        """The present address from the beginning."""
        return address_with(after=None)

    def next_url(self) -> str:
        """The present address from the next key on."""
        return address_with(after=self.next)


def paged(session: Session, query: Select[Any], *, number: int | None = None, size: int = SIZE) -> Page[Any]:
    """One page of an ordered query, with the total. Each row comes as `scalars` gives it."""
    at = number or page_number()
    total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    at = min(at, max(1, -(-total // size)))
    return Page(session.scalars(query.limit(size).offset((at - 1) * size)).all(), at, total, size)
