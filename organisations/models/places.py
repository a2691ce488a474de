"""Areas and organisations: the tree of places, and who is whose superior by territory (属地) and by line (业务主管)."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base

AREA_LEVELS = {"city": "市", "county": "区县", "township": "乡镇街道", "village": "村社区"}
ORGANISATION_KINDS = (
    "党委",
    "政府部门",
    "乡镇",
    "村社",
    "公用企业",
    "垂管",
    "司法",
    "纪检",
    "热线",
    "其他",
)
TERRITORIAL = "territorial"  # 属地
LINE = "line"  # 业务主管


class Area(Base):
    """A place in the city's tree; `path` is "/id/id/…/" from the root, for filters by prefix."""

    __tablename__ = "areas"
    __table_args__ = (UniqueConstraint("code"),)

    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(120))
    level: Mapped[str] = mapped_column(String(12))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id"), index=True)
    path: Mapped[str] = mapped_column(String(255), index=True)
    active: Mapped[bool] = mapped_column(default=True)


class AreaAlias(Base):
    """Another name of a place, as citizens write it."""

    __tablename__ = "area_aliases"
    __table_args__ = (UniqueConstraint("area_id", "name"),)

    area_id: Mapped[int] = mapped_column(ForeignKey("areas.id"))
    name: Mapped[str] = mapped_column(String(120))


class Organisation(Base):
    """A body that can be asked to act. `outside`: it does not work in the hub, so its cases are followed for it."""

    __tablename__ = "organisations"
    __table_args__ = (UniqueConstraint("code"),)

    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(120))
    short_name: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(20))
    level: Mapped[str] = mapped_column(String(12))
    area_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id"), index=True)
    outside: Mapped[bool] = mapped_column(default=False)
    started: Mapped[date | None]
    ended: Mapped[date | None]
    successor_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    active: Mapped[bool] = mapped_column(default=True)
    duty_account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    duty_note: Mapped[str] = mapped_column(Text, default="")


class OrganisationAlias(Base):
    """How people call an organisation (kind alias) or its staff (kind staff_title)."""

    __tablename__ = "organisation_aliases"
    __table_args__ = (UniqueConstraint("organisation_id", "kind", "name"),)

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    kind: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(120))


class OrganisationLink(Base):
    """One superior of an organisation by kind, with its dates (to_date excluded)."""

    __tablename__ = "organisation_links"
    __table_args__ = (
        Index("ix_organisation_links_child_kind", "child_id", "kind"),
        Index("ix_organisation_links_parent_kind", "parent_id", "kind"),
    )

    child_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    parent_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    kind: Mapped[str] = mapped_column(String(12))
    from_date: Mapped[date | None]
    to_date: Mapped[date | None]
