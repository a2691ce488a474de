"""The hub's parts, as views reach them: `part(Database)`, `part(Clock)` and whatever the rooms registered by type.

app.py and worker.py make the parts (wiring.py) and hand them over once; nobody else makes any.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

import flask

T = TypeVar("T")


class Parts:
    """One object of each kind."""

    def __init__(self) -> None:
        self._parts: dict[Any, Any] = {}

    def add(self, kind: Any, value: Any) -> None:
        """Register the object that stands for a type or protocol. Raises ValueError when it has one."""
        if kind in self._parts:
            raise ValueError(f"two parts of kind {kind}")
        self._parts[kind] = value

    def get(self, kind: type[T]) -> T:
        """The object of a kind. Raises KeyError when none was registered."""
        return cast(T, self._parts[kind])


def part(kind: type[T]) -> T:
    """The object of a kind in the running application."""
    parts: Parts = flask.current_app.extensions["hub"]
    return parts.get(kind)
