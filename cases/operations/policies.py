"""Deadline policies as rows: a change is a new version, and a clock keeps the one that it began under."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from cases.deadlines import UNITS
from cases.errors import Conflict, Invalid, NotFound
from cases.models import DeadlinePolicy, PolicySet
from core import audit
from organisations.people import Actor

PERMISSION = "admin.policies"
_MOST = 100_000
_KEPT = ("policy_set", "track", "kind", "nature", "urgent", "unit", "outside_amount", "red_from", "extension_excuses",
         "consent_by", "statutory", "source")  # fmt: skip


@dataclass(frozen=True)
class PolicyGiven:
    """What may be changed of a policy: how long, and when reminders and cards come (working days; None: never)."""

    amount: int | None
    remind_before: int | None = None
    yellow_after: int | None = None
    red_after: int | None = None
    extension_max: int | None = None


def change_policy(session: Session, actor: Actor, at: datetime, policy_id: int, given: PolicyGiven) -> DeadlinePolicy:
    """End a policy and begin its next version; running clocks are not touched.

    Raises Conflict when it has ended already, Invalid by field (a limit set by law can't be made longer), Forbidden.
    """
    actor.require(PERMISSION)
    old = session.get(DeadlinePolicy, policy_id, with_for_update=True)
    if old is None:
        raise NotFound()
    if old.ended_at is not None:
        raise Conflict()
    _check(old, given)
    old.ended_at = at
    kept = {name: getattr(old, name) for name in _KEPT}
    new = DeadlinePolicy(**kept, version=old.version + 1, amount=given.amount, remind_before=given.remind_before,
                         yellow_after=given.yellow_after, red_after=given.red_after,
                         extension_max=given.extension_max)  # fmt: skip
    session.add(new)
    session.flush()
    audit.record(session, at=at, actor_id=actor.account_id, action="policy_changed", subject="policy",
                 subject_id=new.id, details={"before": old.id, "amount": given.amount})  # fmt: skip
    return new


def use_set(session: Session, actor: Actor, at: datetime, code: str) -> None:
    """Make another policy set the one that new clocks begin under. Raises NotFound, Forbidden."""
    actor.require(PERMISSION)
    sets = list(session.scalars(select(PolicySet).with_for_update()))
    if code not in {row.code for row in sets}:
        raise NotFound()
    for row in sorted(sets, key=lambda row: row.code == code):
        row.active = row.code == code
        session.flush()
    audit.record(session, at=at, actor_id=actor.account_id, action="policy_set_used", subject="policy_set",
                 details={"code": code})  # fmt: skip


def unit_name(unit: str) -> str:
    """A unit in Chinese."""
    return UNITS.get(unit, unit)


def _check(old: DeadlinePolicy, given: PolicyGiven) -> None:
    wrong: dict[str, str] = {}
    if given.amount is None or not 1 <= given.amount <= _MOST:
        wrong["amount"] = "请填时限，至少为 1。"
    elif old.statutory and given.amount > old.amount:
        wrong["amount"] = f"这是法定时限，只能改短，不能超过 {old.amount}。"
    if old.statutory and (given.extension_max or 0) > (old.extension_max or 0):
        wrong["extension_max"] = f"这是法定时限，延期不能超过 {old.extension_max or 0}。"
    if given.red_after is not None and given.yellow_after is None:
        wrong["yellow_after"] = "有红牌就要先有黄牌，请填黄牌的天数。"
    if wrong:
        raise Invalid(wrong)
