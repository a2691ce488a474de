"""The routing catalogue (派单目录): versioned rows; one version is in force at a time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base

STATES = {"draft": "草稿", "checked": "已核对", "published": "生效", "retired": "已停用"}


class CatalogueVersion(Base):
    """One edition of the catalogue: written by one person, published by another."""

    __tablename__ = "catalogue_versions"
    __table_args__ = (
        UniqueConstraint("number"),
        Index(
            "uq_catalogue_versions_in_force",
            "state",
            unique=True,
            sqlite_where=text("state = 'published'"),
            postgresql_where=text("state = 'published'"),
        ),
    )

    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(12), default="draft")
    note: Mapped[str] = mapped_column(Text, default="")
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    created_at: Mapped[datetime]
    edited_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))  # the last
    editor_ids: Mapped[list[int]] = mapped_column(JSON, default=list)  # all who changed a row of it
    checked_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    checked_at: Mapped[datetime | None]
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    published_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)


class CatalogueRow(Base):
    """Who answers for a category (level2 and level3 may be empty: all below), in an area or everywhere."""

    __tablename__ = "catalogue_rows"
    __table_args__ = (Index("ix_catalogue_rows_version_levels", "version_id", "level1", "level2", "level3"),)

    version_id: Mapped[int] = mapped_column(ForeignKey("catalogue_versions.id"))
    level1: Mapped[str] = mapped_column(String(40))
    level2: Mapped[str] = mapped_column(String(60), default="")
    level3: Mapped[str] = mapped_column(String(60), default="")
    area_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id"))
    lead_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    legal_basis: Mapped[str] = mapped_column(Text, default="")
    sign_hours: Mapped[int] = mapped_column(default=4)
    handle_days: Mapped[int] = mapped_column(default=5)
    track: Mapped[str] = mapped_column(String(12), default="hotline")
    note: Mapped[str] = mapped_column(Text, default="")


class CatalogueCoHandler(Base):
    """An organisation that handles together with the lead."""

    __tablename__ = "catalogue_co_handlers"
    __table_args__ = (UniqueConstraint("row_id", "organisation_id"),)

    row_id: Mapped[int] = mapped_column(ForeignKey("catalogue_rows.id"))
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    position: Mapped[int] = mapped_column(default=0)
