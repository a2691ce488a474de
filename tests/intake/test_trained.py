"""A trained model is looked through before it is put in use, and then classifies what is new."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

import wiring
from cases.models import Classification, Event
from cases.operations import submissions
from cases.operations.submissions import NewSubmission, Reporter
from classifier.model import SHIPPED, Classifier
from classifier.parts import Parts, to_arrays
from classifier.store import save
from classifier.taxonomy import taxonomy_of
from cli import hub
from core.audit import AuditEntry
from core.clock import FixedClock
from core.config import Settings
from core.errors import Forbidden, Invalid
from intake import diversion, trained
from intake.brain import LOOK_EVERY, Brain
from intake.models import ActiveModel
from intake.text import prepare
from organisations.people import CITIZEN, SYSTEM
from tests.conftest import City


@pytest.fixture(scope="module")
def parts() -> Parts:
    """The shipped model's parts, to be altered."""
    return Classifier.load().parts


@pytest.fixture
def other(parts: Parts, tmp_path: Path) -> Path:
    """A model that is like the shipped one and yet another."""
    file = tmp_path / "other.npz"
    save(file, *to_arrays(replace(parts, settings=replace(parts.settings, auto_fifteen=0.123))))
    return file


def rows(city: City) -> list[ActiveModel]:
    with city.db.read() as session:
        return list(session.scalars(select(ActiveModel).order_by(ActiveModel.id)))


def classified(city: City, clock: FixedClock, brain: Brain, key: str) -> str:
    """The version that a new case is classified by."""
    text = prepare("路灯不亮", f"小区门口的路灯坏了三天，晚上看不见路，编号 {key}")
    new = NewSubmission(
        origin="web", origin_key=key, channel="web", title=text.title, body=text.body, title_masked=text.title_masked,
        body_masked=text.body_masked, received_at=clock.now(), reporter=Reporter(openid="o1"),
    )  # fmt: skip
    with city.db.write() as session:
        case_id = submissions.submit(session, CITIZEN, clock.now(), new).case.id
        event_id = session.scalars(select(Event.id).where(Event.case_id == case_id, Event.kind == "submitted")).one()
    diversion.classify(city.db, clock, brain, case_id, event_id)
    with city.db.read() as session:
        return session.scalars(select(Classification.model_version).where(Classification.case_id == case_id)).one()


def test_what_is_put_in_use_classifies_the_next_case(
    city: City, clock: FixedClock, settings: Settings, other: Path
) -> None:
    brain, shipped = Brain(city.db, clock, Classifier.load), Classifier.load().version
    assert classified(city, clock, brain, "k1") == shipped
    row = trained.use(city.db, settings.data_dir, SYSTEM, clock.now(), other, threshold=0.9)
    other.write_bytes(b"written over by the next training")
    clock.advance(LOOK_EVERY)
    assert row.version != shipped
    assert classified(city, clock, brain, "k2") == row.version
    assert brain.think("路灯", "路灯不亮").threshold == 0.9
    kept = Path(row.file)
    assert (kept.parent, kept.name) == (settings.data_dir.absolute() / "models", f"{row.version}.npz")
    with city.db.read() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "model_put_in_use")).one()
    assert (entry.subject, entry.subject_id) == ("model", row.id)


def test_the_way_back_to_an_earlier_one(city: City, clock: FixedClock, settings: Settings, other: Path) -> None:
    brain = Brain(city.db, clock, Classifier.load)
    first = trained.use(city.db, settings.data_dir, SYSTEM, clock.now(), other)
    clock.advance(LOOK_EVERY)
    second = trained.use(city.db, settings.data_dir, SYSTEM, clock.now(), SHIPPED)
    assert classified(city, clock, brain, "k1") == second.version
    clock.advance(LOOK_EVERY)
    trained.use(city.db, settings.data_dir, SYSTEM, clock.now(), Path(first.file), threshold=0.5)
    assert classified(city, clock, brain, "k2") == first.version
    assert [row.version for row in trained.past(city.db)] == [first.version, second.version]
    clock.advance(LOOK_EVERY)
    trained.use(city.db, settings.data_dir, SYSTEM, clock.now(), Path(first.file), threshold=0.7)
    clock.advance(LOOK_EVERY)
    assert brain.think("路灯", "路灯不亮").threshold == 0.7


def test_categories_that_the_hub_does_not_know(
    city: City, clock: FixedClock, settings: Settings, parts: Parts, tmp_path: Path
) -> None:
    file = tmp_path / "strange.npz"
    strange = taxonomy_of((*parts.taxonomy.paths[:-1], (*parts.taxonomy.paths[-1][:2], "火星来客")))
    save(file, *to_arrays(replace(parts, taxonomy=strange)))
    with pytest.raises(Invalid) as refused:
        trained.use(city.db, settings.data_dir, SYSTEM, clock.now(), file)
    assert "火星来客" in refused.value.fields["file"] and "1 个分类" in refused.value.fields["file"]
    assert rows(city) == []
    assert not (settings.data_dir / "models").exists()


def test_who_may(city: City, clock: FixedClock, settings: Settings, other: Path) -> None:
    with pytest.raises(Forbidden):
        trained.use(city.db, settings.data_dir, city.actor("huo.yan"), clock.now(), other)
    assert rows(city) == []


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "hub"))
    monkeypatch.setenv("HUB_ENV_FILE", "/dev/null")
    assert CliRunner().invoke(hub, ["migrate"]).exit_code == 0
    return lambda *args: CliRunner().invoke(hub, ["model", *map(str, args)])


def test_the_command_says_what_is_in_use(run: Any, other: Path, tmp_path: Path) -> None:
    assert run("list").output.startswith(f"in use  {Classifier.load().version}  shipped")
    used = run("use", other)
    version = used.output.removeprefix("In use: ").strip().rstrip(".")
    assert (used.exit_code, used.output) == (0, f"In use: {version}.\n")
    first, last = run("list").output.splitlines()
    assert first.startswith(f"in use  {version}  since ") and first.endswith(f"{version}.npz")
    assert last.startswith("earlier ")
    parts = wiring.build(Settings(data_dir=tmp_path / "hub"))
    assert parts.get(Brain).think("路灯", "路灯不亮").suggestion.version == version


@pytest.mark.parametrize("damage", [b"x", b""])
def test_a_damaged_file_is_refused_in_a_sentence(run: Any, other: Path, damage: bytes) -> None:
    other.write_bytes(other.read_bytes()[:-1] + damage)
    result = run("use", other)
    assert (result.exit_code, "Traceback" in result.output, "other.npz" in result.output) == (1, False, True)
    assert run("list").output.startswith(f"in use  {Classifier.load().version}  shipped")
