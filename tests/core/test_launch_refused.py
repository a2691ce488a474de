"""`hub up` that can't go on says why in a sentence, before anything is made or told."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import launch
from core.config import Settings, SettingsError


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Launch with processes that are only named; gives what would have been started."""
    started: list[str] = []

    def prepare(command: list[str], **_more: object) -> subprocess.CompletedProcess[str]:
        started.append("prepare")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", prepare)
    monkeypatch.setattr(launch, "_supervise", lambda *_: started.append("supervise") or 0)
    launch.launch(settings, ["prepare"], print)
    return started


def test_a_port_that_is_taken_is_said(tmp_path: Path, taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=f"Port {taken} is taken.*HUB_PORT"):
        run(Settings(data_dir=tmp_path / "hub", port=taken), monkeypatch)


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host", "a..b"])
def test_an_impossible_host_is_said(tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    with pytest.raises(SettingsError, match=f"HUB_HOST: {host} is no address"):
        run(Settings(data_dir=tmp_path / "hub", host=host, port=free_port), monkeypatch)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_a_free_address_is_used(tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    settings = Settings(data_dir=tmp_path / "hub", host=host, port=free_port)
    assert run(settings, monkeypatch) == ["prepare", "supervise"]
