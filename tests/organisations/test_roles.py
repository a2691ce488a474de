"""Roles as data, and what an acting person may do."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import Forbidden
from organisations.people import CITIZEN, SYSTEM
from organisations.roles import CITY_WIDE, PERMISSIONS, ROLES, SEPARATED, joined_wrongly, permissions_of


def test_roles_grant_only_permissions_that_exist() -> None:
    assert {permission for role in ROLES.values() for permission in role.permissions} == set(PERMISSIONS)
    assert set(PERMISSIONS) >= CITY_WIDE and set(ROLES) >= SEPARATED


def test_administrators_see_no_case_and_only_the_auditor_reads_the_audit() -> None:
    for role in SEPARATED:
        assert not any(permission.startswith(("case.", "person.")) for permission in ROLES[role].permissions)
    assert [code for code, role in ROLES.items() if "audit.read" in role.permissions] == ["auditor"]
    assert [code for code, role in ROLES.items() if "admin.accounts" in role.permissions] == ["security_admin"]


def test_releasing_and_proposing_are_different_roles() -> None:
    assert not any({"reply.propose", "reply.release"} <= role.permissions for role in ROLES.values())


@pytest.mark.parametrize(
    ("roles", "wrong"),
    [
        ({"system_admin"}, set()),
        ({"system_admin", "handler"}, set()),
        ({"system_admin", "auditor"}, {"system_admin", "auditor"}),
        (SEPARATED, SEPARATED),
    ],
)
def test_the_three_administrators_are_apart(roles: set[str], wrong: set[str]) -> None:
    assert joined_wrongly(roles) == wrong


def test_an_unknown_role_gives_nothing() -> None:
    assert permissions_of({"emperor"}) == frozenset()


def test_the_machine_may_and_a_citizen_may_not() -> None:
    SYSTEM.require("admin.accounts")
    with pytest.raises(Forbidden):
        CITIZEN.require("case.read")


def test_an_actor_has_what_the_roles_give_and_the_posts(city: Any) -> None:
    actor = city.actor("geng.hao")
    assert actor.can("call.register") and not actor.can("admin.accounts")
    assert actor.organisation_ids == (city.organisation("TC-RX"),)
    assert actor.area_paths == ()
