"""Short changes that wait for SQLite's one writer at the same moment, committed together.

A commit costs about as much as the statements before it, and only one can happen at a time. So whoever comes while a
commit is under way waits, and one of those who wait then does the work of all of them in one transaction.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from core.database import Database

T = TypeVar("T")
MOST = 32  # changes in one transaction


class NotTogether(Exception):
    """A change that shared a transaction failed, so nothing of this one is kept either: do it again, by itself."""


class _Change:
    """One change that waits, until it has been done by another's thread or is woken to lead."""

    def __init__(self, act: Callable[[Session], Any]) -> None:
        self.act = act
        self.context = contextvars.copy_context()  # of its own request: its language, its log lines
        self.woken = threading.Event()
        self.ended = False
        self.result: Any = None
        self.error: BaseException | None = None


class Together:
    """Commits what concurrent threads of this process change together. On another database than SQLite, each alone."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._guard = threading.Lock()
        self._waiting: list[_Change] = []
        self._led = False

    def write(self, act: Callable[[Session], T]) -> T:
        """What `act` gives, once committed. It gets a write session that others have used or will use: what it loads
        does not stay in it, and it never commits.

        Raises what `act` or the commit raised, or NotTogether when it was not alone; nothing of it is kept then.
        """
        if not self._db.is_sqlite:
            with self._db.write() as session:
                return act(session)
        mine = _Change(act)
        with self._guard:
            self._waiting.append(mine)
            waits, self._led = self._led, True
        if waits:
            mine.woken.wait()
        if not mine.ended:
            self._lead()
        if mine.error is not None:
            raise mine.error
        result: T = mine.result
        return result

    def _lead(self) -> None:
        """Do all that waits, this thread's own change among it; then wake whose they are, and who leads next."""
        group: list[_Change] = []
        try:
            with self._db.write() as session:
                group = self._take()
                for change in group:
                    change.result = change.context.run(change.act, session)
                    session.flush()
                    session.expunge_all()
        except BaseException as error:
            group = group or self._take()
            for change in group:
                change.error = error if len(group) == 1 else NotTogether()
        finally:
            with self._guard:
                following = self._waiting[:1]
                self._led = bool(following)
            for change in group:
                change.ended = True
            for change in (*group, *following):
                change.woken.set()

    def _take(self) -> list[_Change]:
        with self._guard:
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        return group
