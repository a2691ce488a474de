"""A person's notices on their page, and the page where administrators change what notices to citizens say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from cases.models import Case, Event
from core.audit import AuditEntry
from notifications import staff
from notifications.models import NoticeTemplate, StaffNotice
from notifications.templates import SHIPPED
from notifications.wordings import OCCASIONS
from organisations.models import Account
from organisations.people import Actor
from tests.workbench.conftest import Desk, queries_of

SignIn = Callable[[FlaskClient, str], Actor]
HANDLER = "huo.yan"


def told(wb: Desk, **what: object) -> int:
    """A case that its office was told of; its id."""
    case_id = wb.sent(**what)
    with wb.db.write() as session:
        for event in session.scalars(select(Event).where(Event.case_id == case_id, Event.kind == "assigned")):
            staff.tell_of(session, event)
    return case_id


def lines(wb: Desk, username: str = HANDLER) -> list[StaffNotice]:
    with wb.db.read() as session:
        mine = StaffNotice.account_id == wb.city.actor(username).account_id
        return list(session.scalars(select(StaffNotice).where(mine).order_by(StaffNotice.at)))


# --- one's own --------------------------------------------------------------------------------------------------------


def test_lines_link_to_their_cases_newest_first(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    first = told(wb)
    wb.later(minutes=5)
    second = told(wb, title="另一处工地", body="另一处工地也在夜里打桩。")
    sign_in(client, HANDLER)
    page = client.get("/work/notices").text
    assert "有新的交办件待签收" in page and "未读 2 条" in page
    places = [page.index(f'href="/work/cases/{case_id}"') for case_id in (second, first)]
    assert places == sorted(places)
    assert page.count('href="/work/notices" aria-current="page"') >= 1


def test_unread_ones_are_counted_in_the_navigation(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    told(wb)
    sign_in(client, HANDLER)
    entry = client.get("/work/account").text.split('href="/work/notices"')[1].split("</a>")[0]
    assert ">1</span>" in entry


def test_marking_one_as_read(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    told(wb)
    wb.later(minutes=5)
    told(wb, title="另一处工地", body="另一处工地也在夜里打桩。")
    sign_in(client, HANDLER)
    assert client.post(f"/work/notices/{lines(wb)[0].id}/read").status_code == 302
    assert [row.read_at is not None for row in lines(wb)] == [True, False]
    assert "未读 1 条" in client.get("/work/notices").text
    assert "另一处工地" not in client.get("/work/notices?tab=read").text


def test_marking_all_as_read_is_about_ones_own(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    told(wb)
    sign_in(client, HANDLER)
    client.post("/work/notices/read")
    assert [row.read_at for row in lines(wb, "miao.qingshan")] == [None]
    assert "没有未读的通知" in client.get("/work/notices").text


def test_somebody_elses_line_stays(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    told(wb)
    sign_in(client, HANDLER)
    (other,) = lines(wb, "miao.qingshan")
    client.post(f"/work/notices/{other.id}/read")
    assert lines(wb, "miao.qingshan")[0].read_at is None


def test_a_case_that_became_an_accusation_is_not_named(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    case_id = told(wb)
    with wb.db.write() as session:
        session.execute(update(Case).where(Case.id == case_id).values(accusation="yes"))
    sign_in(client, HANDLER)
    page = client.get("/work/notices").text
    assert str(case_id) not in page and "打桩" not in page and "不能查看" in page


def test_the_page_asks_no_more_for_more_lines(wb: Desk, client: FlaskClient, sign_in: SignIn, app: object) -> None:
    from core.database import Database

    told(wb)
    sign_in(client, HANDLER)
    database = app.extensions["hub"].get(Database)  # type: ignore[attr-defined]
    client.get("/work/notices")
    with queries_of(database) as few:
        client.get("/work/notices")
    for number in range(5):
        told(wb, title=f"第{number}处工地", body=f"第{number}处工地夜里打桩。")
    with queries_of(database) as many:
        client.get("/work/notices")
    assert len(many) == len(few)


def test_nobody_without_an_account(client: FlaskClient) -> None:
    assert client.get("/work/notices").status_code == 302


# --- what notices say -------------------------------------------------------------------------------------------------


def stored(wb: Desk) -> dict[str, str]:
    with wb.db.read() as session:
        return {row.code: row.text for row in session.scalars(select(NoticeTemplate))}


def test_every_notice_has_an_occasion() -> None:
    assert OCCASIONS.keys() == SHIPPED.keys()


def test_a_sentence_is_changed_and_restored(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    sign_in(client, "admin.system")
    assert "已转给{office}办理" in client.get("/work/admin/notices").text
    changed = {"text": "{office}已接到您的诉求 {number}。"}
    assert client.post("/work/admin/notices/assigned", data=changed).status_code == 302
    assert stored(wb) == {"assigned": "{office}已接到您的诉求 {number}。"}
    assert "恢复自带的用语" in client.get("/work/admin/notices/assigned").text
    client.post("/work/admin/notices/assigned", data={"do": "restore"})
    assert stored(wb) == {}
    with wb.db.read() as session:
        actions = list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))
    assert actions[-2:] == ["notice_changed", "notice_restored"]


@pytest.mark.parametrize(
    ("code", "text", "word"),
    [
        ("assigned", "{office}已接到{电话}", "{电话}"),
        ("assigned", "{}{office}", "{}"),
        ("assigned", "{office.__class__}", "{office.__class__}"),
        ("assigned", "  ", "请写下"),
        ("assigned", "长" * 301, "301"),
        ("answer_served", "{number} 有答复了", "{text}"),
    ],
)
def test_what_no_notice_can_fill_in_is_told(
    wb: Desk, client: FlaskClient, sign_in: SignIn, code: str, text: str, word: str
) -> None:
    sign_in(client, "admin.system")
    answer = client.post(f"/work/admin/notices/{code}", data={"text": text})
    assert answer.status_code == 400 and word in answer.text
    assert text.strip() in answer.text and stored(wb) == {}


def test_only_who_administers_policies(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    sign_in(client, "admin.security")
    assert client.get("/work/admin/notices").status_code == 403
    assert client.post("/work/admin/notices/assigned", data={"text": "改"}).status_code == 403
    assert stored(wb) == {}


def test_an_unknown_notice(client: FlaskClient, sign_in: SignIn) -> None:
    sign_in(client, "admin.system")
    assert client.get("/work/admin/notices/none").status_code == 404


# --- where warnings are texted ----------------------------------------------------------------------------------------


def test_a_phone_for_warnings(wb: Desk, client: FlaskClient, sign_in: SignIn) -> None:
    sign_in(client, "admin.security")
    account_id = wb.city.actor(HANDLER).account_id
    at = f"/work/admin/accounts/{account_id}"
    assert client.post(at, data={"do": "phone", "phone": "138 1111 2222"}).status_code == 302
    with wb.db.read() as session:
        account = session.get_one(Account, account_id)
        assert account.phone == "+8613811112222" and "13811112222" not in str(account.phone_sealed)
        details = [row.details for row in session.scalars(select(AuditEntry)) if row.action == "phone_set"]
    assert len(details) == 1 and "1381111" not in str(details)
    assert "13811112222" not in client.get(at).text
    wrong = client.post(at, data={"do": "phone", "phone": "12"})
    assert wrong.status_code == 400 and "请填写手机号" in wrong.text
    client.post(at, data={"do": "phone", "phone": ""})
    with wb.db.read() as session:
        assert session.get_one(Account, account_id).phone is None
