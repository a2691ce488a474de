"""The audit page: subjects are named, not numbered, and those of accusations stay unsaid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import update

from cases.models import Case
from cases.operations import citizens
from core.ids import grouped
from organisations import accounts
from tests.workbench.conftest import Desk
from workbench.queries.audit_names import SEALED


def test_subjects_are_named(wb: Desk, client: FlaskClient, sign_in: Callable[..., Any]) -> None:
    plain, sealed = wb.waiting(), wb.waiting()
    with wb.db.write() as session:
        session.execute(update(Case).where(Case.id == sealed).values(accusation="possible"))
        for case_id in (plain, sealed):
            citizens.note_read(session, wb.officer(), wb.clock.now(), case_id)
        accounts.disable_account(session, wb.city.actor("admin.security"), wb.clock.now(), wb.handler().account_id or 0)
        numbers = [session.get_one(Case, one).number for one in (plain, sealed)]
    sign_in(client, "admin.audit")
    page = client.get("/work/admin/audit?action=case_read").get_data(as_text=True)
    assert '<th scope="row">查看办件</th>' in page
    assert grouped(numbers[0]) in page and grouped(numbers[1]) not in page and SEALED in page
    assert "（huo.yan）" in client.get("/work/admin/audit?action=account_disabled").get_data(as_text=True)
