"""Ending a case for want of an answer is offered only when the time to answer is over."""

from __future__ import annotations

from datetime import timedelta

from flask.testing import FlaskClient

from cases import sweep
from cases.operations import messages
from tests.workbench.conftest import Desk

WORD = "终结（逾期未补充）"


def test_the_step_is_offered_after_the_silence(client: FlaskClient, wb: Desk, sign_in: object) -> None:
    case_id = wb.waiting()
    with wb.db.write() as session:
        messages.ask_citizen(session, wb.officer(), wb.clock.now(), case_id, "请写明工地在哪里")
    sign_in(client, "pei.zhengyu")  # type: ignore[operator]
    assert WORD not in client.get(f"/work/cases/{case_id}").text
    wb.clock.advance(timedelta(days=5))
    sweep.sweep(wb.db, wb.clock)
    sign_in(client, "pei.zhengyu")  # type: ignore[operator]
    assert WORD in client.get(f"/work/cases/{case_id}").text
