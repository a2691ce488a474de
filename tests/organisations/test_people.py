"""Who works where: the organisations in which somebody can take a case in hand now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.clock import FixedClock, to_local
from organisations import people
from organisations.models import Account, Post, RoleGrant
from tests.conftest import City


@pytest.fixture
def office(city: City) -> int:
    """An office of the demonstration in which exactly one person has a post, and handles."""
    with city.db.read() as session:
        posts = list(session.scalars(select(Post.organisation_id)))
        handlers = select(RoleGrant.account_id).where(RoleGrant.role == "handler")
        query = select(Post.organisation_id).where(Post.account_id.in_(handlers)).order_by(Post.id)
        return next(one for one in session.scalars(query) if posts.count(one) == 1)


def test_with_a_post_held_now(city: City, clock: FixedClock, office: int) -> None:
    with city.db.read() as session:
        assert office in people.staffed(session, clock.now())


@pytest.mark.parametrize(
    ("first", "last", "staffed"),
    [(None, 1, True), (None, 0, False), (-1, None, True), (0, None, True), (1, None, False)],
)
def test_a_post_counts_on_its_days(
    city: City, clock: FixedClock, office: int, first: int | None, last: int | None, staffed: bool
) -> None:
    today = to_local(clock.now()).date()
    with city.db.write() as session:
        post = session.scalars(select(Post).where(Post.organisation_id == office)).one()
        post.from_date = None if first is None else today + timedelta(days=first)
        post.to_date = None if last is None else today + timedelta(days=last)
        session.flush()
        assert (office in people.staffed(session, clock.now())) is staffed
        assert (office in people.actor_for(session, post.account_id, clock.now()).organisation_ids) is staffed


@pytest.mark.parametrize(
    ("role", "staffed"), [("handler", True), ("approver", False), ("auditor", False), ("leader", False), ("", False)]
)
def test_only_who_may_sign_and_handle_counts(
    city: City, clock: FixedClock, office: int, role: str, staffed: bool
) -> None:
    with city.db.write() as session:
        post = session.scalars(select(Post).where(Post.organisation_id == office)).one()
        for grant in session.scalars(select(RoleGrant).where(RoleGrant.account_id == post.account_id)):
            grant.role, grant.revoked_at = role or "handler", None if role else clock.now()
        session.flush()
        assert (office in people.staffed(session, clock.now())) is staffed


def test_an_office_named_in_a_grant_counts(city: City, clock: FixedClock) -> None:
    other = city.organisation("TC-RD")
    with city.db.write() as session:
        assert other not in people.staffed(session, clock.now())
        account_id = city.actor("huo.yan").account_id
        session.add(RoleGrant(account_id=account_id, role="handler", organisation_id=other, granted_at=clock.now()))
        session.flush()
        assert other in people.staffed(session, clock.now())


def test_a_disabled_account_does_not_count(city: City, clock: FixedClock, office: int) -> None:
    with city.db.write() as session:
        post = session.scalars(select(Post).where(Post.organisation_id == office)).one()
        session.get_one(Account, post.account_id).disabled_at = clock.now()
        session.flush()
        assert office not in people.staffed(session, clock.now())
