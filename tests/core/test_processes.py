"""The supervisor lives on when a child can't be started or its files can't be written."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from core.processes import Child, Supervisor


def test_a_child_that_cannot_start_is_tried_again(tmp_path: Path) -> None:
    child = Child("web", [str(tmp_path / "not there")])
    supervisor = Supervisor(tmp_path, [child])
    supervisor.start()
    assert (child.process, child.restart_at > child.started) == (None, True)
    child.command = [sys.executable, "-c", "pass"]
    supervisor._tend(child, child.restart_at)
    assert child.process is not None
    assert child.process.wait(30) == 0


def test_a_full_disk_does_not_end_the_supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    child = Child("web", [sys.executable, "-c", "pass"])
    Supervisor(tmp_path, [child]).start()
    assert child.process is not None
    assert child.process.wait(30) == 0


def test_one_that_lived_a_while_is_restarted_at_once(tmp_path: Path) -> None:
    child = Child("web", [sys.executable, "-c", "pass"], wait=6.4)
    supervisor = Supervisor(tmp_path, [child])
    supervisor.start()
    assert child.process is not None
    child.process.wait(30)
    child.started = time.monotonic() - 60
    supervisor._tend(child, time.monotonic())
    assert (child.process, child.wait) == (None, 0.4)
