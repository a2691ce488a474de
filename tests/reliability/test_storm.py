"""The storm, small and with a fixed seed: 15 kills, both folders deleted, the disk full once where it can be."""

from __future__ import annotations

import io
import os

import pytest

from benchmarks.storm import run


@pytest.mark.slow
def test_nothing_is_lost_in_a_small_storm(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("HUB_") and not name.startswith("HUB_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HUB_ENV_FILE", os.devnull)
    out = io.StringIO()
    storm = run(out, kills=15, seed=15, minutes=3, pause=0.3)
    table = out.getvalue()
    assert storm.count.lost == storm.count.doubled == storm.count.steps_lost == 0, table
    assert storm.faults == [], table
    assert storm.count.accepted == storm.count.stored > 0
    assert sum(storm.tally.kills.values()) == 15
    assert storm.tally.deletions["broker folder"] == storm.tally.deletions["search index"] == 1
