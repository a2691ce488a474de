"""A granted extension on the citizen's page: one date that holds, with the reason where it is later than promised."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from cases.models import Assignment, Case
from cases.operations import base, dispatch, handling, requests
from core.clock import to_local
from intake import progress
from tests.portal.conftest import Given, Petitions, text_of


def _day(at: datetime) -> str:
    day = to_local(at)
    return f"{day.month} 月 {day.day} 日"


def _extended(petitions: Petitions, days: int) -> tuple[Given, datetime, datetime]:
    """A case whose handling was extended; when it is promised, and when the handling is due now."""
    given = petitions.submit()
    petitions.classify(given)
    at, officer, handler = petitions.clock.now(), petitions.officer, petitions.handler
    with petitions.db.write() as session:
        lead = dispatch.assign(session, officer, at, given.case_id, petitions.city.organisation("TC-CGJ")).id
        handling.sign(session, handler, at, lead)
        asked = requests.ask_extension(session, handler, at, lead, days=days, reason="等配件").id
        requests.grant(session, officer, at, asked)
    with petitions.db.read() as session:
        due = session.scalars(select(Assignment.due_at).where(Assignment.id == lead)).one()
        promise = session.get_one(Case, given.case_id).promise_at
    assert due is not None and promise is not None
    return given, promise, due


def _by_message(petitions: Petitions, given: Given) -> str:
    """What 进度 answers on WeChat and by text message."""
    with petitions.db.read() as session:
        return progress.full(session, base.submissions_of(session, session.get_one(Case, given.case_id))[0])


def test_beyond_the_promise_the_new_day_holds_everywhere(
    client: FlaskClient, petitions: Petitions, opened: Any
) -> None:
    given, promise, due = _extended(petitions, 6)
    assert due > promise
    page = text_of(opened(given).get("/progress"))
    new, old = _day(due), _day(promise)
    assert f"最迟 {new} 给您答复（原定 {old}，因需要更长时间办理，已按规定延长）" in page
    assert f"最迟 {to_local(due):%m-%d}" in page
    assert f"最迟 {to_local(promise):%m-%d}" not in page
    assert f"最迟 {old}" not in page
    assert set(re.findall(r"最迟 (\d+ 月 \d+ 日)", page)) == {new}
    assert "新的办理期限" not in page
    assert f"最晚 {new}" in _by_message(petitions, given) and old not in _by_message(petitions, given)


def test_within_the_promise_it_stays(client: FlaskClient, petitions: Petitions, opened: Any) -> None:
    given, promise, due = _extended(petitions, 1)
    assert due <= promise
    page = text_of(opened(given).get("/progress"))
    assert f"最迟 {_day(promise)} 给您答复。" in page
    assert "给您答复的日期不变" in page
    assert "新的办理期限" not in page
    assert f"最晚 {_day(promise)}" in _by_message(petitions, given)
