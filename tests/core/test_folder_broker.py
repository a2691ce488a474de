"""The folder of messages: a message cut short ends nobody, and nobody sees one before it is whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from structlog.testing import capture_logs

from core import broker
from core.config import Settings


@pytest.fixture
def folder(settings: Settings) -> Path:
    return settings.data_dir / "broker"


@pytest.fixture
def channel(settings: Settings) -> Iterator[Any]:
    with broker.make_celery(settings).connection_for_read() as connection:
        yield connection.default_channel


@pytest.mark.parametrize("written", ["", '{"body": "WyJqb2', "\udcff"])
def test_a_message_cut_short_is_passed_over(channel: Any, folder: Path, written: str) -> None:
    (folder / "1_a.jobs.msg").write_bytes(written.encode("utf-8", "surrogateescape"))
    with capture_logs() as logged, pytest.raises(Empty):
        channel._get("jobs")
    assert [entry["event"] for entry in logged] == ["message_unreadable"]
    assert list(folder.glob("*.msg")) == []
    channel._put("jobs", {"body": "look"})
    assert channel._get("jobs") == {"body": "look"}


def test_a_message_is_whole_as_soon_as_it_is_seen(
    channel: Any, folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    real = os.replace

    def replace(source: Path, target: Path) -> None:
        seen.append([path.name for path in folder.iterdir() if ".jobs.msg" in path.name])
        assert Path(source).read_text().endswith("}")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    broker.publish_look(broker.make_celery(settings), settings, "jobs")
    assert seen == [[]]
    assert [path.suffix for path in folder.iterdir() if path.is_file()] == [".msg"]
    assert channel._get("jobs")["headers"]["task"] == "look"


def test_a_folder_that_cannot_be_written_is_told_the_publisher(channel: Any, folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(Exception, match="cannot write a message"):
        channel._put("jobs", {})


def test_a_damaged_binding_is_made_again(channel: Any, folder: Path) -> None:
    channel._queue_bind("jobs", "jobs", "", "jobs")
    (path,) = (folder / "control").glob("*.exchange")
    path.write_text("[[")
    channel._queue_bind("jobs", "jobs", "", "jobs")
    assert [row.queue for row in channel.get_table("jobs")] == ["jobs"]
