"""The administrators' pages for accounts, roles and second factors; who may open which page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from core import audit
from organisations.models import Account, RoleGrant, RolePolicy, WebSession

PAGES = {
    "/work/admin/accounts": "admin.security",
    "/work/admin/accounts/new": "admin.security",
    "/work/admin/accounts/roles": "admin.security",
    "/work/admin/organisations": "admin.system",
    "/work/admin/organisations/new": "admin.system",
    "/work/admin/catalogue": "admin.system",
    "/work/admin/catalogue/versions": "admin.system",
    "/work/admin/calendars": "admin.system",
    "/work/admin/deadlines": "admin.system",
    "/work/admin/words": "admin.system",
    "/work/admin/words/grounds": "admin.system",
    "/work/admin/jobs": "admin.system",
    "/work/admin/numbers": "dou.jianping",
    "/work/admin/audit": "admin.audit",
}


def account_id(city: Any, username: str) -> int:
    with city.db.read() as session:
        return session.scalars(select(Account.id).where(Account.username == username)).one()


def held(city: Any, username: str) -> list[str]:
    with city.db.read() as session:
        return list(
            session.scalars(
                select(RoleGrant.role)
                .join(Account, Account.id == RoleGrant.account_id)
                .where(Account.username == username, RoleGrant.revoked_at.is_(None))
            )
        )


def actions(city: Any) -> list[str]:
    with city.db.read() as session:
        return list(session.scalars(select(audit.AuditEntry.action).order_by(audit.AuditEntry.seq)))


def test_every_page_opens_for_its_administrator_alone(client: FlaskClient, sign_in: Callable[..., Any]) -> None:
    for username in sorted({*PAGES.values(), "geng.hao"}):
        sign_in(client, username)
        for path, owner in PAGES.items():
            expected = 200 if owner == username else 403
            assert client.get(path).status_code == expected, (username, path)


def test_pages_hold_nothing_inline_and_one_heading(client: FlaskClient, sign_in: Callable[..., Any]) -> None:
    for path, owner in PAGES.items():
        sign_in(client, owner)
        page = client.get(path).text
        assert " style=" not in page and "<style" not in page, path
        assert page.count("<h1") == 1, path
        assert page.count("<script ") == page.count("<script src="), path


def test_an_account_is_made_and_given_a_role(client: FlaskClient, city: Any, sign_in: Callable[..., Any]) -> None:
    sign_in(client, "admin.security")
    made = client.post("/work/admin/accounts/new", data={"username": "Li.Ming", "name": "李明"})
    assert made.status_code == 302
    assert client.post(made.location, data={"do": "grant", "role": "handler", "area_id": ""}).status_code == 302
    assert held(city, "li.ming") == ["handler"]
    assert "承办人" in client.get(made.location).text
    assert actions(city)[-2:] == ["account_created", "role_granted"]


def test_what_was_typed_stays_when_the_name_is_taken(client: FlaskClient, sign_in: Callable[..., Any]) -> None:
    sign_in(client, "admin.security")
    answer = client.post("/work/admin/accounts/new", data={"username": "geng.hao", "name": "<b>另一位</b>"})
    assert answer.status_code == 400 and "已被使用" in answer.text
    assert 'value="geng.hao"' in answer.text and "&lt;b&gt;另一位" in answer.text


def test_administrator_roles_are_kept_apart(client: FlaskClient, city: Any, sign_in: Callable[..., Any]) -> None:
    sign_in(client, "admin.security")
    path = f"/work/admin/accounts/{account_id(city, 'admin.system')}"
    answer = client.post(path, data={"do": "grant", "role": "auditor"})
    assert answer.status_code == 400 and "须由不同账号担任" in answer.text
    assert held(city, "admin.system") == ["system_admin"]


def test_a_role_taken_back_ends_the_sessions(client: FlaskClient, city: Any, sign_in: Callable[..., Any]) -> None:
    sign_in(client, "geng.hao")
    sign_in(client, "admin.security")
    with city.db.read() as session:
        grant = session.scalars(select(RoleGrant).where(RoleGrant.account_id == account_id(city, "geng.hao"))).first()
    client.post(f"/work/admin/accounts/{account_id(city, 'geng.hao')}", data={"do": f"revoke:{grant.id}"})
    assert held(city, "geng.hao") == []
    with city.db.read() as session:
        mine = session.scalars(select(WebSession).where(WebSession.account_id == account_id(city, "geng.hao")))
        assert [row.reason for row in mine] == ["role_changed"]


def test_nobody_changes_their_own_account(client: FlaskClient, city: Any, sign_in: Callable[..., Any]) -> None:
    sign_in(client, "admin.security")
    path = f"/work/admin/accounts/{account_id(city, 'admin.security')}"
    assert 'value="grant"' not in client.get(path).text
    answer = client.post(path, data={"do": "grant", "role": "handler"})
    assert answer.status_code == 400 and "不能更改自己的账号" in answer.text
    assert held(city, "admin.security") == ["security_admin"]


def test_disabling_and_enabling(client: FlaskClient, city: Any, sign_in: Callable[..., Any]) -> None:
    sign_in(client, "admin.security")
    path = f"/work/admin/accounts/{account_id(city, 'geng.hao')}"
    client.post(path, data={"do": "disable"})
    assert "已停用" in client.get(path).text
    client.post(path, data={"do": "enable"})
    assert "停用账号" in client.get(path).text


def test_a_reset_link_is_shown_once(client: FlaskClient, city: Any, sign_in: Callable[..., Any]) -> None:
    sign_in(client, "admin.security")
    path = f"/work/admin/accounts/{account_id(city, 'geng.hao')}"
    page = client.post(path, data={"do": "link"})
    link = re.search(r"http://localhost(/reset/[\w-]+)", page.text)
    assert link and page.headers["Cache-Control"] == "no-store"
    assert "/reset/" not in client.get(path).text
    assert client.get(link.group(1)).status_code == 200


@pytest.mark.parametrize("what", ["", "grant", "revoke:1", "revoke:x", "nonsense", "revoke:" + "9" * 40])
def test_odd_buttons_get_a_plain_answer(client: FlaskClient, city: Any, sign_in: Callable[..., Any], what: str) -> None:
    sign_in(client, "admin.security")
    path = f"/work/admin/accounts/{account_id(city, 'geng.hao')}"
    assert client.post(path, data={"do": what, "role": "emperor"}).status_code in (400, 404)
    assert held(city, "geng.hao") == ["agent"]


def test_an_unknown_account_is_not_found(client: FlaskClient, sign_in: Callable[..., Any]) -> None:
    sign_in(client, "admin.security")
    assert client.get("/work/admin/accounts/1").status_code == 404
    assert client.post("/work/admin/accounts/1", data={"do": "disable"}).status_code == 404


def test_accounts_are_found_by_name_role_and_state(client: FlaskClient, city: Any, sign_in: Callable[..., Any]) -> None:
    sign_in(client, "admin.security")
    assert "geng.hao" in client.get("/work/admin/accounts?q=geng").text
    assert "geng.hao" not in client.get("/work/admin/accounts?role=auditor").text
    assert "admin.audit" in client.get("/work/admin/accounts?role=auditor").text
    assert "没有这样的账号" in client.get("/work/admin/accounts?q=%25' OR 1=1 --").text
    assert 'aria-current="page">2<' in client.get("/work/admin/accounts?page=2").text


def test_a_role_is_made_to_need_a_second_factor(client: FlaskClient, city: Any, sign_in: Callable[..., Any]) -> None:
    sign_in(client, "admin.security")
    client.post("/work/admin/accounts/roles", data={"role": "publisher", "required": "1"})
    with city.db.read() as session:
        assert [row.role for row in session.scalars(select(RolePolicy).where(RolePolicy.totp_required))] == [
            "publisher"
        ]
    client.post("/work/admin/accounts/roles", data={"role": "publisher"})
    with city.db.read() as session:
        assert not session.scalars(select(RolePolicy).where(RolePolicy.totp_required)).all()
    assert actions(city)[-2:] == ["totp_policy_changed"] * 2
