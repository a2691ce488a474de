"""What only the folder-based engine can meet: deleted folders, killed writers, damaged pointers."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from search.engine import IndexLost, Page, SearchUnavailable, Terms
from search.tantivy_engine import TantivyEngine
from tests.search.conftest import REPLIES

FIND = Terms({"公积金": 1.0})


@pytest.fixture
def home(tmp_path: Path) -> TantivyEngine:
    made = TantivyEngine(tmp_path)
    made.replies.rebuild(d.indexed() for d in REPLIES)
    return made


def test_a_deleted_folder_is_index_lost_while_readers_go_on_and_a_rebuild_brings_it_back(home: TantivyEngine) -> None:
    reader = home.replies.open_reader()
    assert reader.search(FIND, {}, Page()).total == 9
    with home.replies.writer() as writer:
        shutil.rmtree(home.replies.root)
        writer.put(REPLIES[0].indexed())
        with pytest.raises(IndexLost):
            writer.commit()
    reader.refresh()
    assert reader.search(FIND, {}, Page()).total == 9
    with pytest.raises(IndexLost), home.replies.writer():
        pass
    home.replies.rebuild(d.indexed() for d in REPLIES[1:])
    reader.refresh()
    assert reader.search(FIND, {}, Page()).total == 8


def test_counts_are_kept_for_one_commit_only(home: TantivyEngine) -> None:
    reader = home.replies.open_reader()
    before = reader.search(FIND, {}, Page(), facets=("year",))
    assert sum(before.facets["year"].values()) == before.total == 9
    gone = before.items[0].id
    with home.replies.writer() as writer:
        writer.delete(gone)
        writer.commit()
    reader.refresh()
    after = reader.search(FIND, {}, Page(), facets=("year",))
    assert sum(after.facets["year"].values()) == after.total == 8
    narrowed = reader.search(FIND, {"year": ["2019"]}, Page(), facets=("year",))
    assert sum(narrowed.facets["year"].values()) == narrowed.total


def test_a_folder_deleted_behind_a_present_pointer_is_index_lost(home: TantivyEngine) -> None:
    with home.replies.writer() as writer:
        shutil.rmtree(home.replies.root / home.replies.current())
        writer.put(REPLIES[0].indexed())
        with pytest.raises(IndexLost):
            writer.commit()
    assert "search_replies_missing" in home.health()


@pytest.mark.parametrize("content", ["", "v0-000001", "../../etc", "v1-999999", "\u4e71"])
def test_a_damaged_or_older_pointer_counts_as_no_index(home: TantivyEngine, content: str) -> None:
    (home.replies.root / "current").write_text(content, "utf-8")
    with pytest.raises(IndexLost), home.replies.writer():
        pass
    with pytest.raises(SearchUnavailable):
        home.replies.open_reader().size()
    assert home.replies.rebuild(d.indexed() for d in REPLIES) == len(REPLIES)


def test_old_folders_are_dropped(home: TantivyEngine) -> None:
    for _ in range(3):
        home.replies.rebuild(d.indexed() for d in REPLIES)
    assert [p.name for p in home.replies.root.glob("v*")] == [home.replies.current()]


def test_a_killed_writer_leaves_the_index_whole_and_unlocked(home: TantivyEngine, tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from search.tantivy_engine import TantivyEngine\n"
        "with TantivyEngine(Path(sys.argv[1])).replies.writer() as writer:\n"
        "    writer.delete('r1'); print('ready', flush=True); time.sleep(60)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert child.stdout is not None
    assert child.stdout.readline().strip() == "ready"
    child.send_signal(signal.SIGKILL)
    child.wait()
    with home.replies.writer() as writer:
        writer.delete("r2")
        writer.commit()
    held = home.replies.open_reader().ids()
    assert "r1" in held
    assert "r2" not in held
