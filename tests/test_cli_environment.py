"""Commands where the environment is not as it should be: one sentence that names the setting; files for one user."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli import hub


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Runs a command on an own empty data folder, as a user whose files everybody may read."""
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "hub"))
    monkeypatch.setenv("HUB_ENV_FILE", "/dev/null")
    before = os.umask(0o022)
    yield lambda *args, **more: CliRunner().invoke(hub, list(args), **more)
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_commands_make_is_for_their_own_user(run: Any, tmp_path: Path) -> None:
    result = run("migrate")
    assert result.exit_code == 0
    assert str(tmp_path / "hub") in result.output
    assert (mode(tmp_path / "hub"), mode(tmp_path / "hub" / "hub.db")) == (0o700, 0o600)
    assert os.umask(0o022) == 0o022


def test_rejected_rows_are_for_the_one_who_imports(run: Any, tmp_path: Path) -> None:
    run("migrate")
    rows = tmp_path / "rows.csv"
    rows.write_text("编号,时间,标题,内容\n1,昨天,路灯,不亮\n", encoding="utf-8")
    result = run("import", str(rows), "--map", "id=编号,time=时间,title=标题,body=内容")
    assert result.exit_code == 0, result.output
    assert mode(tmp_path / "rows.csv.rejected.csv") == 0o600


@pytest.mark.parametrize(
    "command", [["verify-history"], ["backup", "copy"], ["reindex"], ["rotate-keys"], ["replay", "1"]]
)
def test_where_there_is_no_database_none_is_made(run: Any, tmp_path: Path, command: list[str]) -> None:
    result = run(*command)
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit)
    assert str(tmp_path / "hub") in result.output and "HUB_DATA_DIR" in result.output
    assert not (tmp_path / "hub").exists()


UNREACHABLE = "postgresql+psycopg://somebody:hush-hush@127.0.0.1:9/hub"


@pytest.mark.parametrize("url", [UNREACHABLE, "postgresql+psycopg://somebody:hush-hush@127.0.0.1:x9/hub"])
@pytest.mark.parametrize(
    "command", [["migrate"], ["prepare"], ["verify-history"], ["create-admin", "a", "--password", "p"]]
)
def test_a_database_out_of_reach_is_said(
    run: Any, monkeypatch: pytest.MonkeyPatch, url: str, command: list[str]
) -> None:
    monkeypatch.setenv("HUB_DATABASE_URL", url)
    result = run(*command)
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit), result.exception
    assert "HUB_DATABASE_URL" in result.output
    assert "hush" not in result.output and len(result.output.splitlines()) == 1


@pytest.mark.parametrize("command", [["migrate"], ["prepare"], ["up"]])
@pytest.mark.parametrize("under", [False, True])
def test_a_data_folder_that_is_a_file_is_said(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], under: bool
) -> None:
    (tmp_path / "plain").write_text("")
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "plain" / "hub" if under else tmp_path / "plain"))
    result = run(*command)
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit), result.exception
    assert "HUB_DATA_DIR" in result.output


def test_a_file_that_is_no_database_is_said(run: Any, tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "hub.db").write_text("these are the notes of a meeting, and no database at all" * 30)
    result = run("migrate")
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit), result.exception
    assert "hub.db" in result.output


@pytest.mark.parametrize("secret", ["short", "x" * 31, "x" * 64])
def test_a_weak_secret_is_refused_everywhere(run: Any, monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    monkeypatch.setenv("HUB_SECRET_KEY", secret)
    result = run("migrate")
    assert (result.exit_code, "HUB_SECRET_KEY" in result.output) == (1, True)
    assert secret not in result.output
