"""A demonstration is not made public while its accounts can sign in."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

import wiring
from cli import hub
from core import launch, marks
from core.config import Settings
from core.database import Database
from organisations.models import Account
from organisations.seed import seed_city

AT = datetime.fromisoformat("2026-11-24T10:00:00+08:00")


def test_its_accounts_are_locked_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "hub"))
    monkeypatch.setenv("HUB_ENV_FILE", "/dev/null")
    run = CliRunner().invoke
    assert run(hub, ["migrate"]).exit_code == 0
    db = Database(f"sqlite:///{tmp_path / 'hub' / 'hub.db'}")
    with db.write() as session:
        seed_city(session, AT)
        marks.put(session, wiring.DEMONSTRATION, wiring.DONE, AT)
    monkeypatch.setenv("HUB_PUBLIC_URL", "https://12345.example.cn")
    refused = run(hub, ["prepare"])
    assert (refused.exit_code, "lock-demonstration" in refused.output) == (1, True), refused.output
    assert run(hub, ["lock-demonstration"]).exit_code == 0
    with db.read() as session:
        assert session.scalar(select(Account.id).where(Account.disabled_at.is_(None))) is None
    db.dispose()
    assert run(hub, ["prepare"]).exit_code == 0


def test_no_password_is_told_with_a_public_address(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, public_url="https://12345.example.cn")
    launch.keep_accounts(settings, {"boss": "hush-hush"})
    said: list[str] = []
    launch._announce(settings, said.append)
    assert said and "hush" not in "".join(said)
