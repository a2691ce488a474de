"""Changes committed together: one transaction for all who wait, each with its own result; one fails, none is kept."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from core import jobs
from core.clock import FixedClock
from core.database import Database, after_commit
from core.together import MOST, NotTogether, Together

_name: contextvars.ContextVar[str] = contextvars.ContextVar("name")


@pytest.fixture
def together(db: Database) -> Together:
    return Together(db)


@pytest.fixture
def commits(db: Database) -> Iterator[list[int]]:
    """Grows by one with each commit."""
    seen: list[int] = []

    def committed(_connection: object) -> None:
        seen.append(1)

    event.listen(db.engine, "commit", committed)
    yield seen
    event.remove(db.engine, "commit", committed)


def job(key: str, clock: FixedClock) -> jobs.Job:
    return jobs.Job(queue="jobs", name="n", key=key, payload={}, state="waiting", attempts=0, due=clock.now(),
                    created_at=clock.now())  # fmt: skip


def keys(db: Database) -> list[str]:
    with db.read() as session:
        return sorted(session.scalars(select(jobs.Job.key)))


def at_once(db: Database, together: Together, acts: list[Callable[[Session], str]]) -> list[str]:
    """What each act gave, or the name of what it raised, when all came while another change was under way."""
    came: list[str] = [""] * len(acts)

    def come(place: int) -> None:
        _name.set(f"name {place}")
        try:
            came[place] = together.write(acts[place])
        except Exception as error:
            came[place] = type(error).__name__

    threads = [threading.Thread(target=come, args=(place,)) for place in range(len(acts))]
    with db.write():
        for thread in threads:
            thread.start()
        until = time.monotonic() + 10
        while db.is_sqlite and len(together._waiting) < len(acts) and time.monotonic() < until:
            time.sleep(0.001)
    for thread in threads:
        thread.join(20)
    return came


def test_who_waits_is_written_in_one_commit(
    db: Database, together: Together, clock: FixedClock, commits: list[int]
) -> None:
    def storing(key: str) -> Callable[[Session], str]:
        def act(session: Session) -> str:
            session.add(job(key, clock))
            return f"{key} by {_name.get()}"

        return act

    came = at_once(db, together, [storing(f"k{place}") for place in range(6)])
    assert came == [f"k{place} by name {place}" for place in range(6)]
    assert keys(db) == [f"k{place}" for place in range(6)]
    if db.is_sqlite:
        assert len(commits) == 1


def test_more_than_fit_are_written_in_turn(
    db: Database, together: Together, clock: FixedClock, commits: list[int]
) -> None:
    def storing(key: str) -> Callable[[Session], str]:
        return lambda session: session.add(job(key, clock)) or key

    names = [f"k{place:03}" for place in range(2 * MOST + 1)]
    assert at_once(db, together, [storing(name) for name in names]) == names
    assert keys(db) == names
    if db.is_sqlite:
        assert len(commits) == 3


def test_one_that_fails_keeps_none_of_them_and_says_so(db: Database, together: Together, clock: FixedClock) -> None:
    def good(key: str) -> Callable[[Session], str]:
        return lambda session: session.add(job(key, clock)) or key

    def bad(session: Session) -> str:
        session.add(job("bad", clock))
        raise ValueError

    came = at_once(db, together, [good("a"), bad, good("b")])
    if db.is_sqlite:
        assert (came, keys(db)) == ([NotTogether.__name__] * 3, [])
    else:
        assert (came, keys(db)) == (["a", "ValueError", "b"], ["a", "b"])


def test_one_by_itself_raises_what_it_met(db: Database, together: Together, clock: FixedClock) -> None:
    def bad(session: Session) -> str:
        session.add(job("bad", clock))
        raise ValueError

    with pytest.raises(ValueError):
        together.write(bad)
    assert (keys(db), together.write(lambda session: "next")) == ([], "next")


def test_the_next_finds_nothing_of_the_one_before_in_its_session(
    db: Database, together: Together, clock: FixedClock
) -> None:
    rows: list[jobs.Job] = []  # a session forgets what nobody else holds

    def storing(session: Session) -> str:
        held = len(list(session))
        rows.append(job(_name.get(), clock))
        session.add(rows[-1])
        return str(held)

    assert at_once(db, together, [storing] * 4) == ["0"] * 4


def test_what_follows_the_commit_happens_after_it(db: Database, together: Together, clock: FixedClock) -> None:
    seen: list[list[str]] = []

    def act(session: Session) -> str:
        session.add(job("one", clock))
        after_commit(session, "look", lambda: seen.append(keys(db)))
        return ""

    together.write(act)
    assert seen == [["one"]]


def test_a_database_that_refuses_is_told_to_the_one_who_asked(together: Together) -> None:
    def act(session: Session) -> str:
        session.connection().exec_driver_sql("INSERT INTO no_such_table VALUES (1)")
        return ""

    with pytest.raises(Exception, match="no_such_table"):
        together.write(act)
