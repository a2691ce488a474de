"""Who may see a case: the one rule, as a condition for queries and as a check on loading.

A possible accusation counts as one until a named reader decides: only readers named for the case see it, never the
accused, its superior's general list, or a subordinate. A recused person or organisation sees nothing of the case.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, true
from sqlalchemy.orm import Session

from cases.models import Assignment, Case, CaseExclusion, CaseReader
from organisations.models import Area
from organisations.people import Actor

_CITY_WIDE = ("case.review", "case.supervise", "call.register")


def visible(actor: Actor) -> ColumnElement[bool]:
    """A condition on Case rows: what this person may see in lists, counts, searches and exports."""
    if actor.is_system:
        return true()
    if actor.account_id is None:
        return false()
    reader = exists().where(CaseReader.case_id == Case.id, CaseReader.account_id == actor.account_id)
    named = reader.correlate(Case)
    ordinary = and_(Case.accusation == "no", or_(*_grounds(actor)))
    return and_(not_excluded(actor), or_(ordinary, named))


def not_excluded(actor: Actor) -> ColumnElement[bool]:
    """A condition on Case rows: neither this person nor an organisation of theirs is kept away from the case."""
    if actor.account_id is None:  # the hub itself; comparing with None would match every row about an organisation
        return true()
    excluded = exists().where(CaseExclusion.case_id == Case.id, CaseExclusion.until.is_(None), _touches(actor))
    return ~excluded.correlate(Case)


def _touches(actor: Actor) -> ColumnElement[bool]:
    return or_(
        CaseExclusion.account_id == actor.account_id,
        CaseExclusion.organisation_id.in_(actor.organisation_ids),
    )


def _grounds(actor: Actor) -> list[ColumnElement[bool]]:
    grounds: list[ColumnElement[bool]] = [false()]
    if any(actor.can(permission) for permission in _CITY_WIDE):
        grounds.append(_in_scope(actor))
    if actor.can("case.read") and actor.organisation_ids:
        mine = exists().where(
            Assignment.case_id == Case.id,
            or_(
                Assignment.organisation_id.in_(actor.organisation_ids),
                Assignment.assigner_organisation_id.in_(actor.organisation_ids),
            ),
        )
        grounds.append(mine.correlate(Case))
    return grounds


def _in_scope(actor: Actor) -> ColumnElement[bool]:
    """The region a person's role is limited to; no paths: the whole city. A case without an area is everybody's."""
    if not actor.area_paths:
        return true()
    inside = select(Area.id).where(or_(*(Area.path.startswith(path) for path in actor.area_paths)))
    return or_(Case.area_id.is_(None), Case.area_id.in_(inside))


def may_see(session: Session, actor: Actor, case: Case) -> bool:
    """The same rule for one case that was loaded."""
    return bool(session.scalar(select(exists().where(Case.id == case.id, visible(actor)))))
