"""Row ids: never the same twice in a process, in the order they were made, within 63 bits."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from core import ids
from core.clock import FixedClock


def test_many_ids_of_one_moment_are_different_and_in_order() -> None:
    clock = FixedClock(datetime(2026, 11, 24, 2, 0, tzinfo=UTC))
    made = [ids.new_id(clock) for _ in range(20_000)]
    assert len(set(made)) == len(made) and made == sorted(made) and max(made) < 2**63


def test_ids_made_by_several_threads_are_different() -> None:
    clock = FixedClock(datetime(2026, 11, 24, 3, 0, tzinfo=UTC))
    made: list[int] = []
    threads = [threading.Thread(target=lambda: made.extend(ids.new_id(clock) for _ in range(2000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8000
