"""How a submission was classified, each time: suggested, diverted, corrected, at closing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Float, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from classifier.taxonomy import shipped_version
from core.database import Base


class Classification(Base):
    """One decision about category, nature, urgency and department, by a model or a person, with its grounds."""

    __tablename__ = "classifications"
    __table_args__ = (Index("ix_classifications_case", "case_id", "at"),)

    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submissions.id"))
    kind: Mapped[str] = mapped_column(String(10))  # suggested, diverted, corrected, closing
    by_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    model_version: Mapped[str | None] = mapped_column(String(40))
    catalogue_version_id: Mapped[int | None]
    taxonomy_version: Mapped[str] = mapped_column(String(12), default=shipped_version)
    level1: Mapped[str | None] = mapped_column(String(40))
    level2: Mapped[str | None] = mapped_column(String(60))
    level3: Mapped[str | None] = mapped_column(String(60))
    nature: Mapped[str | None] = mapped_column(String(10))
    urgent: Mapped[bool] = mapped_column(default=False)
    accusation: Mapped[bool] = mapped_column(default=False)
    sensitive: Mapped[bool] = mapped_column(default=False)
    danger: Mapped[str | None] = mapped_column(String(20))
    confidence: Mapped[float | None] = mapped_column(Float)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    automatic: Mapped[bool] = mapped_column(default=False)
    reasons: Mapped[list[str]] = mapped_column(JSON, default=list)  # codes why it was not automatic
    evidence: Mapped[list[Any]] = mapped_column(JSON, default=list)  # [field, start, end, weight] in the masked text
    alternatives: Mapped[list[Any]] = mapped_column(JSON, default=list)  # [level1, level2, confidence], best three
    at: Mapped[datetime]
