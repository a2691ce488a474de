"""`hub import` as a person runs it: figures in a table, the rejected file named, what is wrong said in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update

import wiring
from cases.models import Submission
from cli import hub
from core import ids
from core.config import load_settings
from core.database import Database
from organisations.models import RoleGrant
from tests.intake.past import Sayer, row, table

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a hub with the city in it."""
    folder = tmp_path_factory.mktemp("import") / "hub"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_DATA_DIR", str(folder))
        patch.setenv("HUB_ENV_FILE", "/dev/null")
        assert CliRunner().invoke(hub, ["migrate"]).exit_code == 0
        parts = wiring.build(load_settings())
        wiring.seed_demonstration(parts)
        parts.get(Database).dispose()
    return folder


@pytest.fixture
def run(seeded: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `hub import` there with the stand-in classifier."""
    monkeypatch.setenv("HUB_DATA_DIR", str(seeded))
    monkeypatch.setenv("HUB_ENV_FILE", "/dev/null")
    monkeypatch.setattr(wiring, "_load_classifier", lambda path: Sayer())
    return lambda *args: CliRunner().invoke(hub, ["import", *map(str, args)])


def source() -> str:
    """A source that no other test uses."""
    return f"s{ids.new_id()}"


def figures(result: Result) -> dict[str, int]:
    """The lines of the table."""
    assert result.exit_code == 0, result.output
    pairs = [line.rsplit("  ", 1) for line in result.stdout.splitlines() if line[-1:].isdigit() and "  " in line]
    return {words.strip(): int(count.replace(",", "")) for words, count in pairs}


def test_figures_progress_and_the_rejected_file(run: Run, tmp_path: Path) -> None:
    rows = [row(1, reply="修好了。"), row(2), row(3, time="昨天"), row(4, "局长受贿", "受贿")]
    result = run(table(tmp_path / "a.csv", rows), "--source", source())
    found = figures(result)
    assert (found["rows read"], found["taken in"], found["rejected"]) == (4, 3, 1)
    assert (found["closed with their answer"], found["possible accusations"]) == (1, 1)
    assert str(tmp_path / "a.csv.rejected.csv") in result.stdout
    assert "4/4" in result.stderr and "reindex" in result.stdout
    assert "replies released" not in found


def test_twice_is_once_and_two_people_release(run: Run, tmp_path: Path) -> None:
    path, name = table(tmp_path / "a.csv", [row(1, reply="修好了。"), row(2, reply="请拨 13812345678。")]), source()
    assert figures(run(path, "--source", name))["taken in"] == 2
    people = ("--release-as", "zhuang.xiaoli", "--confirmed-by", "pei.zhengyu")
    found = figures(run(path, "--source", name, *people))
    assert (found["taken in"], found["known from before"]) == (0, 2)
    assert (found["replies released"], found["replies kept for the release queue"]) == (1, 1)


def test_columns_by_name(run: Run, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [("2025-03-01", "路灯不亮")], ("何时", "原话"))
    assert figures(run(path, "--source", source(), "--map", "time=何时, body=原话"))["taken in"] == 1


def test_without_consent(run: Run, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", [row(1, reply="修好了。")])
    assert figures(run(path, "--source", source(), "--no-consent"))["replies proposed for publishing"] == 0


def test_nobody_agreed_until_it_is_stated(run: Run, tmp_path: Path) -> None:
    """Nothing is released of what was taken in without a word about it, until somebody states that it was public."""
    path, name = table(tmp_path / "a.csv", [row(1, reply="修好了。")]), source()
    assert "run it again with --consent" in run(path, "--source", name).stdout
    assert consents(name) == [None]
    assert "--consent" not in run(path, "--source", name, "--consent").stdout
    assert consents(name) == [True]
    other = source()
    people = ("--release-as", "zhuang.xiaoli", "--confirmed-by", "pei.zhengyu")
    result = run(path, "--source", other, *people)
    assert figures(result)["replies released"] == 1 and "were public already" in result.stdout
    assert consents(other) == [True]


def consents(source: str) -> list[bool | None]:
    """What is kept of consent for the rows of a source."""
    db = wiring.build(load_settings()).get(Database)
    with db.read() as session:
        found = list(session.scalars(select(Submission.consent_publish).where(Submission.origin == f"import:{source}")))
    db.dispose()
    return found


def test_columns_not_taken_in_are_named(run: Run, tmp_path: Path) -> None:
    header = ("时间", "内容", "回复单位", "点赞数", "")
    result = run(
        table(tmp_path / "a.csv", [("2025-03-01", "路灯不亮", "市城管局", "3", "")], header), "--source", source()
    )
    assert figures(result)["taken in"] == 1
    assert "点赞数" in result.stdout and "回复单位" not in result.stdout


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--release-as", "zhuang.xiaoli", "--confirmed-by", "pei.zhengyu", "--no-consent"], "--no-consent"),
        (["--map", "body"], "--map"),
        (["--map", "text=内容"], "no field “text”"),
        (["--map", "body=没有这列"], "no column “没有这列”"),
        (["--release-as", "zhuang.xiaoli"], "--confirmed-by"),
        (["--release-as", "zhuang.xiaoli", "--confirmed-by", "zhuang.xiaoli"], "must be two"),
        (["--release-as", "zhuang.xiaoli", "--confirmed-by", "nobody"], "nobody"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_taken_in(
    run: Run, tmp_path: Path, args: list[str], words: str
) -> None:
    path, name = table(tmp_path / "a.csv", [row(1)]), source()
    result = run(path, "--source", name, *args)
    assert result.exit_code != 0 and words in result.output and "Traceback" not in result.output
    assert "。" not in result.output and "请" not in result.output
    assert figures(run(path, "--source", name))["taken in"] == 1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"x", "Only .csv and .xlsx"),
        ("a.csv", b"", "empty"),
        ("a.csv", "甲,乙\n1,2\n".encode(), "required columns"),
        ("a.xlsx", b"PK\x03\x04broken", "a.xlsx"),
        ("a.csv", b"PK\x03\x04broken", "a.csv"),
    ],
)
def test_a_file_that_is_no_table_is_said_in_english(
    run: Run, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    result = run(tmp_path / name, "--source", source())
    said = result.stderr.split("Error:")[1]
    assert result.exit_code == 1 and words in said
    assert "。" not in said and "请" not in said


def test_nobody_to_read_accusations_is_one_line(run: Run, seeded: Path, tmp_path: Path) -> None:
    parts = wiring.build(load_settings())
    with parts.get(Database).write() as session:
        at = parts.get(wiring.Clock).now()
        session.execute(update(RoleGrant).where(RoleGrant.role == "accusation_reader").values(revoked_at=at))
    parts.get(Database).dispose()
    rows = [row(number, f"局长受贿{number}", "受贿") for number in range(3)]
    result = run(table(tmp_path / "a.csv", rows), "--source", source())
    found = figures(result)
    assert (found["possible accusations"], found["of these with nobody to read them"]) == (3, 3)
    assert result.stdout.count("accusation_reader") == 1
    assert "accusation_without_reader" not in result.output
