"""The routing catalogue (派单目录): which edition is in force, and whose a category in an area is."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from organisations.models import Area, CatalogueCoHandler, CatalogueRow, CatalogueVersion, Organisation


def in_force(session: Session) -> CatalogueVersion | None:
    """The edition in force, or None before the first was published."""
    return session.scalar(select(CatalogueVersion).where(CatalogueVersion.state == "published"))


def find(
    session: Session,
    level1: str,
    level2: str = "",
    level3: str = "",
    area_id: int | None = None,
    *,
    version_id: int | None = None,
) -> CatalogueRow | None:
    """The row that fits best, of the edition in force or of the one named; None when nobody is named for it.

    A row for the closer category wins over one for a closer area: first level 3, then 2, then 1; among rows of the same
    category the closest area up the tree, then the row for everywhere.
    """
    if version_id is None:
        version = in_force(session)
        if version is None:
            return None
        version_id = version.id
    chain = area_chain(session, area_id)
    query = select(CatalogueRow).where(
        CatalogueRow.version_id == version_id,
        CatalogueRow.level1 == level1,
        CatalogueRow.level2.in_({level2, ""}),
        CatalogueRow.level3.in_({level3, ""}),
        or_(CatalogueRow.area_id.is_(None), CatalogueRow.area_id.in_(chain)),
    )
    # A row with level 3 but another level 2 would be a different category.
    rows = [row for row in session.scalars(query) if row.level2 == level2 or not row.level3]
    return max(rows, key=lambda row: _closeness(row, chain), default=None)


def _closeness(row: CatalogueRow, chain: list[int]) -> tuple[bool, bool, int, int]:
    near = chain.index(row.area_id) + 1 if row.area_id is not None else 0
    return bool(row.level2), bool(row.level3), near, -row.id


def area_chain(session: Session, area_id: int | None) -> list[int]:
    """An area and all above it, root first; empty without an area or for an unknown one."""
    path = session.scalar(select(Area.path).where(Area.id == area_id)) if area_id is not None else None
    return [int(part) for part in path.split("/") if part] if path else []


def co_ids(session: Session, row_id: int) -> tuple[int, ...]:
    """The organisations that handle together with a row's lead, in their order."""
    query = select(CatalogueCoHandler.organisation_id).where(CatalogueCoHandler.row_id == row_id)
    return tuple(session.scalars(query.order_by(CatalogueCoHandler.position, CatalogueCoHandler.id)))


def departments(session: Session) -> dict[tuple[str, str, str], str]:
    """The department of each category in the edition in force, rows for everywhere only; empty before the first."""
    query = (
        select(CatalogueRow.level1, CatalogueRow.level2, CatalogueRow.level3, Organisation.name)
        .join(CatalogueVersion, CatalogueVersion.id == CatalogueRow.version_id)
        .join(Organisation, Organisation.id == CatalogueRow.lead_id)
        .where(CatalogueVersion.state == "published", CatalogueRow.area_id.is_(None))
    )
    return {(level1, level2, level3): name for level1, level2, level3, name in session.execute(query)}
