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
    """An office of the demonstration in which exactly one person has a post, and none is named by a role."""
    with city.db.read() as session:
        named = set(session.scalars(select(RoleGrant.organisation_id)))
        posts = list(session.scalars(select(Post.organisation_id)))
        return next(one for one in posts if posts.count(one) == 1 and one not in named)


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


def test_a_disabled_account_does_not_count(city: City, clock: FixedClock, office: int) -> None:
    with city.db.write() as session:
        post = session.scalars(select(Post).where(Post.organisation_id == office)).one()
        session.get_one(Account, post.account_id).disabled_at = clock.now()
        session.flush()
        assert office not in people.staffed(session, clock.now())
