"""The model in use is a row: processes look every few seconds, load what changed, and keep what works."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.clock import FixedClock
from core.errors import Forbidden, Invalid
from intake.brain import Brain, activate
from tests.conftest import City


class Model:
    """Says which file it came from."""

    def __init__(self, path: Path | None) -> None:
        if path is not None and path.read_bytes() == b"broken":
            raise ValueError("broken")
        self.name = path.name if path else "shipped"

    def suggest(self, title: str, body: str) -> Any:
        return SimpleNamespace(version=self.name)

    def suggest_many(self, rows: Iterable[tuple[str, str]]) -> Iterator[Any]:
        return (self.suggest(*row) for row in rows)


def put_in_use(city: City, clock: FixedClock, file: Path, threshold: float | None = None) -> None:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    with city.db.write() as session:
        activate(session, city.actor("admin.system"), clock.now(), version=file.name, file=file, sha256=digest,
                 threshold=threshold)  # fmt: skip


def test_the_newest_row_within_seconds(city: City, clock: FixedClock, tmp_path: Path) -> None:
    brain = Brain(city.db, clock, Model)
    assert brain.think("题", "文").suggestion.version == "shipped"
    assert brain.think("题", "文").threshold is None
    file = tmp_path / "m2"
    file.write_bytes(b"weights")
    put_in_use(city, clock, file, 0.9)
    clock.advance(timedelta(seconds=4))
    assert brain.think("题", "文").suggestion.version == "shipped"
    clock.advance(timedelta(seconds=1))
    thought = brain.think("题", "文")
    assert (thought.suggestion.version, thought.threshold) == ("m2", 0.9)


def test_what_can_not_be_loaded_leaves_the_present_one(city: City, clock: FixedClock, tmp_path: Path) -> None:
    brain = Brain(city.db, clock, Model)
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(b"weights")
    bad.write_bytes(b"broken")
    put_in_use(city, clock, good)
    assert brain.think("题", "文").suggestion.version == "good"
    clock.advance(timedelta(minutes=1))
    put_in_use(city, clock, bad)
    clock.advance(timedelta(seconds=5))
    assert brain.think("题", "文").suggestion.version == "good"


def test_a_changed_file_is_not_loaded(city: City, clock: FixedClock, tmp_path: Path) -> None:
    file = tmp_path / "m3"
    file.write_bytes(b"weights")
    put_in_use(city, clock, file)
    file.write_bytes(b"other weights")
    assert Brain(city.db, clock, Model).think("题", "文").suggestion.version == "shipped"


def test_who_may_and_what(city: City, clock: FixedClock, tmp_path: Path) -> None:
    file = tmp_path / "m4"
    file.write_bytes(b"weights")
    admin, handler = city.actor("admin.system"), city.actor("huo.yan")
    known: dict[str, Any] = {"version": "m4", "file": file, "sha256": hashlib.sha256(b"weights").hexdigest()}
    with city.db.write() as session:
        with pytest.raises(Forbidden):
            activate(session, handler, clock.now(), **known)
        with pytest.raises(Invalid, match="invalid"):
            activate(session, admin, clock.now(), **(known | {"sha256": "0" * 64}))
        with pytest.raises(Invalid, match="invalid"):
            activate(session, admin, clock.now(), **known, threshold=1.5)
