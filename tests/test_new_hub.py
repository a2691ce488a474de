"""A new hub: the demonstration whole or finished at the next start, never over what is there; the rules in any case."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from cases.models import Case, Contact, DeadlinePolicy, PolicySet, Submission
from cases.operations.submissions import NewSubmission, Reporter, submit
from cli import hub
from core import crypto
from core.config import load_settings
from core.database import Database
from intake.demo import seeding
from intake.demo.petitions import shipped
from organisations import passwords
from organisations.models import Account, Ground, OfficeHours, Term
from organisations.people import SYSTEM

AT = datetime.fromisoformat("2026-11-24T10:00:00+08:00")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command on an own empty data folder."""
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "hub"))
    monkeypatch.setenv("HUB_ENV_FILE", "/dev/null")
    return lambda *args, **more: CliRunner().invoke(hub, list(args), **more)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'hub' / 'hub.db'}")
    yield database
    database.dispose()


def count(db: Database, model: Any) -> int:
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def opens(db: Database, kept: dict[str, str], username: str) -> bool:
    with db.read() as session:
        stored = session.scalars(select(Account.password_hash).where(Account.username == username)).one()
    return passwords.matches(stored, kept[username])


@pytest.mark.parametrize("file_lost", [False, True])
def test_a_demonstration_that_broke_off_is_finished_at_the_next_start(
    run: Any, own: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_lost: bool
) -> None:
    tell, told = seeding._tell, []

    def broken(*given: Any) -> None:
        told.append(1)
        if len(told) > 40:
            raise KeyboardInterrupt
        tell(*given)

    with monkeypatch.context() as patch:
        patch.setattr(seeding, "_tell", broken)
        assert run("prepare").exit_code != 0
    assert 0 < count(own, Submission) < len(shipped())
    accounts = tmp_path / "hub" / "demo-accounts.json"
    before = json.loads(accounts.read_text())
    if file_lost:
        accounts.unlink()
    result = run("prepare")
    assert (result.exit_code, "finishing it" in result.output) == (0, True), result.output
    assert count(own, Submission) == len(shipped())
    assert count(own, Contact) >= 4
    kept = json.loads(accounts.read_text())
    assert (kept == before) is not file_lost
    assert all(opens(own, kept, username) for username in (next(iter(kept)), list(kept)[-1]))
    again = run("prepare")
    assert (again.exit_code, "demonstration city" in again.output) == (0, False)


@pytest.mark.parametrize("option", [[], ["--demo"]])
def test_the_demonstration_is_not_poured_over_petitions(
    run: Any, own: Database, tmp_path: Path, option: list[str]
) -> None:
    assert run("migrate").exit_code == 0
    crypto.use(crypto.load_keys(load_settings())[0])
    new = NewSubmission(
        origin="import", origin_key="1", channel="import", title="路灯不亮", title_masked="路灯不亮",
        body="路灯不亮三天了", body_masked="路灯不亮三天了", received_at=AT, reporter=Reporter(),
    )  # fmt: skip
    with own.write() as session:
        submit(session, SYSTEM, AT, new)
    result = run("prepare", *option)
    assert result.exit_code == 0, result.output
    assert (count(own, Submission), count(own, Case), count(own, Account)) == (1, 1, 0)
    assert "create-admin" in result.output
    assert not (tmp_path / "hub" / "demo-accounts.json").exists()


@pytest.mark.parametrize("command", ["migrate", "prepare"])
def test_rules_are_there_without_the_demonstration(
    run: Any, own: Database, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("HUB_PUBLIC_URL", "https://12345.example.cn")
    for _ in range(2):
        assert run(command).exit_code == 0
    assert run("create-admin", "boss", "--password", "a-long-way-77").exit_code == 0
    assert run("prepare").exit_code == 0
    assert count(own, PolicySet) == 2 and count(own, DeadlinePolicy) > 10
    assert count(own, Ground) > 5 and count(own, Term) > 5 and count(own, OfficeHours) == 2
