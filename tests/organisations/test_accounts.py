"""Accounts and signing in, below the pages: sessions, locks by name and address, roles, the audit chain."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core import audit
from core.clock import FixedClock
from organisations import accounts, passwords, presence, sessions, signing_in
from organisations.errors import Forbidden, Invalid, LinkUnusable, RolesApart, SignInLocked, SignInRefused
from organisations.models import Account, ResetLink, RoleGrant, SignInAttempt, WebSession

PASSWORD = "green-lantern-77"
NEW = "quiet-harbour-31"


@pytest.fixture
def agent(city: Any) -> int:
    with city.db.write() as session:
        row = session.scalars(select(Account).where(Account.username == "geng.hao")).one()
        row.password_hash, row.must_change_password = passwords.hash_password(PASSWORD), False
        return row.id


def test_a_token_is_stored_only_as_its_digest(city: Any, clock: FixedClock, agent: int) -> None:
    done = signing_in.sign_in(city.db, clock, " Geng.Hao ", PASSWORD)
    with city.db.read() as session:
        row = session.scalars(select(WebSession).where(WebSession.account_id == agent)).one()
    assert row.digest == sessions.digest_of(done.token) != done.token
    found = presence.resolve(city.db, clock, done.token)
    assert found is not None and found.name == "耿浩" and found.role_names == ("话务员",)
    assert presence.resolve(city.db, clock, done.token + "x") is None


def test_a_session_ends_idle_absolutely_and_with_the_account(city: Any, clock: FixedClock, agent: int) -> None:
    token = signing_in.sign_in(city.db, clock, "geng.hao", PASSWORD).token
    for _ in range(13):
        clock.advance(timedelta(minutes=54))
        presence.resolve(city.db, clock, token)
    assert presence.resolve(city.db, clock, token) is not None
    clock.advance(timedelta(minutes=30))
    assert presence.resolve(city.db, clock, token) is None  # twelve hours, however busy
    token = signing_in.sign_in(city.db, clock, "geng.hao", PASSWORD).token
    with city.db.write() as session:
        accounts.disable_account(session, city.actor("admin.security"), clock.now(), agent)
    assert presence.resolve(city.db, clock, token) is None
    with pytest.raises(SignInRefused):
        signing_in.sign_in(city.db, clock, "geng.hao", PASSWORD)


def test_each_lock_is_longer_and_a_name_that_does_not_exist_locks_alike(
    city: Any, clock: FixedClock, agent: int
) -> None:
    for minutes in (15, 30, 60):
        for _ in range(5):
            with pytest.raises(SignInRefused) as caught:
                signing_in.sign_in(city.db, clock, "geng.hao", "wrong")
            assert not isinstance(caught.value, SignInLocked)
        clock.advance(timedelta(minutes=minutes, seconds=-1))
        with pytest.raises(SignInLocked):
            signing_in.sign_in(city.db, clock, "geng.hao", PASSWORD)
        clock.advance(timedelta(seconds=1))
    for _ in range(5):
        with pytest.raises(SignInRefused):
            signing_in.sign_in(city.db, clock, "nobody.here", "wrong")
    with pytest.raises(SignInLocked):
        signing_in.sign_in(city.db, clock, "nobody.here", "wrong")


def test_tries_hold_no_name_and_no_address(city: Any, clock: FixedClock, agent: int) -> None:
    with pytest.raises(SignInRefused):
        signing_in.sign_in(city.db, clock, "geng.hao", "wrong", address="203.0.113.9")
    with city.db.read() as session:
        row = session.scalars(select(SignInAttempt)).one()
        entry = session.scalars(select(audit.AuditEntry).order_by(audit.AuditEntry.seq.desc())).first()
    assert "geng" not in row.name_digest and "203.0.113.9" not in row.address_digest
    assert entry is not None and (entry.action, entry.details) == ("sign_in_failed", {"outcome": "wrong"})


@pytest.mark.parametrize("password", ["short", "geng.hao-12345", "password123", "aaaaaaaaaaaa", "x" * 201])
def test_a_weak_password_is_refused(city: Any, clock: FixedClock, agent: int, password: str) -> None:
    with pytest.raises(Invalid) as caught:
        accounts.change_password(city.db, clock, agent, PASSWORD, password)
    assert "password" in caught.value.fields
    signing_in.sign_in(city.db, clock, "geng.hao", PASSWORD)


def test_a_second_link_ends_the_first(city: Any, clock: FixedClock, agent: int) -> None:
    with city.db.write() as session:
        actor = city.actor("admin.security")
        first = accounts.issue_reset_link(session, actor, clock.now(), agent)
        second = accounts.issue_reset_link(session, actor, clock.now(), agent)
        assert first not in {row.digest for row in session.scalars(select(ResetLink))}
    with pytest.raises(LinkUnusable):
        accounts.use_reset_link(city.db, clock, first, NEW)
    assert accounts.use_reset_link(city.db, clock, second, NEW) == agent
    signing_in.sign_in(city.db, clock, "geng.hao", NEW)


def test_only_the_security_administrator_administers(city: Any, clock: FixedClock, agent: int) -> None:
    for username in ("admin.system", "admin.audit", "geng.hao"):
        with city.db.write() as session, pytest.raises(Forbidden):
            accounts.issue_reset_link(session, city.actor(username), clock.now(), agent)


def test_roles_apart_and_the_same_grant_once(city: Any, clock: FixedClock, agent: int) -> None:
    actor = city.actor("admin.security")
    with city.db.write() as session:
        one = accounts.grant_role(session, actor, clock.now(), agent, "handler", area_id=city.area("TC01"))
        again = accounts.grant_role(session, actor, clock.now(), agent, "handler", area_id=city.area("TC01"))
        assert one.id == again.id
        accounts.grant_role(session, actor, clock.now(), agent, "auditor")
        with pytest.raises(RolesApart):
            accounts.grant_role(session, actor, clock.now(), agent, "system_admin")
        accounts.revoke_role(session, actor, clock.now(), one.id)
    with city.db.read() as session:
        held = select(RoleGrant.role).where(RoleGrant.account_id == agent, RoleGrant.revoked_at.is_(None))
        assert set(session.scalars(held)) == {"agent", "auditor"}
        assert audit.faults(session) == []


@pytest.mark.parametrize("username", ["ab", "has space", "汉字用户", "-li", "li'; DROP TABLE accounts", "x" * 61])
def test_a_malformed_user_name_is_refused(city: Any, clock: FixedClock, username: str) -> None:
    with city.db.write() as session, pytest.raises(Invalid) as caught:
        accounts.create_account(session, city.actor("admin.security"), clock.now(), username, "某人")
    assert "username" in caught.value.fields
