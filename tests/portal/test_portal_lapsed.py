"""A case that ended because the citizen did not answer us says so on their page, in the officer's words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cases import sweep
from cases.operations import messages, silence
from tests.portal.conftest import Petitions


def test_the_citizen_reads_that_and_why_it_ended(petitions: Petitions, opened: Any) -> None:
    given = petitions.submit()
    petitions.classify(given)
    with petitions.db.write() as session:
        messages.ask_citizen(session, petitions.officer, petitions.clock.now(), given.case_id, "请写明地点")
    petitions.clock.advance(timedelta(days=5))
    sweep.sweep(petitions.db, petitions.clock)
    waiting = opened(given).get("/progress").get_data(as_text=True)
    assert "还没有收到您的补充" in waiting
    with petitions.db.write() as session:
        silence.lapse_unanswered(
            session, petitions.officer, petitions.clock.now(), given.case_id, text="没有收到地点，请补齐后重新提出。"
        )
    page = opened(given).get("/progress").get_data(as_text=True)
    assert "逾期未补充，终结" in page and "为什么终结" in page
    assert "没有收到地点，请补齐后重新提出。" in page
