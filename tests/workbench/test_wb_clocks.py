"""One rule for the deadline of a case wherever it is listed: the next clock due, with what it is for; danger first."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from cases.models import Alert, Assignment
from cases.operations import alerts, closing, submissions
from core.ids import grouped
from organisations.people import CITIZEN, Actor
from tests.workbench.conftest import Desk

SignIn = Callable[[FlaskClient, str], Actor]
OTHER = {"title": "二环路井盖松动", "body": "二环路口井盖松动，车过就响，夜里吵人。"}


def due_of(page: str, number: str) -> str:
    """The words of the deadline that stands in the row or entry of a case."""
    text = page[page.index(grouped(number)) :]
    found = re.search(r'<span class="lx-due.*?</span>', text, re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", found[0])).split()) if found else ""


def test_every_list_shows_the_same_clock(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    number = wb.case(wb.waiting()).number
    sign_in(client, "pei.zhengyu")
    shown = {path: due_of(client.get(path).text, number) for path in ("/work/", "/work/review", "/work/cases")}
    assert set(shown.values()) == {"分流复核剩 2 小时"}, shown


def test_what_a_department_has_to_do_next_is_said(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.sent()
    number = wb.case(case_id).number
    sign_in(client, "pei.zhengyu")
    assert due_of(client.get("/work/cases").text, number).startswith("签收剩")
    signed = wb.case(wb.in_hand(**OTHER)).number
    assert due_of(client.get("/work/cases").text, signed).startswith("办理剩")


def test_after_a_dissatisfied_citizen_the_officers_own_clock_shows(
    wb: Desk, client: FlaskClient, sign_in: SignIn
) -> None:
    case_id = wb.answered()
    number = wb.case(case_id).number
    sign_in(client, "pei.zhengyu")
    assert due_of(client.get("/work/cases").text, number) == ""
    with wb.db.write() as session:
        closing.rate(session, CITIZEN, wb.clock.now(), wb.submission(case_id).id, True, False, 1, "还在施工")
    assert due_of(client.get("/work/cases").text, number).startswith("不满意后的决定剩")


@pytest.mark.parametrize("path", ["/work/", "/work/review", "/work/cases"])
def test_a_danger_comes_first_until_it_was_seen(wb: Desk, client: FlaskClient, sign_in: SignIn, path: str) -> None:
    case_id = wb.waiting("三栋闻到燃气味", "三栋楼道燃气味很重，有老人头晕。", danger="gas")
    number = wb.case(case_id).number
    sign_in(client, "pei.zhengyu")
    assert due_of(client.get(path).text, number) == "险情响应剩 15 分"
    with wb.db.write() as session:
        alerts.acknowledge(session, wb.officer(), wb.clock.now(), session.scalars(select(Alert.id)).one())
    assert "险情响应" not in client.get(path).text
    assert due_of(client.get(path).text, number).startswith("分流复核剩")


def test_a_department_sees_the_danger_first_too(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.in_hand(title="三栋闻到燃气味", body="三栋楼道燃气味很重，有老人头晕。", danger="gas")
    number = wb.case(case_id).number
    sign_in(client, "huo.yan")
    shown = {path: due_of(client.get(path).text, number) for path in ("/work/", "/work/cases?mine=1")}
    assert set(shown.values()) == {"险情响应剩 15 分"}, shown


def test_a_danger_of_a_case_taken_back_still_shows(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.waiting("三栋闻到燃气味", "三栋楼道燃气味很重，有老人头晕。", danger="gas")
    with wb.db.write() as session:
        submissions.withdraw(session, CITIZEN, wb.clock.now(), wb.submission(case_id).id)
    sign_in(client, "pei.zhengyu")
    page = client.get("/work/cases?status=all").text
    assert due_of(page, wb.case(case_id).number) == "险情响应剩 15 分"


def test_what_is_late_or_soon_is_found_by_any_clock(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = wb.sent()
    number = grouped(wb.case(case_id).number)
    sign_in(client, "pei.zhengyu")
    assert number in client.get("/work/cases?due=soon").text
    assert number not in client.get("/work/cases?due=late").text
    wb.later(days=1)
    sign_in(client, "pei.zhengyu")
    assert number in client.get("/work/cases?due=late").text


def test_the_count_of_what_is_soon_due_is_the_list_that_it_leads_to(
    wb: Desk, client: FlaskClient, sign_in: SignIn
) -> None:
    soon, later = wb.in_hand(), wb.in_hand(**OTHER)
    with wb.db.write() as session:
        for case_id, days in ((soon, 1.9), (later, 2.5)):
            row = session.scalars(select(Assignment).where(Assignment.case_id == case_id)).one()
            row.due_at = wb.clock.now() + timedelta(days=days)
    sign_in(client, "huo.yan")
    home = client.get("/work/").text
    tile = home[home.index("快到期") :]
    assert re.search(r"<b>(\d+)<small>", tile)[1] == "1"  # type: ignore[index]
    assert "2 天以内" in tile
    listed = client.get("/work/cases?mine=1&due=soon").text
    assert grouped(wb.case(soon).number) in listed
    assert grouped(wb.case(later).number) not in listed
    assert "2 天内到期" in listed
