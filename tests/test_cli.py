"""Commands as a person types them: what is wrong with the settings or the data is a sentence, not a trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from cli import hub
from core import rotation
from core.crypto import KeyRing, load_keys, use
from core.database import Database
from core.processes import Lock
from organisations.models import Account, RoleGrant


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command on an own empty data folder."""
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "hub"))
    monkeypatch.setenv("HUB_ENV_FILE", "/dev/null")
    return lambda *args, **more: CliRunner().invoke(hub, list(args), **more)


def test_every_command_says_what_it_does() -> None:
    for name, command in hub.commands.items():
        assert command.get_short_help_str(), name
        assert CliRunner().invoke(hub, [name, "--help"]).exit_code == 0


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [("HUB_PORT", "many", "HUB_PORT"), ("HUB_CHANNELS", "pigeon", "pigeon"), ("HUB_CHANNELS", "sms", "HUB_TWILIO"),
     ("HUB_PUBLIC_URL", "12345", "HUB_PUBLIC_URL"), ("HUB_MEDIA_URL", "s3://x", "HUB_MEDIA_URL")],
)  # fmt: skip
def test_a_wrong_setting_is_named(run: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: str, word: str) -> None:
    monkeypatch.setenv(name, value)
    result = run("migrate")
    assert result.exit_code == 1
    assert word in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("HUB_PUBLIC_ULR", "HUB_PUBLIC_ULR is no setting; did you mean HUB_PUBLIC_URL?"),
        ("HUB_DATABASE", "HUB_DATABASE is no setting; did you mean HUB_DATABASE_URL?"),
        ("hub_porrt", "HUB_PORRT is no setting; did you mean HUB_PORT?"),
        ("HUB_XQZ", "HUB_XQZ is no setting; docs/settings.md lists them."),
    ],
)
@pytest.mark.parametrize("in_file", [False, True])
def test_an_unknown_setting_stops_the_start(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, sentence: str, in_file: bool
) -> None:
    if in_file:
        (tmp_path / "lianxin.env").write_text(f"HUB_LOG_LEVEL=ERROR\nOTHER=1\n{name}=x\n", encoding="utf-8")
        monkeypatch.setenv("HUB_ENV_FILE", str(tmp_path / "lianxin.env"))
    else:
        monkeypatch.setenv(name, "x")
    result = run("up")
    assert (result.exit_code, result.output) == (1, f"Error: {sentence}\n")
    assert not (tmp_path / "hub").exists()


def test_what_the_suite_and_the_env_file_are_told_is_no_unknown_setting(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lianxin.env").write_text("HUB_LOG_LEVEL=ERROR\n", encoding="utf-8")
    monkeypatch.setenv("HUB_ENV_FILE", str(tmp_path / "lianxin.env"))
    monkeypatch.setenv("HUB_TEST_WORKERS", "2")
    assert run("migrate").exit_code == 0


def test_an_env_file_that_is_named_has_to_be_there(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_ENV_FILE", str(tmp_path / "lianxin.evn"))
    result = run("migrate")
    assert (result.exit_code, "lianxin.evn" in result.output) == (1, True)


@pytest.mark.parametrize("command", ["evaluate", "train"])
def test_without_labelled_files_one_sentence_says_so(run: Any, tmp_path: Path, command: str) -> None:
    result = run(command, "--data", str(tmp_path))
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit)
    assert "categories_train.csv" in result.output and "--data" in result.output


def test_a_default_secret_with_a_public_address_is_refused(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_PUBLIC_URL", "https://12345.example.cn")
    monkeypatch.setenv("HUB_SECRET_KEY", "change-me")
    result = run("migrate")
    assert result.exit_code == 1
    assert "HUB_SECRET_KEY" in result.output


def test_a_database_that_was_never_made_is_no_trace(run: Any) -> None:
    result = run("verify-history")
    assert result.exit_code == 1
    assert "hub migrate" in result.output


def test_an_administrator_is_made_and_must_change_the_password(run: Any, tmp_path: Path) -> None:
    assert run("migrate").exit_code == 0
    result = run("create-admin", "boss", "--role", "system_admin", "--password", "a-long-way-77")
    assert result.exit_code == 0, result.output
    with Database(f"sqlite:///{tmp_path / 'hub' / 'hub.db'}").read() as session:
        account = session.scalars(select(Account).where(Account.username == "boss")).one()
        assert account.must_change_password
        assert session.scalars(select(RoleGrant.role)).one() == "system_admin"
    assert "密码" in run("create-admin", "other", "--password", "short").output


def test_keys_are_rotated_and_old_rows_stay_readable(city: Any, settings: Any, keys: KeyRing) -> None:
    from channels.inbox import Delivery

    with city.db.write() as session:
        row = Delivery(channel="sms", key="k", kind="text", received_at=session.scalar(select(Account.created_at)))
        row.state, row.attempts, row.raw = "done", 1, "说过的话"
        session.add(row)
    fresh = KeyRing((("k2", b"3" * 32), *keys.field_keys), keys.index_key)
    use(fresh)
    assert rotation.reseal(city.db, fresh) == 1
    assert rotation.reseal(city.db, fresh) == 0
    use(KeyRing(fresh.field_keys[:1], keys.index_key))
    with city.db.read() as session:
        assert session.scalars(select(Delivery)).one().raw == "说过的话"


def test_a_new_key_stands_before_the_others(tmp_path: Path) -> None:
    from core.config import load_settings

    settings = load_settings(data_dir=tmp_path, field_keys="")
    before, _ = load_keys(settings)
    rotation.add_key(settings)
    after, _ = load_keys(settings)
    assert after.field_keys[1:] == before.field_keys
    assert json.loads((tmp_path / "keys.json").read_text())["index_key"]


def test_replaying_what_was_never_stored_is_no_trace(run: Any) -> None:
    run("migrate")
    result = run("replay", "12345")
    assert result.exit_code == 1
    assert "12345" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("option", [[], ["--again"], ["--drop", "k1"]])
def test_keys_are_left_alone_while_a_hub_runs(run: Any, tmp_path: Path, option: list[str]) -> None:
    run("migrate")
    before = (tmp_path / "hub" / "keys.json").read_bytes()
    lock = Lock(tmp_path / "hub" / "run" / "hub.lock")
    try:
        result = run("rotate-keys", *option)
    finally:
        lock.release()
    assert result.exit_code == 1
    assert "Stop the hub first" in result.output
    assert (tmp_path / "hub" / "keys.json").read_bytes() == before
    assert run("rotate-keys").exit_code == 0
