"""Text and filters together: what was typed is looked for among the cases that the filters leave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from core.web.parts import Parts
from search.service import KINDS, SearchService
from tests.workbench.conftest import Desk


def test_filters_narrow_what_text_search_finds(
    app: Any, client: FlaskClient, wb: Desk, sign_in: Callable[[FlaskClient, str], object]
) -> None:
    first = wb.waiting(title="南湖公园长椅坏了", body="南湖公园的长椅坏了两把。")
    second = wb.sent(title="南湖公园路灯坏了", body="南湖公园的路灯坏了三盏。")
    third = wb.sent(title="南湖公园厕所漏水", body="南湖公园的厕所漏水两天。")
    parts: Parts = app.extensions["hub"]
    for kind in KINDS:
        parts.get(SearchService).rebuild(kind)
    sign_in(client, "pei.zhengyu")
    found = client.get("/work/cases?q=南湖公园").text
    assert all(f"/work/cases/{one}" in found for one in (first, second, third))
    office = wb.city.organisation("TC-CGJ")
    narrowed = client.get(f"/work/cases?q=南湖公园&organisation={office}").text
    assert f"/work/cases/{first}" not in narrowed
    assert f"/work/cases/{second}" in narrowed and f"/work/cases/{third}" in narrowed
    none = client.get("/work/cases?q=南湖公园&status=closed").text
    assert f"/work/cases/{second}" not in none and "没有找到办件" in none


def test_the_newest_notices_stand_on_the_home_page(
    client: FlaskClient, wb: Desk, sign_in: Callable[[FlaskClient, str], Any]
) -> None:
    from notifications.models import StaffNotice

    who = sign_in(client, "huo.yan")
    assert 'id="notices"' not in client.get("/work/").text
    with wb.db.write() as session:
        session.add(StaffNotice(account_id=who.account_id, key="k1", kind="pressed", case_id=None, at=wb.clock.now()))
    page = client.get("/work/").text
    assert 'id="notices"' in page and "督办催办，请尽快办理" in page and "/work/notices" in page


def test_similar_replies_promise_nothing_that_is_not_there(app: Any) -> None:
    with app.test_request_context("/"):
        made = app.jinja_env.from_string(
            "{% from 'macros/texts.html' import similar %}{{ similar([{'href': '/replies/x', 'title': '路灯'}]) }}"
        ).render()
    assert "路灯" in made and "我也遇到" not in made and "不用重填" not in made
