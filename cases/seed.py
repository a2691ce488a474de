"""The policy sets and their rows for a new hub."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.deadlines import POLICY_SETS, SHIPPED
from cases.models import DeadlinePolicy, PolicySet


def seed_policies(session: Session, at: datetime, active: str = "zhengzhou") -> None:
    """Write the shipped policy sets where they are missing, with one of them active; what exists stays as it is.

    Raises ValueError for a set that does not ship.
    """
    if active not in POLICY_SETS:
        raise ValueError(f"no policy set {active}")
    known = {row.code for row in session.scalars(select(PolicySet))}
    for code, name in POLICY_SETS.items():
        if code not in known:
            session.add(PolicySet(code=code, name=name, active=code == active and not known))
            session.add_all(DeadlinePolicy(policy_set=code, version=1, **asdict(policy)) for policy in SHIPPED[code])
    session.flush()
